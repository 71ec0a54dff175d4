"""Who may do what: one pure function over organisation, role, relation and the instrument. Deny by default."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from services.routing.core.relations import Relations, relations
from services.routing.core.state import Case
from shared.directory.tree import Directory
from shared.events.base import Actor, Citation
from shared.events.intake import ActRequested
from shared.law.acts import ActRule
from shared.law.cited import cited
from shared.law.due import ZONE
from shared.law.entry import Entry
from shared.law.history import disposal_class
from shared.law.instrument import Instrument
from shared.law.vocabulary import WAIVED

STATES = {
    "pending": "待交办", "assigned": "待受理", "accepted": "办理中", "closed": "已办结", "refused": "不予受理",
    "withdrawn": "已撤回", "terminated": "已终止", "absorbed": "已合并", "archived": "已归档",
}  # fmt: skip

ANYWHERE = frozenset({"platform", "supervising", "checking", "above"})  # whom a rule means that asks for no relation
# Of several rules, the one that nearly held is told: a later word here is nearer.
NEARNESS = ("not-in-law", "wrong-class", "wrong-word", "missing", "missing-step")


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why an act is not applied: a stable word, a sentence, and where the law says so."""

    reason: str
    explanation: str
    citations: tuple[Citation, ...] = ()


def allowed(
    request: ActRequested, case: Case, rules: tuple[ActRule, ...], instrument: Instrument | None, directory: Directory
) -> ActRule | Refusal:
    """The rule that permits the act now, or why none does.

    `rules` are those for this act: the instrument's and the common ones.
    """
    subject, day = request.by, request.received_at.astimezone(ZONE).date()
    known = relations(subject, case, directory, day, instrument)
    if known and subject.user and subject.user in case.recused:
        return Refusal("recused", "已回避的人员不得再办理或者接触该办件", recusal(instrument))
    if not known:
        return Refusal("out-of-scope", "该办件不在本单位的职责范围内")
    if not rules:
        title = f"《{instrument.title}》" if instrument else "未绑定文件的办件"
        return Refusal("not-in-law", f"{title}没有规定“{request.act}”，任何人不得为之")
    mine = [rule for rule in rules if _open_to(rule, subject, known)]
    if not mine:
        secret = instrument.confidentiality if instrument and request.act == "unmask" else ()
        return _refusal(
            "not-allowed", f"角色{subject.role}（{'、'.join(sorted(known))}）不得“{request.act}”", [*rules, *secret]
        )
    timely = [rule for rule in mine if case.state in rule.from_states]
    if not timely:
        states = "、".join(dict.fromkeys(STATES[state] for rule in mine for state in rule.from_states))
        return _refusal("wrong-state", f"办件现为{STATES[case.state]}，“{request.act}”只能在{states}时进行", mine)
    refusals: list[Refusal] = []
    for rule in timely:
        refusal = _incomplete(rule, request, case, instrument)
        if refusal is None:
            return rule
        refusals.append(refusal)
    return max(refusals, key=lambda refusal: NEARNESS.index(refusal.reason))


def _open_to(rule: ActRule, subject: Actor, known: Relations) -> bool:
    """Whether the rule names the subject. "Any" relation means the platform, or whoever stands above the case."""
    anywhere = bool(known & ANYWHERE)
    return any(
        actor.role == subject.role and (actor.relation in known or (actor.relation == "any" and anywhere))
        for actor in rule.by
    )


def recusal(instrument: Instrument | None) -> tuple[Citation, ...]:
    """Where it stands that the interested step aside; without an article of its own, the rule that Suda adds."""
    if instrument is None:
        return ()
    entries = [*instrument.recusals, *instrument.rules("recuse")]
    return tuple(dict.fromkeys(one for entry in entries for one in cited(entry.citations)))


def _incomplete(rule: ActRule, request: ActRequested, case: Case, instrument: Instrument | None) -> Refusal | None:
    """What the act lacks under this rule, or None."""
    if rule.kinds and case.opened.kind not in rule.kinds:
        return _refusal("not-in-law", f"该规定不适用于{case.opened.kind}", [rule])
    if rule.channels and case.opened.channel not in rule.channels:
        return _refusal("not-in-law", f"该规定不适用于渠道{case.opened.channel}", [rule])
    disposal = disposal_class(instrument, case.history) if instrument else None
    if rule.when_class and disposal not in rule.when_class or disposal in rule.unless_class:
        return _refusal("wrong-class", f"处理类别为{disposal}时不得“{request.act}”", [rule])
    for name, words in rule.given.items():
        if _given(request.data, request.sealed, name) and request.data.get(name) not in words:
            return _refusal("wrong-word", f"{name}只能是：{'、'.join(words)}", [rule])
    missing = [name for name in rule.requires if not _given(request.data, request.sealed, name)]
    if missing:
        return _refusal("missing", f"缺少：{'、'.join(missing)}", [rule])
    asked = [word for word in rule.after if word not in WAIVED] if waived(rule, case) else rule.after
    undone = [word for word in asked if not case.done(word, passed=rule.passed, failed=rule.failed)]
    if undone:
        how = "（结果须为不属实或者无法核实）" if rule.failed else ""
        return _refusal("missing-step", f"须先完成：{'、'.join(undone)}{how}", [rule])
    return None


def _given(data: Mapping[str, Any], sealed: Mapping[str, str], name: str) -> bool:
    return data.get(name) not in (None, "", [], {}) or name in sealed


def waived(rule: ActRule, case: Case) -> bool:
    """Whether the complainant need not have been reached, as the rule allows it."""
    complainant = case.opened.complainant
    holds = {
        "anonymous": complainant.anonymous,
        "answer-unwanted": not complainant.wants_answer,
        "unreachable": case.unreachable,
    }
    return any(holds[waiver] for waiver in rule.unless)


def _refusal(reason: str, explanation: str, rules: Sequence[Entry]) -> Refusal:
    citations = tuple(dict.fromkeys(citation for rule in rules for citation in cited(rule.citations)))
    return Refusal(reason, explanation, citations)
