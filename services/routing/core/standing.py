"""How an organisation stands to a regulation: its traits, the kind of place it is stationed in, whether it is governed.

The words are the instruments' own (`governs.venues`, `governs.traits_out`); which organisation has which is data of the
directory: `vertical` on the organisation, `venue_kind` on the centre it is stationed in.
"""

from datetime import date

from shared.directory.model import Organisation
from shared.directory.tree import Directory
from shared.events.intake import ComplaintReceived
from shared.law.instrument import Instrument


def traits(organisation: Organisation | None) -> frozenset[str]:
    """The words an instrument may include or leave out organisations by."""
    return frozenset({"vertical"}) if organisation and organisation.vertical else frozenset()


def venue(organisation: Organisation | None, directory: Directory, day: date) -> str | None:
    """The kind of centre it is, or is stationed in; None where it is in none, or in one without a kind."""
    if organisation is None:
        return None
    centre = organisation
    if organisation.kind != "centre":
        found = directory.organisation(organisation.venue, day) if organisation.venue else None
        if found is None:
            return None
        centre = found
    return centre.venue_kind


def complained_about(complaint: ComplaintReceived, directory: Directory) -> Organisation | None:
    """The organisation a complaint names, by code or name; else whoever is competent for its matter there."""
    day, name, matter = complaint.received_on, complaint.accused.organisation, complaint.matter
    if name:
        found = directory.current(name, day)[0] or directory.organisation_by_name(name, complaint.division, day)
        if found:
            return found
    code = matter.code
    if not code and matter.name and (known := directory.matter_by_name(matter.name, complaint.division, day)):
        code = known.code
    return directory.competent(code, complaint.division, day) if code else None


def not_governed(
    organisation: Organisation, instrument: Instrument, directory: Directory, day: date, place: str
) -> str | None:
    """Why the instrument does not reach this organisation in a case of that division, or None where it does.

    Applied outside its own divisions, by a stand-in, it says nothing about places.
    """
    governs, at = instrument.governs, venue(organisation, directory, day)
    if place.startswith(governs.divisions) and not organisation.division.startswith(governs.divisions):
        return f"{organisation.name}不在《{instrument.title}》适用的行政区划内"
    if organisation.code in governs.organisations_out:
        return f"{organisation.name}不适用《{instrument.title}》"
    if governs.venues and at not in governs.venues and organisation.kind not in ("administration", "centre"):
        return f"{organisation.name}不是《{instrument.title}》所适用场所的进驻单位"
    for out in governs.traits_out:
        if out.trait in traits(organisation) and (out.unless_venue is None or out.unless_venue != at):
            return f"{organisation.name}：{out.why}"
    return None
