"""The rungs of open duties: which instants are watched, and what fires when one is reached. Pure."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Any

from services.sla.core.ladder import Levels, expected_by
from services.sla.core.watch import Emitted, Facts, Watched, debtor, late_days
from shared.events.deadlines import Change, DeadlineEvent, deadline_id
from shared.law.calendar import Calendar
from shared.law.due import ZONE
from shared.law.obligation import Obligation
from shared.law.operations import Operations, rung_instants

FIRES: dict[str, Change] = {"warning": "warned", "breach": "breached", "escalation": "escalated"}
SETS = ("opened", "extended", "reprojected")  # events that say when a duty is due
ENDS = ("discharged", "superseded")
LEADS = (
    "administration",
    "accountable",
    "receiver",
    "division",
    "urgent",
    "held",
)  # of a case: for its rungs
UNKNOWN = Facts()


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


@dataclass(frozen=True, slots=True)
class Basis:
    """What a row was computed under; when one of these has changed, it is looked at again (`projecting.py`)."""

    calendar: str
    law: str
    operations: str


def row_id(event: DeadlineEvent) -> str:
    """`case:obligation:generation@due_day`: an extension makes another row."""
    return duty_row(event.case_id, event.obligation, event.generation, event.due_day)


def replaced(event: DeadlineEvent) -> str | None:
    """The row that an extension or re-projection puts another one in place of."""
    if event.from_day is None:
        return None
    return duty_row(event.case_id, event.obligation, event.generation, event.from_day)


def duty_row(case_id: str, obligation: str, generation: int, due_day: date) -> str:
    return f"{case_id}:{obligation}:{generation}@{due_day.isoformat()}"


def row(
    event: DeadlineEvent, partition: int, obligation: Obligation, operations: Operations, calendar: Calendar,
    facts: Facts = UNKNOWN, upto: int | None = None, basis: Basis | None = None, projections: int = 0,
    ended: bool = False,
) -> dict[str, Any]:  # fmt: skip
    """What is stored of an open duty: the event that set it, its rungs, and all that a rung is fired with.

    `upto` is the seq its case had been followed to, `projections` how often it had been projected anew: what came
    after is looked up when a rung is due. `ended`: it is over by then, too late, and only its breach is to come. No
    warning stands before the duty began, nor before it was re-projected.
    """
    ladder = operations.rungs(event.instrument, obligation, urgent=facts.urgent)
    expected = {rung.name: rung.expects for rung in ladder}
    rungs = [
        {"name": name, "kind": kind, "at": at.isoformat(), "expects": expected[name]}
        for name, kind, at in rung_instants(operations, obligation, event, calendar, urgent=facts.urgent)
        if kind != "warning" or at > event.at
    ]
    return {
        "_id": row_id(event),
        "partition": partition,
        "opened": event.to_bytes(),
        "rungs": rungs,
        "upto": event.seq if upto is None else upto,
        "projections": projections,
        "lead": {name: value for name in LEADS if (value := getattr(facts, name))},
        "basis": asdict(basis) if basis else {"calendar": calendar.version},
    } | ({"ended": True} if ended else {})


def lead(stored: Mapping[str, Any]) -> Facts:
    """The facts a stored row is fired with, as they were when it was written."""
    return Facts(**stored.get("lead", {}))


def rungs(stored: Mapping[str, Any]) -> list[Rung]:
    """The rungs of a stored row, in order of time."""
    return [
        Rung(datetime.fromisoformat(r["at"]), stored["_id"], r["name"], r["kind"], r["expects"])
        for r in stored["rungs"]
    ]


def still_open(watched: Watched | None, opened: DeadlineEvent) -> bool:
    """Whether the duty of a row is open and due on the same day as when the row was written."""
    return _status(watched, opened) == "open"


def was_late(watched: Watched | None, opened: DeadlineEvent) -> bool:
    """Whether the duty of a row was done, but too late: its breach is declared even where the act was seen first."""
    return _status(watched, opened) == "late"


def was_superseded(watched: Watched | None, opened: DeadlineEvent) -> bool:
    """Whether the duty of a row is over without having been done; it is not remembered since when."""
    return _status(watched, opened) == "superseded"


def _status(watched: Watched | None, opened: DeadlineEvent) -> str | None:
    """How the duty of a row stands; None where it is due at another instant than when the row was written."""
    emitted = watched.emitted.get((opened.obligation, opened.generation)) if watched else None
    return emitted.status if emitted is not None and emitted.due_at == opened.due_at else None


def overdue(ended: DeadlineEvent) -> bool:
    """Whether a duty ended without being done after it had been due: its breach had come true by then."""
    return ended.type == "superseded" and ended.at >= ended.due_at


def fired(
    opened: DeadlineEvent, rung: Rung, now: datetime, facts: Facts, levels: Levels, calendar: Calendar, label: str
) -> DeadlineEvent:
    """The event of a rung: when it was due, when it fired, how late the duty is, who is now expected to act."""
    late = rung.kind != "warning"
    return opened.model_copy(
        update={
            "id": deadline_id(opened.case_id, opened.obligation, opened.generation, f"{opened.due_day}:{rung.name}"),
            "type": FIRES[rung.kind],
            "at": rung.at,
            "rung": rung.name,
            "expects": rung.expects,
            "expected_by": expected_by(rung.expects, opened.owes, facts, levels, now.astimezone(ZONE).date()),
            "debtor": debtor(facts, opened.owes) or opened.debtor,
            "late_days": late_days(opened.due_day, rung.at, calendar) if late else None,
            "rung_due": rung.at,
            "fired": now,
            "from_day": None,
            "why": None,
            "label": label,
        }
    )


def withdrawn(event: DeadlineEvent, due: Emitted) -> DeadlineEvent:
    """The breach at that due instant did not happen: what prevented it was in time and only arrived later."""
    what = deadline_id(event.case_id, event.obligation, event.generation, f"{due.due_day}:breach-withdrawn")
    changed = {"id": what, "type": "breach-withdrawn", "due_day": due.due_day, "due_at": due.due_at}
    return event.model_copy(update=changed | {"late_days": None, "from_day": None})


def breach_claim(event: DeadlineEvent, due_day: date) -> str:
    """The id under which the breach of that due day was claimed, if it was."""
    return f"{duty_row(event.case_id, event.obligation, event.generation, due_day)}:breach"


def prevented(event: DeadlineEvent, before: Emitted | None) -> Emitted | None:
    """The due day and instant whose breach this event shows not to have happened, or None.

    Something ended the duty before it was due; or its due day lies later than was said (`before`), by an extension,
    which the law only grants in time, or because an earlier start fell away.
    """
    if event.type in ("discharged", "superseded") and event.at < event.due_at:
        return Emitted.of(event, event.type)
    if event.type in ("extended", "reprojected") and before is not None and before.due_at < event.due_at:
        return before
    return None
