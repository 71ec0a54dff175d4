"""How somebody stands to a case: by the part its organisation has in it, by the level it is of, or by being the person
complained about. A pure function of the case, the directory and the instrument's levels.
"""

from datetime import date

from services.routing.core.state import Case
from shared.directory.model import Division
from shared.directory.tree import Directory
from shared.events.base import Actor
from shared.law.instrument import Instrument
from shared.law.provisions import QualityLevel

Relations = frozenset[str]
NONE: Relations = frozenset()


def relations(subject: Actor, case: Case, directory: Directory, instrument: Instrument | None = None) -> Relations:
    """Every relation of the subject to the case; empty: no part in it at all.

    The person complained about stands in that relation and in no other, whatever its organisation's part is.
    """
    if subject.role == "complainant":
        return frozenset({"complainant"}) if subject.case_id == case.id else NONE
    organisation, opened = subject.organisation, case.opened
    if subject.user and subject.user in case.accused:
        return frozenset({"accused"})
    found = set()
    if organisation == case.accountable:
        found.add("accountable")
    if organisation in case.assisting:
        found.add("assisting")
    if organisation == opened.received_by:
        found.add("receiving")
    if _complained_about(organisation, case):
        found.add("accused")
    day = case.last_at.date()
    if organisation == case.administration or directory.supervises(organisation, opened.division, day):
        found.add("supervising")
    if (
        instrument is not None
        and instrument.checks
        and checker(case.accountable, instrument, directory, day) == (organisation)
    ):
        found.add("checking")
    return frozenset(found)


def _complained_about(organisation: str, case: Case) -> bool:
    """Whether the officer complained about may be of this organisation: while no person has been named yet."""
    return not case.accused and organisation in (case.opened.accused.organisation, case.accountable)


def checker(accountable: str | None, instrument: Instrument, directory: Directory, day: date) -> str | None:
    """Who must check this unit's replies: the administration at the level the instrument names, never one below it."""
    unit = directory.current(accountable, day)[0] if accountable else None
    place = directory.division(unit.division, day) if unit else None
    if place is None:
        return None
    levels = [level for check in instrument.checks for level in check.levels]
    provincial = [level for level in levels if level.of == "province-department"]
    mine = provincial if place.level == "province" and provincial else [one for one in levels if one.of == "any"]
    for code in (place.code, *directory.ancestors(place.code, day)):
        division = directory.division(code, day)
        if division and division.administration and any(_is(level, division, directory, day) for level in mine):
            standing = directory.current(division.administration, day)[0]
            return standing.code if standing else None
    return None


def _is(level: QualityLevel, division: Division, directory: Directory, day: date) -> bool:
    if level.by != "county-under-province":
        return level.by == division.level
    above = directory.division(division.parent, day) if division.parent else None
    return division.level == "county" and above is not None and above.level == "province"
