"""The deadlines: recomputed from scratch from the case events, each with exactly the breaches it must have.

What was set under another calendar than the loaded one is counted and named; it must have been brought to where the
loaded one puts it, unless its breach had been declared: that stands, and is listed if it would now be judged otherwise.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from services.cli.proof.evidence import Evidence
from services.sla.core.periodic import owed, turns
from services.sla.core.unwatched import NONE, Watches
from services.sla.core.watch import Watched, advance, changes
from shared.events.cases import Opened
from shared.events.deadlines import DeadlineEvent
from shared.law import Calendar, Library

SETS = ("opened", "extended", "reprojected")
RUNGS = ("warned", "breached", "escalated", "breach-withdrawn")


@dataclass
class Recomputed:
    """Deadline events by id as they follow from the events, and the cases that could not be judged."""

    events: dict[str, DeadlineEvent]
    other: dict[str, list[str]]  # why -> cases
    moved: set[str] = field(default_factory=set)  # cases with a deadline set under another calendar, or re-projected


def recompute(found: Evidence, law: Library, calendar: Calendar, rules: Watches = NONE) -> Recomputed:
    """Every case from its first event on, under the data it is bound to; others are counted and named."""
    result = Recomputed({}, {})
    for case_id in found.events:
        history = found.history(case_id)
        if not history or not isinstance(history[0][0], Opened):
            continue
        opened = history[0][0]
        if opened.instrument and not law.holds(opened.instrument, opened.law_digest or ""):
            result.other.setdefault(f"{opened.instrument} {opened.law_digest} is not loaded", []).append(case_id)
            continue
        watched, here = Watched(case_id), calendar.at(opened.division)
        for event, _ in history:
            watched = advance(watched, event)
            facts = watched.facts  # the instrument may come later: rebound
            instrument = law.get(facts.instrument, facts.law_digest) if facts.instrument else None
            watched, made = changes(watched, instrument, here, event.at, rules)
            result.events |= {one.id: one for one in made}
    _periodic(found, law, result)
    for id, (said, _) in found.deadlines.items():
        again = result.events.get(id)
        if said.type == "reprojected" or (again and again.calendar != said.calendar):
            result.moved.add(said.case_id)
    if result.moved:
        result.other["set under another calendar"] = sorted(result.moved)
    return result


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
    unjudged = {case for cases in recomputed.other.values() for case in cases}
    expected = {id: event for id, event in recomputed.events.items() if event.case_id not in unjudged}
    published = {
        id: event for id, (event, _) in found.deadlines.items()
        if event.type not in RUNGS and event.case_id not in unjudged
    }  # fmt: skip
    wrong = [_named(expected[id], "is missing") for id in expected.keys() - published.keys()]
    wrong += [_named(published[id], "does not follow from the case") for id in published.keys() - expected.keys()]
    both = published.keys() & expected.keys()
    wrong += [_named(published[id], "differs") for id in both if published[id] != expected[id]]
    return wrong + _not_brought(found, recomputed)


def _not_brought(found: Evidence, recomputed: Recomputed) -> list[str]:
    """Open deadlines that were set under another calendar and do not stand where the loaded one puts them."""
    stands, breached = _last(event for event, _ in found.deadlines.values()), _breached(found)
    return [
        _named(event, f"was not re-projected to {now.due_day}")
        for key, now in _last(recomputed.events.values()).items()
        if now.case_id in recomputed.moved and (event := stands.get(key)) is not None
        and event.type in SETS and now.type in SETS
        and event.due_day != now.due_day and _duty(event) not in breached
    ]  # fmt: skip


def judged_otherwise(found: Evidence, recomputed: Recomputed) -> list[str]:
    """Breaches declared that the loaded calendar would not declare, and discharges it would judge otherwise."""
    now, breached = _last(recomputed.events.values()), _breached(found)
    named = []
    for event, _ in found.deadlines.values():
        again = now.get((event.case_id, event.obligation, event.generation))
        if again is None or event.case_id not in recomputed.moved:
            continue
        if event.type == "breached" and _duty(event) in breached and again.due_day > event.due_day:
            named.append(_named(event, f"stands as judged; by the data loaded now it is due {again.due_day}"))
        if event.type == "discharged" and (event.at >= event.due_at) != (event.at >= again.due_at):
            named.append(_named(event, f"stands as judged; by the data loaded now it is due {again.due_day}"))
    return sorted(named)


def _last(events: Iterable[DeadlineEvent]) -> dict[tuple[str, str, int], DeadlineEvent]:
    """What was said last of each duty, rungs aside."""
    found: dict[tuple[str, str, int], DeadlineEvent] = {}
    kept = [event for event in events if event.type not in RUNGS]
    for event in sorted(kept, key=lambda e: (e.seq, e.type == "reprojected", e.at, e.type != "opened")):
        found[event.case_id, event.obligation, event.generation] = event
    return found


def _breached(found: Evidence) -> set[tuple[str, str, int, str]]:
    """Breaches that were declared and not withdrawn."""
    events = [event for event, _ in found.deadlines.values()]
    withdrawn = {_duty(event) for event in events if event.type == "breach-withdrawn"}
    return {_duty(event) for event in events if event.type == "breached"} - withdrawn


def breaches(found: Evidence, recomputed: Recomputed) -> list[str]:
    """Late or still open past its instant: breached, once. In time: not, or withdrawn. No rung before its instant."""
    declared: set[tuple[str, str, int, str]] = set()
    withdrawn: set[tuple[str, str, int, str]] = set()
    wrong = []
    for event, _ in found.deadlines.values():
        if event.type == "breached":
            declared.add(_duty(event))
        elif event.type == "breach-withdrawn":
            withdrawn.add(_duty(event))
        if event.rung_due and event.fired and event.fired < event.rung_due:
            wrong.append(_named(event, f"fired early: {event.rung} at {event.fired}"))
    for duty, event, missed in _judged(recomputed, found):
        if event.case_id in recomputed.moved:
            continue
        if missed and (duty not in declared or duty in withdrawn):
            wrong.append(_named(event, "was not done in time and no breach stands"))
        if not missed and event.type == "discharged" and duty in declared - withdrawn:
            wrong.append(_named(event, "was done in time and a breach stands"))
    return wrong


def _duty(event: DeadlineEvent) -> tuple[str, str, int, str]:
    return event.case_id, event.obligation, event.generation, event.due_day.isoformat()


def _judged(recomputed: Recomputed, found: Evidence) -> list[tuple[tuple[str, str, int, str], DeadlineEvent, bool]]:
    """Each duty that has ended as done, or is open, with whether it was missed by now."""
    last: dict[tuple[str, str, int], DeadlineEvent] = {}
    for event in sorted(recomputed.events.values(), key=lambda e: (e.seq, e.type != "opened")):
        last[event.case_id, event.obligation, event.generation] = event
    judged = []
    for event in last.values():
        if event.type == "discharged":
            judged.append((_duty(event), event, event.at >= event.due_at))
        elif event.type in ("opened", "extended"):
            judged.append((_duty(event), event, found.now >= event.due_at))
    return judged


def _named(event: DeadlineEvent, what: str) -> str:
    return f"case {event.case_id}: {event.obligation} due {event.due_day} ({event.type}) {what}"
