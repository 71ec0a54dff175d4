"""Who may see which cases: deny by default; what is granted becomes part of the query (DESIGN.md 7). Pure."""

from dataclasses import dataclass
from datetime import date
from typing import Literal

from services.reporting.core.row import Row
from shared.directory.model import Division
from shared.directory.platform import is_platform
from shared.directory.tree import Directory
from shared.privacy.tokens import Subject

Relation = Literal["complainant", "accountable", "administration", "helping", "accused", "onlooker"]
_HANDLES = ("officer", "leader")
_SUPERVISES = ("supervisor", "inspector")


@dataclass(frozen=True, slots=True)
class Scope:
    """A case is in scope if any grant holds and `recused` is not among its recused persons; no grant, no case.

    `helping` assist with it, or took it in.
    """

    everything: bool = False
    case: str | None = None
    accountable: frozenset[str] = frozenset()
    administration: frozenset[str] = frozenset()
    helping: frozenset[str] = frozenset()
    divisions: frozenset[str] = frozenset()
    province: str | None = None
    recused: str | None = None


def scope(subject: Subject, directory: Directory, today: date) -> Scope:
    """What the subject may see, as the directory stands today; an abolished organisation nothing, its successor all."""
    own, role = subject.organisation, subject.role
    if role == "complainant":
        return Scope(case=str(subject.case_id))
    if is_platform(role, own):
        return Scope(everything=True)
    organisation, stood_for = directory.organisation(own, today), directory.stood_for(own, today)
    if organisation is None:
        return Scope()
    divisions = _supervised(own, directory, today)
    if role in _HANDLES:
        return Scope(accountable=stood_for, administration=stood_for, helping=stood_for, recused=subject.user)
    if role in _SUPERVISES:
        return Scope(administration=stood_for, divisions=divisions, recused=subject.user)
    if role == "system":  # an organisation's own: whatever anybody there may see
        return Scope(False, None, stood_for, stood_for, stood_for, divisions, recused=subject.user)
    division = directory.division(organisation.division, today)
    if division is not None and division.level == "province":
        return Scope(province=division.code[:2], recused=subject.user)
    if role == "province":  # the role of a province's organisation only
        return Scope()
    return Scope(divisions=_below(organisation.division, directory, today), recused=subject.user)


def _supervised(own: str, directory: Directory, today: date) -> frozenset[str]:
    places = (record.code for record in directory.records() if isinstance(record, Division))
    return frozenset(code for code in places if directory.supervises(own, code, today))


def _below(division: str, directory: Directory, today: date) -> frozenset[str]:
    """The division and those below it."""
    places = (record.code for record in directory.records() if isinstance(record, Division))
    return frozenset(code for code in places if division in (code, *directory.ancestors(code, today)))


def relation(subject: Subject, within: Scope, row: Row) -> Relation:
    """How the subject stands to a case in its scope: what decides which texts are opened for it."""
    role = subject.role
    if role == "complainant":
        return "complainant"
    if subject.user and subject.user in row["officers"]:
        return "accused"
    if row["organisation"] in within.accountable:
        return "accountable"
    if row["administration"] in within.administration:
        return "administration"
    if within.helping & {*row["assisting"], row["received_by"]}:
        return "helping"
    return "onlooker"
