"""The deadlines: recomputed from scratch from the case events, each with exactly the breaches it must have."""

from dataclasses import dataclass

from services.cli.proof.evidence import Evidence
from services.sla.core.watch import Watched, advance, changes
from shared.events.cases import Opened
from shared.events.deadlines import DeadlineEvent
from shared.law import Calendar, Library

RUNGS = ("warned", "breached", "escalated", "breach-withdrawn")


@dataclass
class Recomputed:
    """Deadline events by id as they follow from the events, and the cases that could not be judged."""

    events: dict[str, DeadlineEvent]
    other: dict[str, list[str]]  # why -> cases


def recompute(found: Evidence, law: Library, calendar: Calendar) -> Recomputed:
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
        instrument = law.get(opened.instrument, opened.law_digest) if opened.instrument else None
        watched = Watched(case_id)
        for event, _ in history:
            watched, made = changes(advance(watched, event), instrument, calendar, event.at)
            result.events |= {one.id: one for one in made}
    return result


def deadlines(found: Evidence, recomputed: Recomputed) -> list[str]:
    """What is published of openings, extensions and ends is what follows from the events."""
    unjudged = {case for cases in recomputed.other.values() for case in cases}
    published = {
        id: event for id, (event, _) in found.deadlines.items()
        if event.type not in RUNGS and event.case_id not in unjudged
    }  # fmt: skip
    wrong = [_named(recomputed.events[id], "is missing") for id in recomputed.events.keys() - published.keys()]
    wrong += [_named(published[id], "does not follow from the case") for id in published.keys() - recomputed.events]
    both = published.keys() & recomputed.events
    return wrong + [_named(published[id], "differs") for id in both if published[id] != recomputed.events[id]]


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
