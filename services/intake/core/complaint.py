"""The one shape of a complaint (投诉) from any channel: the body of `POST /v1/complaints`."""

import base64
import binascii
from typing import Annotated

from pydantic import AfterValidator, Field, StringConstraints

from services.intake.core.text import (
    Address,
    Blank,
    Clean,
    DivisionCode,
    Label,
    OrganisationCode,
    Past,
    PersonName,
    Reference,
    Remark,
    Shape,
    Story,
    Stripped,
    Title,
    Word,
)
from shared.events.intake import Channel, Kind
from shared.privacy.index import normalise

MOST_ATTACHMENTS = 20


def _phone(text: str | None) -> str | None:
    if text and len(normalise("phone", text)) < 5:
        raise ValueError("holds fewer than five digits")
    return text


def _base64(text: str) -> str:
    try:
        base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise ValueError("is not base64") from None
    return text


Phone = Annotated[
    Annotated[str, Stripped, StringConstraints(max_length=60), Clean] | None, Blank, AfterValidator(_phone)
]
IdNumber = Annotated[Annotated[str, Stripped, StringConstraints(pattern=r"^[0-9A-Za-z()（）/-]{0,40}$")] | None, Blank]
MatterCode = Annotated[Annotated[str, Stripped, StringConstraints(pattern=r"^[0-9A-Za-z]{0,31}$")] | None, Blank]
ProjectNo = Annotated[Annotated[str, Stripped, StringConstraints(pattern=r"^[0-9A-Za-z._/-]{0,50}$")] | None, Blank]
UserName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9._@-]{0,59}$")]
MediaType = Annotated[str, StringConstraints(pattern=r"^[a-z0-9.+-]{1,60}/[a-zA-Z0-9.+-]{1,80}$")]


class Accused(Shape):
    """被投诉单位、被投诉人、窗口. `organisation` is a code of the directory, or a name as people write it.

    `officer` is the user name of the person complained about, where a channel knows it; `person`, a name, is sealed.
    """

    organisation: Label = None
    person: PersonName = None
    window: Word = None
    officer: UserName | None = None


class Matter(Shape):
    """政务服务事项, by code or as named."""

    code: MatterCode = None
    name: Label = None


class Affair(Shape):
    """办件: the citizen's own application that this is about."""

    project_no: ProjectNo = None


class Complainant(Shape):
    """Whoever complains. Everything but the three marks is encrypted at once."""

    name: PersonName = None
    id_type: PersonName = None
    id_number: IdNumber = None
    phone: Phone = None
    address: Address = None
    anonymous: bool = False
    discloses: bool = True
    wants_answer: bool = True


class Attachment(Shape):
    """A file in base64; its size counts in the size of the body."""

    name: Annotated[str, Stripped, StringConstraints(min_length=1, max_length=200), Clean]
    media_type: MediaType
    content: Annotated[str, AfterValidator(_base64)]


class Complaint(Shape):
    """What came in. `division` is where it happened (GB/T 2260); `urgent` asks for speed, routing decides."""

    channel: Channel
    kind: Kind
    division: DivisionCode
    content: Story
    title: Title = None
    demand: Remark = None
    door: Word = None
    received_by: OrganisationCode = None
    accused: Accused = Accused()
    matter: Matter = Matter()
    affair: Affair = Affair()
    complainant: Complainant = Complainant()
    attachments: Annotated[tuple[Attachment, ...], Field(max_length=MOST_ATTACHMENTS)] = ()
    urgent: bool = False
    source_reference: Reference = None
    occurred_at: Past | None = None
