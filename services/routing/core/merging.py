"""The two sides of a merge. An act touches one case: what it means for the other is a further act, whose id follows
from the first one, so that it is the same however often it is sent (DESIGN.md 6.3).

    merged    the survivor takes over the running clocks of the absorbed case   -> absorb {absorbed, seq, starts}
    unmerged  it gives them back                                                -> absorb {absorbed, seq}
    absorb rejected: the survivor is over by then, never was, or is another's   -> unmerge {reason} on the absorbed case
"""

from datetime import datetime
from uuid import UUID

from services.routing.core.state import Case
from shared.events.base import Actor, event_id
from shared.events.cases import Acted, AnyCaseEvent, Rejected
from shared.events.intake import ActRequested, IntakeEvent
from shared.law.calendar import Calendar
from shared.law.history import duties
from shared.law.instrument import Instrument

ROUTING = Actor(organisation="suda", role="system", user="routing")


def follow_up(
    event: AnyCaseEvent, cause: IntakeEvent, before: Case | None, instrument: Instrument | None, calendar: Calendar
) -> ActRequested | None:
    """The act on the other case that `event` calls for; `cause` is the input, `before` the case it was applied to."""
    if isinstance(event, Rejected):
        return next(iter(withdrawals(cause, event.reason)), None)
    if not isinstance(event, Acted) or before is None:
        return None
    if event.done == "merged":
        data: dict[str, object] = {"absorbed": event.case_id, "seq": event.seq}
        data["starts"] = running_clocks(before, instrument, calendar)
        data["of"] = {name: getattr(before, name) for name in ("instrument", "accountable", "administration")}
        return _act(event.data.get("into"), f"absorb:{event.case_id}:{event.seq}", "absorb", data, event.at)
    if event.done == "unmerged" and before.survivor:
        released: dict[str, object] = {"absorbed": event.case_id, "seq": event.seq}
        return _act(before.survivor, f"absorb:{event.case_id}:{event.seq}", "absorb", released, event.at)
    return None


def withdrawals(request: IntakeEvent, reason: str) -> list[ActRequested]:
    """The act that undoes a merge whose survivor cannot take the case over; none for any other input."""
    if not isinstance(request, ActRequested) or request.act != "absorb" or "starts" not in request.data:
        return []
    name = f"unmerge:{request.case_id}:{request.data.get('seq')}"
    data: dict[str, object] = {"reason": reason, "into": request.case_id}
    undone = _act(request.data.get("absorbed"), name, "unmerge", data, request.received_at)
    return [undone] if undone else []


def running_clocks(case: Case, instrument: Instrument | None, calendar: Calendar) -> dict[str, dict[str, str]]:
    """The open duties of a case with their first day and instant, and the day they were extended to."""
    if instrument is None:
        return {}
    opened = case.opened
    found = duties(instrument, case.history, calendar, kind=opened.kind, channel=opened.channel)
    return {
        duty.id: {"day": duty.due.start_day.isoformat(), "at": duty.start_at.isoformat()}
        | ({"until": duty.until.isoformat()} if duty.until else {})
        for duty in found.values()
        if duty.status == "open"
    }


def _act(case: object, name: str, act: str, data: dict[str, object], at: datetime) -> ActRequested | None:
    """None where `case` is no case id: nothing can follow then."""
    try:
        case_id = str(UUID(str(case)))
    except ValueError:
        return None
    return ActRequested(act_id=event_id(case_id, name), case_id=case_id, act=act, by=ROUTING, received_at=at, data=data)
