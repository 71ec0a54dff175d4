"""Which instrument governs a complaint: asked of the law with what the directory knows of the organisation."""

from services.routing.core.standing import complained_about, traits, venue
from shared.directory.tree import Directory
from shared.events.intake import ComplaintReceived
from shared.law.binding import Binding
from shared.law.instrument import Instrument
from shared.law.library import Library


def bound(complaint: ComplaintReceived, law: Library, directory: Directory) -> Binding:
    """The instrument in force for the organisation complained about, in the place where that is or where it came in."""
    day = complaint.received_on
    accused = complained_about(complaint, directory)
    receiver = directory.organisation(complaint.received_by, day) if complaint.received_by else None
    return law.bind(
        division=complaint.division,
        venue=venue(accused, directory, day) or venue(receiver, directory, day),
        channel=complaint.channel,
        kind=complaint.kind,
        received=day,
        organisation=accused.code if accused else complaint.received_by,
        traits=traits(accused),
    )


def leaving_out(complaint: ComplaintReceived, law: Library, directory: Directory) -> Instrument | None:
    """The instrument that would govern the place, were the organisation complained about not left out of it.

    It says why the case is not that organisation's here. None where no instrument is in force at all.
    """
    if not traits(complained_about(complaint, directory)):
        return None
    binding = law.bind(
        division=complaint.division,
        venue=None,
        channel=complaint.channel,
        kind=complaint.kind,
        received=complaint.received_on,
    )
    return law.get(binding.instrument, binding.digest) if binding.instrument else None
