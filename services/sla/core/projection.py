"""A calendar, a regulation's data or the operational rules changed under open duties: what follows anew. Pure.

Only what is open and not judged moves. A breach that was declared stands, and `verify` names it where it would now be
judged otherwise.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from services.sla.core.timers import Basis
from services.sla.core.unwatched import Watches
from services.sla.core.watch import Emitted, Key, Watched, made, standing
from shared.events.deadlines import DeadlineEvent, deadline_id
from shared.law.calendar import Calendar
from shared.law.instrument import Instrument

SAID = {"calendar": "工作日历", "law": "规定数据", "operations": "运行规则"}


def why(before: Mapping[str, Any], now: Basis) -> str:
    """What changed, from which version to which."""
    found = [
        f"{SAID[name]}由 {before[name]} 变为 {getattr(now, name)}"
        for name in SAID
        if name in before and before[name] != getattr(now, name)
    ]
    return "；".join(found) or "重新推算"


def projected(
    watched: Watched,
    instrument: Instrument | None,
    calendar: Calendar,
    rules: Watches,
    at: datetime,
    reasons: Mapping[Key, str],
    moved: Collection[Key] = (),
) -> tuple[Watched, list[DeadlineEvent]]:
    """The duties of `reasons` that are open: an event for each that is now due on another day, or is in `moved`."""
    now = standing(watched, instrument, calendar, rules)
    found, emitted = [], dict(watched.emitted)
    for key, reason in reasons.items():
        was, duty = watched.emitted.get(key), now.get(key)
        if was is None or was.status != "open" or duty is None or duty.status != "open":
            continue
        if duty.due.due_at == was.due_at and key not in moved:
            continue
        event = made(watched, duty, "reprojected", at, calendar, was)
        name = deadline_id(watched.case_id, duty.id, duty.generation, f"reprojected~{watched.projections}")
        found.append(event.model_copy(update={"id": name, "why": reason}))
        emitted[key] = Emitted.of(event, "open")
    return replace(watched, emitted=emitted, projections=watched.projections + bool(found)), found


def keys(rows: Iterable[str]) -> list[Key]:
    """Obligation and generation out of row ids."""
    return [(row.split(":")[1], int(row.split(":")[2].partition("@")[0])) for row in rows]
