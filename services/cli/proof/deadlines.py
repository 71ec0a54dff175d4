"""The deadlines: recomputed from scratch from the case events, each with exactly the breaches it must have.

What was said under the loaded data must be what follows from them, field by field. What was set under another calendar
or edition is counted and named, and must be the same but for its days; what is open must have been brought to where the
loaded one puts it, unless its breach had been declared: that stands, and is listed if it would now be judged otherwise.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from services.cli.proof.evidence import Evidence
from services.sla.core.periodic import owed, turns
from services.sla.core.unwatched import NONE, OPERATIONAL, Watches
from services.sla.core.watch import Watched, advance, changes
from shared.events.cases import AnyCaseEvent, Opened
from shared.events.deadlines import DeadlineEvent
from shared.law import Calendar, Library

Duty = tuple[str, str, int]  # case, obligation, generation
Due = tuple[str, str, int, str]  # and the due day
DAYS = ("start_day", "due_day", "due_at", "latest_day", "provisional", "late_days", "from_day", "calendar", "why")
PLACED = ("start_day", "due_day", "due_at", "latest_day", "provisional")
ENDS = ("discharged", "superseded")
SETS = ("opened", "extended", "reprojected")
RUNGS = ("warned", "breached", "escalated", "breach-withdrawn")


@dataclass
class Recomputed:
    """Deadline events by id as they follow from the events, and the cases that could not be judged."""

    events: dict[str, DeadlineEvent]
    other: dict[str, list[str]]  # why -> cases, counted and named
    unjudged: set[str] = field(default_factory=set)  # of those: cases whose law is not loaded as it was
    unruled: set[str] = field(default_factory=set)  # ids of what was said of watches that are no rule any more
    moved: dict[Duty, int] = field(
        default_factory=dict
    )  # set under other data; the seq of its last re-projection, or 0


def recompute(found: Evidence, law: Library, calendar: Calendar, rules: Watches = NONE) -> Recomputed:
    """Every case from its first event on, under the data it is bound to; others are counted and named."""
    result = Recomputed({}, {})
    for case_id in found.events:
        history = found.history(case_id)
        if not history or not isinstance(history[0][0], Opened):
            continue
        if missing := _not_loaded(history, law):
            result.other.setdefault(f"{missing} is not loaded", []).append(case_id)
            result.unjudged.add(case_id)
            continue
        watched, here = Watched(case_id), calendar.at(history[0][0].division)
        for event, _ in history:
            watched = advance(watched, event)
            facts = watched.facts  # the instrument may come later: rebound
            instrument = law.get(facts.instrument, facts.law_digest) if facts.instrument else None
            watched, made = changes(watched, instrument, here, event.at, rules)
            result.events |= {one.id: one for one in made}
    _periodic(found, law, result)
    for id, (said, _) in found.deadlines.items():
        if said.instrument == OPERATIONAL and not rules.has(said.obligation):
            result.unruled.add(id)
            result.other.setdefault(f"{said.obligation} is no operational rule any more", []).append(said.case_id)
        again = result.events.get(id)
        if said.type not in RUNGS and (said.calendar != again.calendar if again else said.type == "reprojected"):
            seq = 0 if again else said.seq
            result.moved[_key(said)] = max(seq, result.moved.get(_key(said), 0))
    if moved := {case for case, _, _ in result.moved} - result.unjudged:
        result.other["set under other data, or re-projected"] = sorted(moved)
    return result


def _not_loaded(history: Iterable[tuple[AnyCaseEvent, bytes]], law: Library) -> str | None:
    """The data the case is bound to, at its opening or when it was rebound, where they are not loaded as they were."""
    facts = Watched("").facts
    for event, _ in history:
        facts = advance(Watched("", facts=facts), event).facts
        if facts.instrument and not law.holds(facts.instrument, facts.law_digest or ""):
            return f"{facts.instrument} {facts.law_digest}"
    return None


def _periodic(found: Evidence, law: Library, result: Recomputed) -> None:
    """What organisations owe for a period, by the directory as it is; a filing is its own evidence."""
    if found.began is None:
        return
    for period in turns(found.began.date().replace(year=found.began.year - 1, month=1, day=1), found.now.date()):
        seen = {
            f"{mark['instrument']}:{mark['division']}"
            for mark in found.marks
            if f"{period.first:%Y-%m}" <= mark.get("month", "") <= f"{period.last:%Y-%m}"
        }
        for one in owed(law, found.directory, period, seen):
            if (event := one.opened()).due_at > found.began:
                result.events[event.id] = event
    for id, (event, _) in found.deadlines.items():
        if event.period and event.type == "discharged":
            result.events[id] = event


def deadlines(found: Evidence, recomputed: Recomputed) -> list[str]:
    """What is published of openings, extensions and ends is what follows from the events."""
    expected = recomputed.events
    published = {
        id: event for id, (event, _) in found.deadlines.items()
        if event.type not in RUNGS and event.case_id not in recomputed.unjudged and id not in recomputed.unruled
    }  # fmt: skip
    missing, extra = expected.keys() - published.keys(), published.keys() - expected.keys()
    wrong = [_named(expected[id], "is missing") for id in missing if not _moves(expected[id], recomputed)]
    wrong += [
        _named(published[id], "does not follow from the case") for id in extra if not _moves(published[id], recomputed)
    ]
    both = published.keys() & expected.keys()
    wrong += [_named(published[id], "differs") for id in both if not _same(published[id], expected[id], recomputed)]
    return wrong + _not_brought(found, recomputed)


def _moves(event: DeadlineEvent, recomputed: Recomputed) -> bool:
    """Whether it only says that a duty moved, which under another calendar it need not have, or not to there."""
    return event.type in ("extended", "reprojected") and _key(event) in recomputed.moved


def _same(said: DeadlineEvent, now: DeadlineEvent, recomputed: Recomputed) -> bool:
    """Alike in every field; of what was set under other data in all but the days."""
    if said == now or _key(said) not in recomputed.moved:
        return said == now
    since = said.calendar and said.calendar == now.calendar and said.seq > recomputed.moved[_key(said)]
    free = ("from_day", "why") if since else DAYS
    return said.model_copy(update={name: getattr(now, name) for name in free}) == now


def _not_brought(found: Evidence, recomputed: Recomputed) -> list[str]:
    """Open deadlines that were set under another calendar and do not stand where the loaded one puts them."""
    stands, breached = _last(event for event, _ in found.deadlines.values()), _breached(found)
    return [
        _named(event, f"was not re-projected to {now.due_day}")
        for key, now in _last(recomputed.events.values()).items()
        if key in recomputed.moved and (event := stands.get(key)) is not None
        and event.type in SETS and now.type in SETS and _due(event) not in breached
        and any(getattr(event, name) != getattr(now, name) for name in PLACED)
    ]  # fmt: skip


def judged_otherwise(found: Evidence, recomputed: Recomputed) -> list[str]:
    """Breaches declared that the loaded calendar would not declare, and discharges it would judge otherwise."""
    now, breached = _last(recomputed.events.values()), _breached(found)
    named = []
    for event, _ in found.deadlines.values():
        again = now.get(_key(event))
        if again is None or _key(event) not in recomputed.moved:
            continue
        if event.type == "breached" and _due(event) in breached and again.due_day > event.due_day:
            named.append(_named(event, f"stands as judged; by the data loaded now it is due {again.due_day}"))
        if event.type == "discharged" and (event.at >= event.due_at) != (event.at >= again.due_at):
            named.append(_named(event, f"stands as judged; by the data loaded now it is due {again.due_day}"))
    return sorted(named)


def _last(events: Iterable[DeadlineEvent]) -> dict[Duty, DeadlineEvent]:
    """What was said last of each duty, rungs aside."""
    kept = [event for event in events if event.type not in RUNGS]
    return {_key(event): event for event in sorted(kept, key=_order)}


def _order(event: DeadlineEvent) -> tuple[object, ...]:
    """By the event of the case, then what began, what moved, and last what ended; re-projections as they came."""
    place = 0 if event.type == "opened" else 2 if event.type in ("discharged", "superseded") else 1
    return event.seq, place, event.type == "reprojected", event.at


def _breached(found: Evidence) -> set[Due]:
    """Breaches that were declared and not withdrawn."""
    events = [event for event, _ in found.deadlines.values()]
    withdrawn = {_due(event) for event in events if event.type == "breach-withdrawn"}
    return {_due(event) for event in events if event.type == "breached"} - withdrawn


def breaches(found: Evidence, recomputed: Recomputed) -> list[str]:
    """Late or still open past its instant: breached, once. In time: not, or withdrawn. No rung before its instant."""
    stands = _breached(found)
    wrong = [
        _named(event, f"fired early: {event.rung} at {event.fired}")
        for event, _ in found.deadlines.values()
        if event.rung_due and event.fired and event.fired < event.rung_due
    ]
    for event, missed in _judged(recomputed, found):
        if missed and _due(event) not in stands:
            wrong.append(_named(event, "was not done in time and no breach stands"))
        if not missed and event.type in ENDS and _due(event) in stands:
            wrong.append(_named(event, "was over in time and a breach stands"))
    return wrong


def _judged(recomputed: Recomputed, found: Evidence) -> list[tuple[DeadlineEvent, bool]]:
    """Each duty that was done, ended in time or is open, with whether it was missed by now; what was set under another
    calendar by what was said of it."""
    said = [event for event, _ in found.deadlines.values() if _key(event) in recomputed.moved]
    made = [event for event in recomputed.events.values() if _key(event) not in recomputed.moved]
    judged = []
    for event in _last(said + made).values():
        if event.type == "discharged":
            judged.append((event, event.at >= event.due_at))
        elif event.type in SETS:
            judged.append((event, found.now >= event.due_at))
        elif event.at < event.due_at:
            judged.append((event, False))
    return judged


def _key(event: DeadlineEvent) -> Duty:
    return event.case_id, event.obligation, event.generation


def _due(event: DeadlineEvent) -> Due:
    return *_key(event), event.due_day.isoformat()


def _named(event: DeadlineEvent, what: str) -> str:
    return f"case {event.case_id}: {event.obligation} due {event.due_day} ({event.type}) {what}"
