"""What the law sees in the events of a case, and which duties follow: one pure fold, used by routing and by sla.

The duties are computed anew from the whole history at every event, so no order of arrival, edit or restart can make
them drift: nothing restarts a clock, because a clock is where its first start stands in the history.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any, Literal, NamedTuple

from shared.events.cases import Acted, AnyCaseEvent, Dispatched, Opened
from shared.law.calendar import Calendar
from shared.law.due import ZONE, Due, due
from shared.law.instrument import Instrument
from shared.law.obligation import Obligation, Trigger

Status = Literal["open", "met", "late", "superseded"]
TOOK_OVER = "took-over"


class Start(NamedTuple):
    """Where the running clock of an absorbed case stands: its first day, and its instant."""

    obligation: str
    day: date
    at: datetime


@dataclass(frozen=True, slots=True)
class Happening:
    """One word of the law's vocabulary that came true at an instant, with what qualifies it."""

    on: str
    at: datetime
    outcome: str | None = None
    result: str | None = None
    disposal: str | None = None  # the class, of `classified`
    until: date | None = None  # of `extension-approved`
    other: str | None = None  # of `took-over`: the absorbed case, the seq at which it was (or ceased to be) absorbed,
    other_seq: int = 0
    starts: tuple[Start, ...] = ()  # and its running clocks; none once the merge was undone


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
    if event.done == TOOK_OVER:
        return (replace(done, other=event.data["absorbed"], other_seq=event.data["seq"], starts=_starts(event.data)),)
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


def _starts(data: Mapping[str, Any]) -> tuple[Start, ...]:
    found = data.get("starts") or {}
    return tuple(
        Start(name, date.fromisoformat(given["day"]), datetime.fromisoformat(given["at"]))
        for name, given in sorted(found.items())
    )


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
    return any(
        trigger.on == happening.on
        and (not trigger.outcome or happening.outcome in trigger.outcome)
        and (not trigger.result or happening.result in trigger.result)
        and _class_fits(trigger, disposal)
        for trigger in triggers
    )


def _generations(
    instrument: Instrument,
    obligation: Obligation,
    history: Sequence[Happening],
    calendar: Calendar,
    others: dict[tuple[str, int], Duty],
) -> list[Duty]:
    done: list[Duty] = []
    running: Duty | None = None
    own: Duty | None = None  # `running` as it would be without the clocks of absorbed cases
    carried = _Carried(obligation)
    disposal = instrument.default_class
    for happening in history:
        if happening.on == "classified" and happening.disposal:
            disposal = happening.disposal
        if happening.on == TOOK_OVER:
            carried.take(happening)
            running = running and own and carried.earliest(own, running.until, calendar)
        elif running is None:
            if _matches(obligation.starts, happening, disposal):
                own = _started(obligation, len(done) + 1, happening, calendar, others)
                running = carried.earliest(own, None, calendar)
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
        if running is None and done:
            carried.forget()
    return [*done, running] if running else done


class _Carried:
    """The starts that absorbed cases bring to one obligation: the earliest clock stays (LAW.md)."""

    def __init__(self, obligation: Obligation) -> None:
        self._obligation = obligation
        self._by_case: dict[str, tuple[int, Start | None]] = {}

    def take(self, happening: Happening) -> None:
        """What a case brings, or that it no longer brings anything; the one of the higher seq holds."""
        assert happening.other is not None
        start = next((each for each in happening.starts if each.obligation == self._obligation.id), None)
        if self._by_case.get(happening.other, (0, None))[0] < happening.other_seq:
            self._by_case[happening.other] = (happening.other_seq, start)

    def forget(self) -> None:
        """A duty that was done is done: what started it starts no other."""
        self._by_case = {case: (seq, None) for case, (seq, _) in self._by_case.items()}

    def earliest(self, own: Duty, until: date | None, calendar: Calendar) -> Duty:
        """The duty, running from the earliest of its own start and those brought."""
        if not self._by_case:
            return own
        hours = self._obligation.period.unit == "hours"
        first = Start(own.id, own.due.start_day, own.start_at)
        brought = [start for _, start in self._by_case.values() if start is not None]
        best = min([first, *brought], key=lambda start: start.at if hours else start.day)
        placed = due(self._obligation, best.at if hours else best.day, calendar, until=until)
        return replace(own, start_at=best.at, due=placed, until=until)


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
