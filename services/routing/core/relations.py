"""How somebody stands to a case: by the part its organisation has in it, by the level it is of, or by being the person
complained about. A pure function of the case, the directory and the instrument's levels.
"""

from collections.abc import Iterator
from datetime import date

from services.routing.core.state import Case
from shared.directory.model import ADMINISTRATIONS, Division, Organisation
from shared.directory.platform import is_platform
from shared.directory.tree import Directory
from shared.events.base import Actor
from shared.law.instrument import Instrument
from shared.law.provisions import QualityLevel

Relations = frozenset[str]
NONE: Relations = frozenset()


def relations(
    subject: Actor, case: Case, directory: Directory, day: date, instrument: Instrument | None = None
) -> Relations:
    """Every relation of the subject to the case on the day; empty: no part in it at all.

    The person complained about stands in that relation and in no other, whatever its organisation's part is. An
    abolished organisation stands there no longer: its successor does.
    """
    if subject.role == "complainant":
        return frozenset({"complainant"}) if subject.case_id == case.id else NONE
    if subject.user and subject.user in case.accused:
        return frozenset({"accused"})
    if is_platform(subject.role, subject.organisation):
        return frozenset({"platform"})
    organisation = directory.organisation(subject.organisation, day)
    if organisation is None or subject.role == "province" and not _of_a_province(organisation, directory, day):
        return NONE
    return frozenset(_of(organisation, subject.role, case, directory, day, instrument))


def _of(
    organisation: Organisation,
    role: str,
    case: Case,
    directory: Directory,
    day: date,
    instrument: Instrument | None,
) -> Iterator[str]:
    own, opened = organisation.code, case.opened
    if _stands_for(own, case.accountable, directory, day):
        yield "accountable"
    if any(_stands_for(own, code, directory, day) for code in case.assisting):
        yield "assisting"
    if _stands_for(own, opened.received_by, directory, day):
        yield "receiving"
    if _complained_about(own, case):
        yield "accused"
    if organisation.kind in ADMINISTRATIONS and (level := _level(own, case, directory, day)):
        yield level
    if instrument is not None and instrument.checks and checker(case.accountable, instrument, directory, day) == own:
        yield "checking"
    if role == "system" and organisation.kind == "platform" and _reaches(organisation, opened.division, directory, day):
        yield "platform"


def _level(own: str, case: Case, directory: Directory, day: date) -> str | None:
    """`supervising`: the administration of the case's own level (本级), or of the level of the unit that must answer,
    or the one that took the complaint in; `above`: one that stands higher."""
    if _stands_for(own, case.administration, directory, day):
        return "supervising"
    path = directory.administrations(case.opened.division, day)
    below = path.index(own) < path.index(case.administration) if {own, case.administration} <= {*path} else False
    if own not in path or below:
        return None
    unit = directory.current(case.accountable, day)[0] if case.accountable else None
    level = directory.administration_of(unit.division, day) if unit else None
    at_this_level = level is not None and own == level.code
    received = _stands_for(own, case.opened.received_by, directory, day)
    return "supervising" if at_this_level or received else "above"


def _stands_for(own: str, code: str | None, directory: Directory, day: date) -> bool:
    """Whether it is the organisation of that code, or its successor on the day."""
    if own == code:
        return True
    if code is None or not directory.succeeds(own):
        return False
    found = directory.current(code, day)[0]
    return found is not None and found.code == own


def _of_a_province(organisation: Organisation, directory: Directory, day: date) -> bool:
    division = directory.division(organisation.division, day)
    return division is not None and division.level == "province"


def _reaches(organisation: Organisation, division: str, directory: Directory, day: date) -> bool:
    return organisation.division in (division, *directory.ancestors(division, day))


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
