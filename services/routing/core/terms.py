"""What an act must satisfy beyond who and when: grounds that exist, classes that exist, extensions within the law."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any

from services.routing.core.permission import Refusal
from services.routing.core.state import Case
from shared.directory.tree import Directory
from shared.events.intake import ActRequested
from shared.law.acts import ActRule
from shared.law.calendar import Calendar
from shared.law.cited import cited
from shared.law.due import ZONE, due
from shared.law.errors import UnknownProvision
from shared.law.history import Duty, duties
from shared.law.instrument import Instrument


@dataclass(frozen=True, slots=True)
class Asked:
    """An act that somebody may do, with all it is judged by."""

    request: ActRequested
    case: Case
    rule: ActRule
    instrument: Instrument | None
    directory: Directory
    calendar: Calendar


Effect = dict[str, Any]  # fields of the Acted event beyond the usual ones
Check = Callable[[Asked], Effect | Refusal]


def effects(asked: Asked) -> Effect | Refusal:
    """What the act changes besides the state, or why the law does not let it."""
    if asked.rule.before_due and (late := _past_due(asked, asked.rule.before_due)):
        return late
    check = CHECKS.get(asked.request.act)
    return check(asked) if check else {}


def _past_due(asked: Asked, name: str) -> Refusal | None:
    """A refusal where the first due day of that duty has passed."""
    for duty in _duties(asked):
        first = due(duty.obligation, duty.due.start_day, asked.calendar)
        if duty.id == name and duty.status == "open" and asked.request.received_at >= first.due_at:
            return _no(asked, "too-late", f"{duty.obligation.title}的期限{first.due_day}已过")
    return None


def _duties(asked: Asked) -> list[Duty]:
    if asked.instrument is None:
        return []
    opened = asked.case.opened
    found = duties(asked.instrument, asked.case.history, asked.calendar, kind=opened.kind, channel=opened.channel)
    return list(found.values())


def _hand_over(asked: Asked) -> Effect | Refusal:
    code = str(asked.request.data.get("to", ""))
    day = asked.request.received_at.astimezone(ZONE).date()
    organisation, _ = asked.directory.current(code, day)
    if organisation is None:
        return _no(asked, "unknown-organisation", f"组织机构代码{code}不在目录中，或当日已撤销且无承继单位")
    return {"accountable": organisation.code, "directory_offset": asked.directory.offset}


def _refuse(asked: Asked) -> Effect | Refusal:
    if asked.instrument is None:
        return {}
    name = str(asked.request.data.get("ground"))
    try:
        ground = asked.instrument.ground(name)
    except UnknownProvision:
        known = "、".join(ground.id for ground in asked.instrument.grounds_for("refuse"))
        return _no(asked, "no-such-ground", f"没有“{name}”这一不予受理情形；法定情形为：{known}")
    if ground.purpose == "terminate":
        return _no(asked, "no-such-ground", f"“{name}”是终止情形，不是不予受理情形")
    return {"citations": cited(ground.citations)}


def _classify(asked: Asked) -> Effect | Refusal:
    if asked.instrument is None:
        return {}
    name = str(asked.request.data.get("class"))
    try:
        chosen = asked.instrument.disposal_class(name)
    except UnknownProvision:
        known = "、".join(entry.id for entry in asked.instrument.classes)
        return _no(asked, "no-such-class", f"没有“{name}”这一处理类别；类别为：{known}")
    opened = asked.case.opened
    if chosen.channels and opened.channel not in chosen.channels or chosen.kinds and opened.kind not in chosen.kinds:
        return Refusal("wrong-class", f"{chosen.title}不适用于该渠道或类型", cited(chosen.citations))
    return {"citations": cited(chosen.citations)}


def _extension(asked: Asked) -> Effect | Refusal:
    """An extension is granted once, before the first due day has passed, within the limit, to a later day."""
    duty = _extensible(asked)
    if duty is None:
        return _no(asked, "nothing-to-extend", "现在没有可以延期的期限")
    if asked.request.received_at >= duty.due.due_at:
        return _no(asked, "too-late", f"原期限{duty.due.due_day}已过，逾期不因事后申请而消除")
    extension = duty.obligation.extension
    if duty.until is not None and extension is not None and extension.once:
        return _no(asked, "already-extended", f"已经延期一次至{duty.due.due_day}")
    until = date.fromisoformat(str(asked.request.data["until"]))
    if until <= duty.due.due_day:
        return _no(asked, "not-later", f"新的期限须晚于原期限{duty.due.due_day}")
    if duty.due.latest_day is not None and until > duty.due.latest_day:
        return _no(asked, "beyond-limit", f"最长只能延至{duty.due.latest_day}")
    told = asked.request.data.get("complainant_told_on")
    if told is not None and not _told_in_time(asked, date.fromisoformat(str(told)), duty):
        return _no(asked, "told-too-late", f"须在原期限{duty.due.due_day}内告知，且不得是将来的日期")
    return {}


def _told_in_time(asked: Asked, told: date, duty: Duty) -> bool:
    today = asked.request.received_at.astimezone(ZONE).date()
    return told <= min(today, duty.due.due_day)


def _extensible(asked: Asked) -> Duty | None:
    return next((duty for duty in _duties(asked) if duty.status == "open" and duty.obligation.extension), None)


def _no(asked: Asked, reason: str, explanation: str) -> Refusal:
    return Refusal(reason, explanation, cited(asked.rule.citations))


CHECKS: dict[str, Check] = {
    "hand-over": _hand_over,
    "refuse": _refuse,
    "classify": _classify,
    "request-extension": _extension,
    "approve-extension": _extension,
}
