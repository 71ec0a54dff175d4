"""What the law sees in the events of a case, and which duties follow: one pure fold, used by routing and by sla.

The duties are computed anew from the whole history at every event, so no order of arrival, edit or restart can make
them drift: nothing restarts a clock, because a clock is where its first start stands in the history.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Literal

from shared.events.cases import Acted, AnyCaseEvent, Dispatched, Opened
from shared.law.calendar import Calendar
from shared.law.due import ZONE, Due, due
from shared.law.instrument import Instrument
from shared.law.obligation import Obligation, Trigger

Status = Literal["open", "met", "late", "superseded"]


@dataclass(frozen=True, slots=True)
class Happening:
    """One word of the law's vocabulary that came true at an instant, with what qualifies it."""

    on: str
    at: datetime
    outcome: str | None = None
    result: str | None = None
    disposal: str | None = None  # the class, of `classified`
    until: date | None = None  # of `extension-approved`


@dataclass(frozen=True, slots=True)
class Duty:
    """One obligation of one case as its history stands. `generation` counts its starts, from 1."""

    obligation: Obligation
    generation: int
    start_at: datetime
    due: Due
    status: Status = "open"
    ended_at: datetime | None = None
    until: date | None = None

    @property
    def id(self) -> str:
        return self.obligation.id


def happenings(event: AnyCaseEvent) -> tuple[Happening, ...]:
    """The words an event makes true, in order."""
    if isinstance(event, Opened):
        return (Happening("first-contact", _first_contact(event)),)
    if isinstance(event, Dispatched):
        return (Happening(f"received-by-{event.holder}", event.at),)
    if not isinstance(event, Acted):
        return ()
    done = Happening(
        event.done,
        event.at,
        outcome=event.data.get("outcome"),
        result=event.data.get("result"),
        disposal=event.data.get("class"),
        until=_day(event.data.get("until")),
    )
    if event.done == "handed-over":
        return (done, Happening("received-by-agency", event.at))
    return (done,)


def _first_contact(event: Opened) -> datetime:
    """The instant received, or the start of an earlier day that a trusted import gave."""
    if event.received_on == event.received_at.astimezone(ZONE).date():
        return event.received_at
    return datetime.combine(event.received_on, datetime.min.time(), ZONE)


def _day(text: object) -> date | None:
    return date.fromisoformat(text) if isinstance(text, str) else None


def disposal_class(instrument: Instrument, history: Iterable[Happening]) -> str | None:
    """The class the case is in now: the last one it was given, else the instrument's default."""
    given = [h.disposal for h in history if h.on == "classified" and h.disposal]
    return given[-1] if given else instrument.default_class


def duties(
    instrument: Instrument, history: Sequence[Happening], calendar: Calendar, *, kind: str, channel: str
) -> dict[tuple[str, int], Duty]:
    """Every duty the history has started, by obligation and generation, as it stands now."""
    found: dict[tuple[str, int], Duty] = {}
    now = disposal_class(instrument, history)
    for obligation in _in_order(instrument):
        if obligation.kinds and kind not in obligation.kinds:
            continue
        if obligation.channels and channel not in obligation.channels:
            continue
        if not _class_fits(obligation, now):
            continue
        for duty in _generations(instrument, obligation, history, calendar, found):
            found[duty.id, duty.generation] = duty
    return found


def _in_order(instrument: Instrument) -> list[Obligation]:
    """Those that another one's late start depends on come first."""
    return sorted(instrument.case_obligations, key=lambda obligation: obligation.late_start is not None)


def _class_fits(rule: Obligation | Trigger, disposal: str | None) -> bool:
    return (not rule.when_class or disposal in rule.when_class) and disposal not in rule.unless_class


def _matches(triggers: Iterable[Trigger], happening: Happening, disposal: str | None) -> bool:
    for trigger in triggers:  # a plain loop: this is asked for every trigger of every duty at every event
        if (
            trigger.on == happening.on
            and (not trigger.outcome or happening.outcome in trigger.outcome)
            and (not trigger.result or happening.result in trigger.result)
            and _class_fits(trigger, disposal)
        ):
            return True
    return False


def _generations(
    instrument: Instrument,
    obligation: Obligation,
    history: Sequence[Happening],
    calendar: Calendar,
    others: dict[tuple[str, int], Duty],
) -> list[Duty]:
    done: list[Duty] = []
    running: Duty | None = None
    disposal = instrument.default_class
    for happening in history:
        if happening.on == "classified" and happening.disposal:
            disposal = happening.disposal
        if running is None:
            if _matches(obligation.starts, happening, disposal):
                running = _started(obligation, len(done) + 1, happening, calendar, others)
        elif _matches(obligation.ends, happening, disposal):
            late = happening.at >= running.due.due_at
            done.append(replace(running, status="late" if late else "met", ended_at=happening.at))
            running = None
        elif _matches(instrument.ends_all, happening, disposal):
            done.append(replace(running, status="superseded", ended_at=happening.at))
            running = None
        elif happening.on == "extension-approved" and happening.until and obligation.extension:
            stretched = due(obligation, _start(obligation, running), calendar, until=happening.until)
            running = replace(running, due=stretched, until=happening.until)
    return [*done, running] if running else done


def _start(obligation: Obligation, duty: Duty) -> date | datetime:
    return duty.start_at if obligation.period.unit == "hours" else duty.due.start_day


def _started(
    obligation: Obligation,
    generation: int,
    happening: Happening,
    calendar: Calendar,
    others: dict[tuple[str, int], Duty],
) -> Duty:
    """Starts with the happening; or, where it is the same debtor's own late act, on the day that act was due."""
    start: date | datetime = happening.at
    if obligation.period.unit != "hours":
        start = happening.at.astimezone(ZONE).date()
    before = [d for d in others.values() if d.id == obligation.late_start and d.ended_at == happening.at]
    if before and before[-1].status == "late":
        start = before[-1].due.due_day
    return Duty(obligation, generation, happening.at, due(obligation, start, calendar))
