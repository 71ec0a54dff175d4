"""Complaints for the benches: the sample texts of the demo, made records by intake's own functions.

Each is checked, sealed and written exactly as intake does it (services/intake/taking.py), so its size is a real one:
a Chinese title, 50–200 characters of content, a name and a phone, each sealed.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from uuid import uuid4

from services.cli.demonstration import samples
from services.intake.core.admission import flaws
from services.intake.core.complaint import Complaint
from services.intake.core.event import marks, received, secrets
from services.intake.core.identity import by_key
from shared import clock
from shared.bus import Outgoing
from shared.directory.tree import Directory
from shared.errors import BadInput
from shared.events import topics
from shared.events.base import headers
from shared.events.intake import ce_type
from shared.privacy.keys import Keyring
from shared.privacy.seal import new_data_key, seal_all

DAY = datetime(2026, 9, 7, 9, 0, tzinfo=clock.ZONE)  # a Monday on which yunnan-2022 is in force
APART = timedelta(seconds=1)


def records(
    count: int, keyring: Keyring, directory: Directory, start: datetime = DAY, first: int = 0
) -> Iterator[Outgoing]:
    """`count` complaints under yunnan-2022, a second apart, as they go to `suda.intake`.

    `first` is the number of the first one: those of different numbers are of different people under different ids.
    """
    bodies: Sequence[samples.Body] = samples.templates("53")
    for number in range(count):
        body = samples.body(bodies[number % len(bodies)], first + number, None)
        complaint, at = Complaint.model_validate(body), start + number * APART
        yield record(complaint, f"bench-{first + number}", at, keyring, directory)


def record(complaint: Complaint, key: str, now: datetime, keyring: Keyring, directory: Directory) -> Outgoing:
    """One complaint taken at `now`; raises BadInput where intake would refuse it."""
    if wrong := flaws(complaint, directory, now.date(), now):
        raise BadInput(f"a sample complaint would be refused: {wrong[0].field} {wrong[0].problem}")
    name, data_key = by_key(keyring, key), new_data_key()
    event = received(
        complaint,
        id=name,
        received_at=now,
        received_on=now.date(),
        complainant=marks(complaint, keyring),
        key_id=str(uuid4()),
        sealed=seal_all(data_key, name, secrets(complaint)),
    )
    described = headers(id=event.id, type=ce_type(event), subject=event.case_id, time=now)
    return Outgoing(topics.INTAKE, event.case_id.encode(), event.to_bytes(), described)
