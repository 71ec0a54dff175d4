"""Who may see which cases: deny by default; what is granted becomes part of the query (DESIGN.md 7). Pure."""

from dataclasses import dataclass
from datetime import date
from typing import Literal

from services.reporting.core.row import Row
from shared.directory.model import Division
from shared.directory.tree import Directory
from shared.privacy.tokens import Subject

Relation = Literal["complainant", "accountable", "administration", "onlooker"]
_HANDLES = ("officer", "leader")
_SUPERVISES = ("supervisor", "inspector")


@dataclass(frozen=True, slots=True)
class Scope:
    """A case is in scope if any grant holds and `recused` is not among its recused persons; no grant, no case."""

    everything: bool = False
    case: str | None = None
    accountable: str | None = None
    administration: str | None = None
    divisions: frozenset[str] = frozenset()
    province: str | None = None
    recused: str | None = None


def scope(subject: Subject, directory: Directory, today: date) -> Scope:
    """What the subject may see, as the directory stands today."""
    own, role = subject.organisation, subject.role
    if role == "complainant":
        return Scope(case=str(subject.case_id))
    if role == "system":
        return Scope(everything=True)
    if role in _HANDLES:
        return Scope(accountable=own, administration=own, recused=subject.user)
    if role in _SUPERVISES:
        return Scope(administration=own, divisions=_supervised(own, directory), recused=subject.user)
    organisation = directory.organisation(own, today)
    return Scope(province=organisation.division[:2] if organisation else None, recused=subject.user)


def _supervised(own: str, directory: Directory) -> frozenset[str]:
    places = (record.code for record in directory.records() if isinstance(record, Division))
    return frozenset(code for code in places if directory.supervises(own, code))


def relation(subject: Subject, row: Row) -> Relation:
    """How the subject stands to a case in its scope: what decides which texts are opened for it."""
    if subject.role == "complainant":
        return "complainant"
    if subject.role in _HANDLES and subject.organisation == row["organisation"]:
        return "accountable"
    if subject.role in (*_HANDLES, *_SUPERVISES) and subject.organisation == row["administration"]:
        return "administration"
    return "onlooker"
