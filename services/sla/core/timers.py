"""The rungs of open duties: which instants are watched, and what fires when one is reached. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from services.sla.core.watch import Watched
from shared.events.deadlines import Change, DeadlineEvent, deadline_id
from shared.law.calendar import Calendar
from shared.law.due import due
from shared.law.obligation import Obligation
from shared.law.operations import Operations, rung_instants

FIRES: dict[str, Change] = {"warning": "warned", "breach": "breached", "escalation": "escalated"}


@dataclass(frozen=True, slots=True)
class Rung:
    """One instant of one open duty. `row` names the duty with the due day it was computed for."""

    at: datetime
    row: str
    name: str
    kind: str
    expects: str

    def claim(self) -> str:
        """The id that can be inserted once: `case:obligation:generation@due_day:rung`."""
        return f"{self.row}:{self.name}"


def row_id(event: DeadlineEvent) -> str:
    """`case:obligation:generation@due_day`: an extension makes another row."""
    return duty_row(event.case_id, event.obligation, event.generation, event.due_day)


def duty_row(case_id: str, obligation: str, generation: int, due_day: date) -> str:
    return f"{case_id}:{obligation}:{generation}@{due_day.isoformat()}"


def row(
    event: DeadlineEvent, partition: int, obligation: Obligation, operations: Operations, calendar: Calendar
) -> dict[str, Any]:
    """What is stored of an open duty: the event that opened it and its rungs; no warning before it began."""
    until = event.due_day if event.type == "extended" else None
    expected = {rung.name: rung.expects for rung in operations.rungs(event.instrument, obligation)}
    rungs = [
        {"name": name, "kind": kind, "at": at.isoformat(), "expects": expected[name]}
        for name, kind, at in rung_instants(
            operations, obligation, due(obligation, event.start_day, calendar, until=until), calendar
        )
        if kind != "warning" or at > event.at
    ]
    return {"_id": row_id(event), "partition": partition, "opened": event.to_bytes(), "rungs": rungs}


def rungs(stored: Mapping[str, Any]) -> list[Rung]:
    """The rungs of a stored row."""
    return [
        Rung(datetime.fromisoformat(r["at"]), stored["_id"], r["name"], r["kind"], r["expects"])
        for r in stored["rungs"]
    ]


def still_open(watched: Watched | None, opened: DeadlineEvent) -> bool:
    """Whether the duty of a row is open and due on the same day as when the row was written."""
    if watched is None:
        return False
    emitted = watched.emitted.get((opened.obligation, opened.generation))
    return emitted is not None and emitted.status == "open" and emitted.due_day == opened.due_day


def was_late(watched: Watched | None, opened: DeadlineEvent) -> bool:
    """Whether the duty of a row was done, but too late: its breach is declared even where the act was seen first."""
    emitted = watched.emitted.get((opened.obligation, opened.generation)) if watched else None
    return emitted is not None and emitted.status == "late" and emitted.due_day == opened.due_day


def fired(opened: DeadlineEvent, rung: Rung, now: datetime, debtor: str | None) -> DeadlineEvent:
    """The event of a rung, saying when it was due, when it fired and who is now expected to act."""
    change = FIRES[rung.kind]
    return opened.model_copy(
        update={
            "id": deadline_id(opened.case_id, opened.obligation, opened.generation, f"{opened.due_day}:{rung.name}"),
            "type": change,
            "at": rung.at,
            "rung": rung.name,
            "expects": rung.expects,
            "debtor": debtor,
            "rung_due": rung.at,
            "fired": now,
        }
    )


def withdrawn(event: DeadlineEvent, due_day: date) -> DeadlineEvent:
    """The breach at the end of `due_day` did not happen: what prevented it was in time and only arrived later."""
    what = deadline_id(event.case_id, event.obligation, event.generation, f"{due_day}:breach-withdrawn")
    return event.model_copy(update={"id": what, "type": "breach-withdrawn", "due_day": due_day, "late_days": None})


def breach_claim(event: DeadlineEvent, due_day: date) -> str:
    """The id under which the breach of that due day was claimed, if it was."""
    return f"{duty_row(event.case_id, event.obligation, event.generation, due_day)}:breach"


def prevented(event: DeadlineEvent, before: date | None) -> date | None:
    """The due day whose breach this event shows not to have happened, or None.

    A discharge before the due instant; or an extension, which the law only grants before the day `before` has passed.
    """
    if event.type == "discharged" and event.at < event.due_at:
        return event.due_day
    return before if event.type == "extended" else None
