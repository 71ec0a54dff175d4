"""`suda.intake`: complaints as they came in, and acts as they were asked for. Keyed by case id."""

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any, Literal

from pydantic import Field, TypeAdapter, ValidationError

from shared.events.base import Actor, Frozen, Instant, flaw

Channel = Literal["hotline", "web", "app", "letter", "onsite", "email", "evaluation", "platform"]
Kind = Literal["complaint", "consultation", "suggestion", "bad-review"]


class Accused(Frozen):
    """Who is complained about, as far as it may stand in clear; the person's name is among the sealed fields."""

    organisation: str | None = None
    window: str | None = None


class MatterNamed(Frozen):
    """政务服务事项 as the complainant named it."""

    code: str | None = None
    name: str | None = None


class ComplainantMarks(Frozen):
    """What routing must know of the complainant without knowing who it is (blind indexes: HMAC-SM3, hex)."""

    anonymous: bool = False
    discloses: bool = True
    wants_answer: bool = True
    id_index: str | None = None
    phone_index: str | None = None


class ComplaintReceived(Frozen):
    """One complaint in the one shape of all channels. `sealed` maps a field to its SM4-GCM token (DESIGN.md 7)."""

    type: Literal["complaint.received"] = "complaint.received"
    version: Literal[1] = 1
    complaint_id: str
    case_id: str
    received_at: Instant
    received_on: date
    channel: Channel
    door: str | None = None
    kind: Kind
    division: str
    received_by: str | None = None
    accused: Accused = Accused()
    matter: MatterNamed = MatterNamed()
    project_no: str | None = None
    urgent: bool = False
    source_reference: str | None = None
    occurred_at: Instant | None = None
    complainant: ComplainantMarks = ComplainantMarks()
    key_id: str
    sealed: Mapping[str, str]

    @property
    def id(self) -> str:
        return self.complaint_id


class ActRequested(Frozen):
    """Somebody asks for an act on a case. Routing decides; `data` holds codes and days, free text is sealed."""

    type: Literal["act.requested"] = "act.requested"
    version: Literal[1] = 1
    act_id: str
    case_id: str
    act: str
    by: Actor
    received_at: Instant
    data: Mapping[str, Any] = {}
    sealed: Mapping[str, str] = {}

    @property
    def id(self) -> str:
        return self.act_id


IntakeEvent = ComplaintReceived | ActRequested
_ADAPTER: TypeAdapter[IntakeEvent] = TypeAdapter(Annotated[IntakeEvent, Field(discriminator="type")])


def ce_type(event: IntakeEvent) -> str:
    return f"cn.suda.{event.type}.v{event.version}"


def parse(value: bytes) -> IntakeEvent:
    """The event in these bytes; raises BadInput naming the first wrong field, never its content."""
    try:
        return _ADAPTER.validate_json(value)
    except ValidationError as error:
        raise flaw(error) from None
