"""Are two complaints one? By what stands in clear of them: never across complainants, merged only when it is certain.

Certain: the same complainant about the same affair, or under the same source reference, in the same kind of complaint.
Less than that is a suggestion with a score and its reasons; an officer decides (LAW.md, "Wrong automatic merges").
The numbers here are operational, of no regulation.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import date, datetime
from typing import Any, Literal

from rapidfuzz import fuzz

from services.routing.core.state import Case
from shared.directory.tree import plain
from shared.events.base import Actor, event_id
from shared.events.cases import Opened
from shared.events.intake import ActRequested
from shared.law.instrument import Instrument

SYSTEM = Actor(organisation="suda", role="system", user="matcher")
OPEN = ("pending", "assigned", "accepted")
OVER = ("closed", "archived")
SUGGESTED = 75  # of 100
FAR = 90  # days after which two complaints are no nearer in time
WEIGHTS = {"matter": 40, "organisation": 30, "division": 15, "time": 15}
Kind = Literal["same-open", "same-closed"]


@dataclass(frozen=True, slots=True)
class Opening:
    """What the matcher keeps of a complaint; nothing of it is sealed."""

    case: str
    received_at: datetime
    received_on: date
    kind: str
    division: str
    instrument: str | None = None
    project_no: str | None = None
    source_reference: str | None = None
    matter_code: str | None = None
    matter_name: str | None = None
    organisation: str | None = None
    id_index: str | None = None
    phone_index: str | None = None
    anonymous: bool = False
    discloses: bool = True

    @property
    def persons(self) -> tuple[str, ...]:
        """The keys its complainant is found by; none for somebody unknown."""
        found = (("id", self.id_index), ("phone", self.phone_index))
        return tuple(f"{name}:{index}" for name, index in found if index)

    @property
    def order(self) -> tuple[date, datetime, str]:
        """Who came first: the earlier one stays."""
        return self.received_on, self.received_at, self.case

    def document(self) -> dict[str, Any]:
        found = {each.name: getattr(self, each.name) for each in fields(self)}
        days = {"received_at": self.received_at.isoformat(), "received_on": self.received_on.isoformat()}
        return {name: value for name, value in (found | days).items() if value is not None}

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> "Opening":
        given = {each.name: document[each.name] for each in fields(cls) if each.name in document}
        given["received_at"] = datetime.fromisoformat(given["received_at"])
        given["received_on"] = date.fromisoformat(given["received_on"])
        return cls(**given)


def opening(event: Opened) -> Opening:
    """What is kept of an opened case."""
    marks = event.complainant
    return Opening(
        case=event.case_id,
        received_at=event.received_at,
        received_on=event.received_on,
        kind=event.kind,
        division=event.division,
        instrument=event.instrument,
        project_no=event.project_no,
        source_reference=event.source_reference,
        matter_code=event.matter.code,
        matter_name=event.matter.name,
        organisation=event.accused.organisation,
        id_index=marks.id_index,
        phone_index=marks.phone_index,
        anonymous=marks.anonymous,
        discloses=marks.discloses,
    )


@dataclass(frozen=True, slots=True)
class Match:
    """Two complaints that may be one: the later would go into the earlier."""

    earlier: str
    later: str
    certain: bool
    score: int
    reasons: tuple[str, ...]


def compare(one: Opening, other: Opening) -> Match | None:
    """How alike two complaints are, whichever way round they are given; None where they have nothing in common."""
    if one.case == other.case or one.kind != other.kind or not _same_person(one, other):
        return None
    earlier, later = sorted((one, other), key=lambda each: each.order)
    same_affair = bool(one.project_no) and one.project_no == other.project_no
    same_source = bool(one.source_reference) and one.source_reference == other.source_reference
    if same_affair or same_source:
        reasons = [word for word, holds in (("same-affair", same_affair), ("same-source", same_source)) if holds]
        certain = one.instrument is not None and one.instrument == other.instrument
        return Match(earlier.case, later.case, certain, 100, ("same-complainant", *reasons))
    if one.project_no and other.project_no:
        return None  # two applications of one person
    score, reasons = _score(one, other)
    if score < SUGGESTED:
        return None
    return Match(earlier.case, later.case, False, score, ("same-complainant", *reasons))


def _same_person(one: Opening, other: Opening) -> bool:
    """By identity number, or by phone where no two numbers speak against it.

    Who asked to stay unnamed is never brought together with who did not: the link alone would name them.
    """
    if (one.anonymous, one.discloses) != (other.anonymous, other.discloses):
        return False
    if one.id_index and other.id_index:
        return one.id_index == other.id_index
    return one.phone_index is not None and one.phone_index == other.phone_index


def _score(one: Opening, other: Opening) -> tuple[int, list[str]]:
    """The likeness in hundredths, over what both say, and the words that carry it."""
    parts = {
        "matter": _matter(one, other),
        "organisation": _likeness(one.organisation, other.organisation),
        "division": 100.0
        if one.division == other.division
        else 50.0
        if one.division[:4] == other.division[:4]
        else 0.0,
        "time": max(0.0, 100.0 * (1 - abs((one.received_on - other.received_on).days) / FAR)),
    }
    if parts["matter"] is None:
        return 0, []  # nothing said of what it is about
    known = {name: value for name, value in parts.items() if value is not None}
    score = sum(WEIGHTS[name] * value for name, value in known.items()) / sum(WEIGHTS[name] for name in known)
    return round(score), [f"{name}-{round(value)}" for name, value in known.items()]


def _matter(one: Opening, other: Opening) -> float | None:
    if one.matter_code and other.matter_code:
        return 100.0 if one.matter_code == other.matter_code else 0.0
    return _likeness(one.matter_name, other.matter_name)


def _likeness(one: str | None, other: str | None) -> float | None:
    if not one or not other:
        return None
    return float(fuzz.WRatio(plain(one), plain(other)))


def allows_merging(instrument: Instrument | None, state: str) -> bool:
    """Whether the law lets Suda merge a case in this state by itself."""
    rules = instrument.rules("merge") if instrument else ()
    return any(rule.allows("system", {"platform"}) and state in rule.from_states for rule in rules)


def together(one: Case, other: Case) -> bool:
    """Whether the same agency answers for both, or the same administration has both: else the merge would be undone."""
    return bool({one.accountable, one.administration} & {other.accountable, other.administration} - {None})


def merge_id(match: Match) -> str:
    return event_id(match.later, f"merge:{match.earlier}")


def suggestion_id(match: Match) -> str:
    return event_id(match.later, f"suggestion:{match.earlier}")


def waits(match: Match, later: Case, earlier: Case, instrument: Instrument | None) -> bool:
    """Whether a certain match is to be tried again: the law allows merging, only not yet in this state."""
    if not match.certain or later.state not in OPEN or earlier.state not in OPEN or not together(later, earlier):
        return False
    return not allows_merging(instrument, later.state) and any(allows_merging(instrument, state) for state in OPEN)


def asks(
    match: Match, later: Case, earlier: Case, instrument: Instrument | None, now: datetime, *, again: bool = False
) -> ActRequested | None:
    """The act that follows: a merge, a suggestion, or nothing where the later case is over already.

    `again`: the suggestion was made before; only a merge may follow.
    """
    if later.state not in OPEN:
        return None
    if match.certain and earlier.state in OPEN and together(later, earlier) and allows_merging(instrument, later.state):
        data: dict[str, Any] = {"into": match.earlier, "score": match.score, "reasons": list(match.reasons)}
        return _act(merge_id(match), match.later, "merge", data, now)
    if again or earlier.state not in (*OPEN, *OVER):
        return None
    kind: Kind = "same-open" if earlier.state in OPEN else "same-closed"
    text = {
        "same-open": "可能与同一投诉人的在办办件重复（已受理或正在办理），请经办人员判断是否合并",
        "same-closed": "可能与同一投诉人已办结的办件重复；没有新证据的，请经办人员依规定判断",
    }
    data = {"text": text[kind], "suggestion": kind, "other": match.earlier}
    return _act(
        suggestion_id(match), match.later, "note", data | {"score": match.score, "reasons": list(match.reasons)}, now
    )


def _act(id: str, case: str, act: str, data: dict[str, Any], now: datetime) -> ActRequested:
    return ActRequested(act_id=id, case_id=case, act=act, by=SYSTEM, received_at=now, data=data)
