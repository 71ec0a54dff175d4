"""Refused or ended, on a ground of the instrument and in the way it asks for."""

from services.routing.core.permission import Refusal
from services.routing.core.terms.asked import Asked, Check, Effect
from shared.law.cited import cited
from shared.law.errors import UnknownProvision
from shared.law.provisions import Ground

HOTLINE = "12345"


def _refuse(asked: Asked) -> Effect | Refusal:
    """On a listed ground, after asking where the ground wants it, and saying where to turn where it wants that."""
    if "ground" not in asked.rule.requires and not asked.given("ground"):
        if not asked.given("referred_to"):
            return asked.no("missing", "缺少：ground，或者referred_to（不属于权限范围的，告知管辖部门）")
        return _referred(asked, None) or {}
    return _on(asked, ("refuse", "filter"), "不予受理")


def _terminate(asked: Asked) -> Effect | Refusal:
    """On a listed ground; where the complainant must be reminded first, after that."""
    return _on(asked, ("terminate",), "终止办理")


def _on(asked: Asked, purposes: tuple[str, ...], title: str) -> Effect | Refusal:
    instrument = asked.instrument
    if instrument is None:
        return {}
    try:
        ground = instrument.ground(asked.word("ground"))
    except UnknownProvision:
        ground = None
    if ground is None or ground.purpose not in purposes:
        known = "、".join(each.id for each in instrument.grounds if each.purpose in purposes)
        return asked.no("no-such-ground", f"没有“{asked.word('ground')}”这一{title}情形；法定情形为：{known}")
    if refusal := _not_theirs(asked, ground):
        return refusal
    if ground.ask_first and not _was_asked(asked, ground):
        return asked.no("ask-first", f"依“{ground.text}”{title}以前，须先联系或者提醒投诉人并记录", *ground.citations)
    if refusal := _referred(asked, ground):
        return refusal
    return {"citations": cited(ground.citations)} | _read(asked, ground)


def _not_theirs(asked: Asked, ground: Ground) -> Refusal | None:
    """Some grounds are for the administration or the agency alone, or need the word of its leader."""
    if ground.decided_by and asked.request.by.role != ground.decided_by:
        return asked.no("not-allowed", f"依“{ground.text}”须由{ground.decided_by}决定", *ground.citations)
    holder = "agency" if asked.request.by.organisation == asked.case.accountable else "administration"
    if ground.by and holder not in ground.by:
        return asked.no("not-allowed", f"“{ground.text}”不得由{holder}适用", *ground.citations)
    return None


def _was_asked(asked: Asked, ground: Ground) -> bool:
    contacts = [happening.result for happening in asked.case.history if happening.on == "contacted"]
    return any(not ground.asked_with or result in ground.asked_with for result in contacts)


def _referred(asked: Asked, ground: Ground | None) -> Refusal | None:
    """Whom to turn to is said, and is 12345 or an organisation that exists."""
    to = asked.word("referred_to")
    if ground is not None and ground.tell_where and not to:
        return asked.no("missing", "须告知投诉人向何处反映：缺少referred_to（组织机构代码或12345）", *ground.citations)
    if to and to != HOTLINE and asked.directory.current(to, asked.today)[0] is None:
        return asked.no("unknown-organisation", f"组织机构代码{to}不在目录中")
    return None


def _read(asked: Asked, ground: Ground) -> Effect:
    """How the ground was read, beside how the rule was."""
    readings = [text for text in (asked.rule.interpretation, ground.interpretation) if text]
    return {"interpretation": "；".join(readings)} if ground.interpretation else {}


CHECKS: dict[str, Check] = {"refuse": _refuse, "terminate": _terminate}
