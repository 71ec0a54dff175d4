"""The deadlines of cases: the fold of their events as a set, in any order, repeated or not (DESIGN.md 6.4). Pure."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, Literal, NamedTuple

from services.reporting.core.row import Row, instant
from shared.events.deadlines import DeadlineEvent

Status = Literal["open", "met", "late", "superseded", "withdrawn-breach"]
Key = tuple[str, str, int]  # case, obligation, generation
_SETTING = ("opened", "extended", "reprojected")


class Mark(NamedTuple):
    """What of an event decides the status; light enough to be kept for many cases."""

    seq: int
    due_at: str
    type: str
    at: str
    id: str


def document(event: DeadlineEvent) -> Row:
    """The event as it is stored: `_id` its id, `case` its case, instants as texts that sort. It is never changed."""
    found = event.model_dump(mode="json", exclude_none=True, exclude={"id", "case_id"})
    found |= {name: instant(value) for name in ("at", "due_at", "rung_due", "fired") if (value := getattr(event, name))}
    return {"_id": event.id, "case": event.case_id} | found


def key(row: Mapping[str, Any]) -> Key:
    return row["case"], row["obligation"], row["generation"]


def mark(row: Mapping[str, Any]) -> Mark:
    return Mark(row["seq"], row["due_at"], row["type"], row["at"], row["_id"])


def status(marks: Iterable[Mark]) -> Status:
    """What became of one obligation in one generation; the due instant is that of the last setting."""
    found = list(marks)
    discharges = [one.at for one in found if one.type == "discharged"]
    after_due = bool(discharges) and min(discharges) >= _basis(found).due_at
    types = [one.type for one in found]
    return outcome(types, after_due, superseded=_superseded(found), cleared=cleared(types))


def cleared(types: Sequence[str]) -> bool:
    """Whether as many breaches were withdrawn as declared: a duty may miss the day it was put off to as well."""
    return types.count("breach-withdrawn") >= types.count("breached")


def outcome(types: Collection[str], after_due: bool, *, superseded: bool, cleared: bool) -> Status:
    """The status by the types of the events, whether the discharge came at or after the due instant, whether the duty
    is superseded and was not begun again since, and whether every breach was withdrawn.

    A breach stays one unless it was withdrawn, whatever came later.
    """
    if "breached" in types and not cleared:
        return "late"
    if "breach-withdrawn" in types:
        return "withdrawn-breach"
    if "discharged" in types:
        return "late" if after_due else "met"
    return "superseded" if superseded else "open"


def _superseded(marks: list[Mark]) -> bool:
    """A case that is classified otherwise, or merged, may come back to a duty: it is opened again, by a later event."""
    ends = [one.seq for one in marks if one.type == "superseded"]
    return bool(ends) and max(ends) >= max((one.seq for one in marks if one.type in _SETTING), default=0)


def _basis(marks: list[Mark]) -> Mark:
    """The event whose due day holds: the last of those that set it; of a set without any, the last of all.

    A re-projection has the seq of the event it follows, and comes after it.
    """
    found = [one for one in marks if one.type in _SETTING] or marks
    return max(found, key=lambda one: (one.seq, one.at if one.type == "reprojected" else "", *one[1:]))


def statuses(rows: Iterable[Mapping[str, Any]]) -> dict[Key, Status]:
    """The status by case, obligation and generation."""
    marks: dict[Key, set[Mark]] = {}
    for row in rows:
        marks.setdefault(key(row), set()).add(mark(row))
    return {name: status(found) for name, found in marks.items()}


def counts(found: Mapping[Key, Status]) -> Counter[tuple[str, str]]:
    """How many by (obligation, status)."""
    return Counter((obligation, outcome) for (_, obligation, _), outcome in found.items())


def fold(rows: Iterable[Mapping[str, Any]]) -> list[Row]:
    """The deadlines of one case, by start: what stands in its page."""
    groups: dict[Key, dict[str, Mapping[str, Any]]] = {}
    for row in rows:
        groups.setdefault(key(row), {})[row["_id"]] = row
    folded = [_one(list(group.values())) for group in groups.values()]
    return sorted(folded, key=lambda one: (one["start_day"], one["due_day"], one["obligation"], one["generation"]))


_KEPT = (
    *("obligation", "generation", "title", "owes", "debtor", "instrument", "start_day", "due_day", "due_at"),
    *("latest_day", "provisional", "citations", "interpretation", "label", "period"),
)


def _one(rows: list[Mapping[str, Any]]) -> Row:
    basis = _basis([mark(row) for row in rows]).id
    held: Row = next({name: row.get(name) for name in _KEPT} for row in rows if row["_id"] == basis)
    rungs = sorted(
        (
            {name: row.get(name) for name in ("rung", "type", "rung_due", "fired", "expects", "expected_by")}
            for row in rows
            if "rung" in row
        ),
        key=lambda rung: (rung["rung_due"] or "", rung["rung"]),
    )
    late = [row["late_days"] for row in rows if "late_days" in row]
    types = [row["type"] for row in rows]
    taken_back = "breach-withdrawn" in types and cleared(types)
    return held | {
        "status": status(mark(row) for row in rows),
        "extended": any(row["type"] == "extended" for row in rows),
        "first_due_day": min(row["due_day"] for row in rows),
        "discharged_at": min((row["at"] for row in rows if row["type"] == "discharged"), default=None),
        "late_days": None if taken_back else max(late, default=None),
        "rungs": rungs,
    }
