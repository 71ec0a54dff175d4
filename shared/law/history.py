"""Which duties follow from what the law sees in a case (`happenings.py`): one pure fold, used by routing and by sla.

The duties are computed anew from the whole history at every event, so no order of arrival, edit or restart can make
them drift: nothing restarts a clock, because a clock is where its first start stands in the history.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Literal

from shared.law.calendar import Calendar
from shared.law.due import ZONE, Due, due
from shared.law.happenings import CLASSIFIES, TOOK_OVER, Happening, Start
from shared.law.instrument import Instrument
from shared.law.obligation import Obligation, Trigger
from shared.law.vocabulary import ARRIVALS

Status = Literal["open", "met", "late", "superseded"]


@dataclass(frozen=True, slots=True)
class Duty:
    """One obligation of one case as its history stands. `generation` counts its starts, from 1."""

    obligation: Obligation
    generation: int
    start_at: datetime
    due: Due
    status: Status = "open"
    ended_at: datetime | None = None
    until: date | None = None  # an extension, of the clock that is followed
    granted: date | None = None  # an extension, on this case
    limit: date | None = None  # set by the act that started it
    presumed: bool = False  # started by what is only presumed

    @property
    def id(self) -> str:
        return self.obligation.id


def disposal_class(instrument: Instrument, history: Iterable[Happening]) -> str | None:
    """The class the case is in now: the last one it was given, else the instrument's default."""
    given = [h.disposal for h in history if h.on in CLASSIFIES and h.disposal]
    return given[-1] if given else instrument.default_class


@dataclass(frozen=True, slots=True)
class _Life:
    """A history made ready: undone merges taken out, and the class that counts at each point.

    Within one round of handling (up to a send-back) the class given last counts from the round's beginning: after a
    re-classification the other class's period runs from its own original start. An earlier round keeps its own class.
    """

    instrument: Instrument
    calendar: Calendar
    history: Sequence[Happening]
    classes: Sequence[str | None]
    whatever_class: bool = False
    others: dict[tuple[str, int], Duty] = field(default_factory=dict)

    def runs(self, obligation: Obligation, place: int) -> bool:
        return self.whatever_class or _class_fits(obligation, self.classes[place])


def _life(
    instrument: Instrument, history: Sequence[Happening], calendar: Calendar, whatever_class: bool = False
) -> _Life:
    standing = _without_undone(history)
    classes: list[str | None] = []
    now = instrument.default_class
    for place, happening in enumerate(standing):
        if happening.on == "sent-back":
            classes += [now] * (place - len(classes))
        if happening.on in CLASSIFIES and happening.disposal:
            now = happening.disposal
    classes += [now] * (len(standing) - len(classes))
    return _Life(instrument, calendar, standing, classes, whatever_class)


def _without_undone(history: Sequence[Happening]) -> Sequence[Happening]:
    """Without each merge that was undone later, and what arrived by it: the clocks run as if it had never been.

    One in which the complaint was accepted stays: what was decided is decided, and runs from where it arrived by it.
    """
    if all(happening.on != "unmerged" for happening in history):
        return history
    standing: list[Happening] = []
    for happening in history:
        merged = [place for place, earlier in enumerate(standing) if earlier.on == "merged"]
        decided = merged and any(later.on == "accepted" for later in standing[merged[-1] :])
        if happening.on == "unmerged" and merged and not decided:
            first = last = merged[-1]
            while last + 1 < len(standing) and standing[last + 1].on in ARRIVALS:
                last += 1
            del standing[first : last + 1]
        standing.append(happening)
    return standing


def duties(
    instrument: Instrument, history: Sequence[Happening], calendar: Calendar, *, kind: str, channel: str
) -> dict[tuple[str, int], Duty]:
    """Every duty the history has started, by obligation and generation, as it stands now."""
    life = _life(instrument, history, calendar)
    for obligation in _in_order(instrument):
        if obligation.kinds and kind not in obligation.kinds:
            continue
        if obligation.channels and channel not in obligation.channels:
            continue
        for duty in _generations(obligation, life):
            life.others[duty.id, duty.generation] = duty
    return life.others


def whatever_class(
    instrument: Instrument, name: str, history: Sequence[Happening], calendar: Calendar
) -> tuple[Duty, ...]:
    """The generations of one duty as they would be whatever class the case were in."""
    life = _life(instrument, history, calendar, whatever_class=True)
    for one in reversed(_depends(instrument, instrument.obligation(name))):
        for duty in (found := _generations(one, life)):
            life.others[duty.id, duty.generation] = duty
    return tuple(found)


def _in_order(instrument: Instrument) -> list[Obligation]:
    """Those that another one's late start depends on come first."""
    return sorted(instrument.case_obligations, key=lambda obligation: len(_depends(instrument, obligation)))


def _depends(instrument: Instrument, obligation: Obligation) -> list[Obligation]:
    """The duty, the one its late start depends on, the one that depends on in its turn, and so on."""
    found = [obligation]
    while (name := found[-1].late_start) and all(one.id != name for one in found):
        found.append(instrument.obligation(name))
    return found


def _class_fits(rule: Obligation | Trigger, disposal: str | None) -> bool:
    return (not rule.when_class or disposal in rule.when_class) and disposal not in rule.unless_class


def _match(triggers: Iterable[Trigger], happening: Happening, disposal: str | None) -> Trigger | None:
    for trigger in triggers:  # a plain loop: this is asked for every trigger of every duty at every event
        if (
            trigger.on == happening.on
            and (not trigger.outcome or happening.outcome in trigger.outcome)
            and (not trigger.result or happening.result in trigger.result)
            and _class_fits(trigger, disposal)
        ):
            return trigger
    return None


def _generations(obligation: Obligation, life: _Life) -> list[Duty]:
    done: list[Duty] = []
    running: Duty | None = None
    own: Duty | None = None  # `running` as it would be without the clocks of absorbed cases
    carried, calendar = _Carried(obligation), life.calendar
    disposal, used = life.instrument.default_class, False
    for place, happening in enumerate(life.history):
        if happening.on in CLASSIFIES and happening.disposal:
            disposal = happening.disposal
        used = used or (obligation.once and _match(obligation.ends, happening, disposal) is not None)
        if happening.on == TOOK_OVER:
            carried.take(happening)
            running = running and own and carried.earliest(own, calendar)
        elif running is None or running.presumed:
            start = (
                _match(obligation.starts, happening, disposal) if life.runs(obligation, place) and not used else None
            )
            if start and not (running and start.presumed):
                own = _started(obligation, len(done) + 1, happening, start, life)
                running = carried.earliest(own, calendar)
                continue
        if running is None or happening.on == TOOK_OVER:
            continue
        if _match(obligation.ends, happening, disposal):
            late = happening.at >= running.due.due_at
            done.append(replace(running, status="late" if late else "met", ended_at=happening.at))
            running = None
        elif _match((*obligation.lapses, *life.instrument.ends_all), happening, disposal):
            done.append(replace(running, status="superseded", ended_at=happening.at))
            running = None
        elif own is not None and (until := _extended_to(happening, obligation)):
            stretched = due(obligation, _start(obligation, own), calendar, until=until, limit=own.limit)
            own = replace(own, due=stretched, until=until, granted=until)
            carried.extend(until)
            running = carried.earliest(own, calendar)
        if running is None:
            carried.forget()
    return [*done, running] if running else done


def _extended_to(happening: Happening, obligation: Obligation) -> date | None:
    """The day an extension stretches this duty to."""
    if happening.on != "extension-approved" or not obligation.extension:
        return None
    return happening.until if happening.extends in (None, obligation.id) else None


class _Carried:
    """The clocks that absorbed cases bring to one obligation: the earliest stays (LAW.md)."""

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

    def extend(self, until: date) -> None:
        """An extension of the handling that is now one: of each clock that has none yet."""
        for case, (seq, start) in self._by_case.items():
            self._by_case[case] = seq, start and start._replace(until=start.until or until)

    def earliest(self, own: Duty, calendar: Calendar) -> Duty:
        """The duty by whichever is due first of its own clock and those brought, each as far as it was extended."""
        best = own
        for start in (start for _, start in self._by_case.values() if start is not None):
            begun = start.at if self._obligation.period.unit == "hours" else start.day
            placed = due(self._obligation, begun, calendar, until=start.until, limit=own.limit)
            if (placed.due_at, placed.start_day) < (best.due.due_at, best.due.start_day):
                best = replace(own, start_at=start.at, due=placed, until=start.until)
        return best


def _start(obligation: Obligation, duty: Duty) -> date | datetime:
    return duty.start_at if obligation.period.unit == "hours" else duty.due.start_day


def _started(obligation: Obligation, generation: int, happening: Happening, trigger: Trigger, life: _Life) -> Duty:
    """Starts with the happening; or, where it is the same debtor's own late act, on the day that act was due."""
    hours = obligation.period.unit == "hours"
    start: date | datetime = happening.at if hours else happening.at.astimezone(ZONE).date()
    before = [d for d in life.others.values() if d.id == obligation.late_start and d.ended_at == happening.at]
    if before and before[-1].status == "late":
        start = before[-1].due.due_at if hours else before[-1].due.due_day
    limit = happening.until if trigger.limited else None
    placed = due(obligation, start, life.calendar, limit=limit)
    return Duty(obligation, generation, happening.at, placed, limit=limit, presumed=trigger.presumed)
