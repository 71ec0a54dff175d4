"""What a well-formed complaint must still satisfy: its places and organisations exist, its time has passed."""

import re
from dataclasses import dataclass
from datetime import date, datetime

from services.intake.core.complaint import Complaint
from shared.directory.tree import Directory

_CODE = re.compile(r"[0-9A-HJ-NPQRTUWXY]{18}")


@dataclass(frozen=True, slots=True)
class Flaw:
    """Why input is not taken: the field and one sentence, which never repeats the value."""

    field: str
    problem: str


def flaws(complaint: Complaint, directory: Directory, day: date, now: datetime) -> list[Flaw]:
    """Everything wrong with a complaint received on `day`; empty when it can be taken."""
    if len(directory) == 0:
        return [Flaw("division", "the directory is empty; load one with ./suda directory load FILE")]
    found = []
    if directory.division(complaint.division, day) is None:
        found.append(
            Flaw("division", "no such division in the directory on that day; load it with ./suda directory load FILE")
        )
    named = {"received_by": complaint.received_by, "accused.organisation": complaint.accused.organisation}
    for field, code in named.items():
        if code and _CODE.fullmatch(code) and directory.current(code, day)[0] is None:
            found.append(Flaw(field, "no organisation of this code in the directory on that day; name it in words"))
    if complaint.occurred_at is not None and complaint.occurred_at > now:
        found.append(Flaw("occurred_at", "lies in the future"))
    return found
