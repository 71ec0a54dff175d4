"""A complaint taken apart: what is sealed, what routing may know, and the event of both."""

from collections.abc import Mapping
from datetime import date, datetime

from services.intake.core.complaint import Complaint
from shared.events.intake import Accused, ComplainantMarks, ComplaintReceived, MatterNamed
from shared.privacy.index import blind_index
from shared.privacy.keys import Keyring


def secrets(complaint: Complaint) -> dict[str, str]:
    """Every field that is encrypted, by the name it has in `sealed`; attachments as JSON, numbered from 1."""
    who = complaint.complainant
    fields = {
        "title": complaint.title,
        "content": complaint.content,
        "demand": complaint.demand,
        "accused_person": complaint.accused.person,
        "complainant_name": who.name,
        "complainant_id_type": who.id_type,
        "complainant_id_number": who.id_number,
        "complainant_phone": who.phone,
        "complainant_address": who.address,
    }
    files = {f"attachment_{n}": file.model_dump_json() for n, file in enumerate(complaint.attachments, 1)}
    return {name: text for name, text in fields.items() if text} | files


def marks(complaint: Complaint, keyring: Keyring) -> ComplainantMarks:
    """What routing must know of the complainant without knowing who it is."""
    who = complaint.complainant
    return ComplainantMarks(
        anonymous=who.anonymous,
        discloses=who.discloses,
        wants_answer=who.wants_answer,
        id_index=blind_index(keyring, "id_number", who.id_number) if who.id_number else None,
        phone_index=blind_index(keyring, "phone", who.phone) if who.phone else None,
    )


def received(
    complaint: Complaint,
    *,
    id: str,
    received_at: datetime,
    received_on: date,
    complainant: ComplainantMarks,
    key_id: str,
    sealed: Mapping[str, str],
) -> ComplaintReceived:
    """The event for `suda.intake`; the case has the complaint's id."""
    return ComplaintReceived(
        complaint_id=id,
        case_id=id,
        received_at=received_at,
        received_on=received_on,
        channel=complaint.channel,
        door=complaint.door,
        kind=complaint.kind,
        division=complaint.division,
        received_by=complaint.received_by,
        accused=Accused(
            organisation=complaint.accused.organisation,
            window=complaint.accused.window,
            officer=complaint.accused.officer,
        ),
        matter=MatterNamed(code=complaint.matter.code, name=complaint.matter.name),
        project_no=complaint.affair.project_no,
        urgent=complaint.urgent,
        source_reference=complaint.source_reference,
        occurred_at=complaint.occurred_at,
        complainant=complainant,
        key_id=key_id,
        sealed=sealed,
    )
