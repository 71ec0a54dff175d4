"""What each reader is shown of a case (DESIGN.md 7, LAW.md "Who may see the complainant"). Pure.

Texts are opened for the organisation that must answer, for the administration and for who helps; the complainant is
masked for the first two and absent for everybody else; whoever is the accused person gets neither. A complainant sees
what concerns them and no name of anybody.
"""

from collections.abc import Callable, Iterable
from datetime import date
from typing import Any

from services.reporting.core import labels
from services.reporting.core.row import Row
from services.reporting.core.scope import Relation
from services.reporting.core.sealed import TEXTS, Sealed

Name = Callable[[str | None], str | None]
_INSIDE = ("accountable", "administration")
_READING = (*_INSIDE, "helping")  # of the texts; who helps, or took the case in, learns nothing of the complainant
_SUMMARY = (
    *("organisation", "administration", "division", "holder", "kind", "channel", "door", "received_at", "received_on"),
    *("received_by", "accused", "matter", "project_no", "urgent", "source_reference", "instrument", "class", "ground"),
    *("outcome", "extension", "bounces", "merged", "backdated", "attachments", "last"),
)
_DATES = ("accepted", "refused", "answered", "closed", "withdrawn", "terminated", "sent-back")
_PROMISED = (
    *("obligation", "title", "due_day", "first_due_day", "latest_day", "extended", "provisional", "status"),
    *("discharged_at", "citations", "interpretation"),
)


def summary(row: Row, name: Name) -> Row:
    """A case in a list: codes, days and states, nothing of a person."""
    found = {"case_id": row["_id"], "seq": row["seq"], "state": row["state"], "state_name": labels.state(row["state"])}
    found |= {field: row[field] for field in _SUMMARY}
    found |= {"organisation_name": name(row["organisation"]), "administration_name": name(row["administration"])}
    return found | {"unbound": row["instrument"] is None}


def detail(row: Row, deadlines: list[Row], relation: Relation, user: str | None, sealed: Sealed, name: Name) -> Row:
    """A case as an official in its scope sees it."""
    accused = bool(user) and sealed.text("accused_person") == user
    reading, inside = relation in _READING and not accused, relation in _INSIDE and not accused
    found = summary(row, name) | {"basis": row["basis"], "law_digest": row["law_digest"], "marks": _marks(row)}
    if reading:
        found |= {text: sealed.free(text) for text in TEXTS} | {"accused_person": sealed.accused()}
    if inside:
        found |= {"complainant": sealed.complainant()}
    found["timeline"] = [_entry(entry, sealed if reading else None, name) for entry in row["timeline"]]
    return found | {"deadlines": deadlines, "documents": []}


def _marks(row: Row) -> Row:
    """What an official must know of a complainant without knowing who it is."""
    return {mark: row["complainant"].get(mark) for mark in ("anonymous", "discloses", "wants_answer")}


def _entry(entry: Row, sealed: Sealed | None, name: Name) -> Row:
    found = {field: value for field, value in entry.items() if field not in ("sealed", "by")}
    if by := entry.get("by"):
        found["by"] = {"role": by["role"]}
        if by["role"] != "complainant":
            found["by"] = by | {"organisation_name": name(by["organisation"])}
    if sealed is not None and entry.get("sealed"):
        found["texts"] = {field: sealed.free(field, token) for field, token in entry["sealed"].items()}
    return found


def for_complainant(row: Row, deadlines: Iterable[Row], sealed: Sealed, name: Name) -> Row:
    """What the complainant may see: where it stands, who answers, by when, and the refusal or the answer."""
    found: Row = {
        "state": row["state"],
        "state_name": labels.state(row["state"]),
        "kind": row["kind"],
        "received_at": row["received_at"],
        "received_on": row["received_on"],
        "organisation": name(row["organisation"]),
        "dates": {what: row["done"][what] for what in _DATES if what in row["done"]},
        "deadlines": [{f: one[f] for f in _PROMISED} for one in deadlines if one["owes"] == "agency"],
        "outcome": row["outcome"],
    }
    if refusal := _last(row, "refused"):
        found["refusal"] = {"ground": row["ground"], "at": refusal["at"], "citations": refusal.get("citations", [])}
    if answer := _last(row, "answered"):
        found["answer"] = sealed.free("text", answer.get("sealed", {}).get("text", ""))
    return found


def own_case(row: Row, deadlines: Iterable[Row], sealed: Sealed, name: Name) -> Row:
    """The same with the complainant's own words, for a complainant's token."""
    own = {"case_id": row["_id"]} | {text: sealed.free(text) for text in TEXTS}
    return own | {"complainant": sealed.complainant(), "documents": []} | for_complainant(row, deadlines, sealed, name)


def _last(row: Row, what: str) -> Row | None:
    """The last act of that kind, unless the case was sent back since and it no longer holds."""
    held = what in row["done"]
    return next((entry for entry in reversed(row["timeline"]) if entry["what"] == what), None) if held else None


def result(row: Row, organisation: Name, matter: Callable[[str | None, str], str | None]) -> Row:
    """A closed case as anybody may see it: no id, no text, no day on which somebody could be recognised."""
    closed = row["done"]["closed"]
    days: Any = (date.fromisoformat(closed[:10]) - date.fromisoformat(row["received_on"])).days
    return {
        "organisation": organisation(row["organisation"]),
        "division": row["division"],
        "matter": matter(row["matter"].get("code"), row["division"]),
        "kind": row["kind"],
        "outcome": row["outcome"],
        "closed_in": closed[:7],
        "days": days,
    }
