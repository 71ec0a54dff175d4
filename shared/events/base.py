"""What every event has in common: how it is frozen, written to bytes and described by CloudEvents headers."""

import re
from datetime import datetime
from hashlib import sha256
from typing import Final, Protocol, TypeVar
from uuid import UUID, uuid5

from pydantic import AwareDatetime, BaseModel, ConfigDict, ValidationError

from shared.errors import BadInput

SOURCE = "urn:suda"
_CASE_ID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
Instant = AwareDatetime


class Frozen(BaseModel):
    """A value: never changed after it was made; fields a later version adds are passed over."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    def to_bytes(self) -> bytes:
        """Compact JSON in the order of the fields, without the empty ones: the bytes that hashes are taken over."""
        return self.model_dump_json(exclude_none=True).encode()


class Citation(Frozen):
    """Where a rule stands: instrument, article and, where there is one, the item in it."""

    instrument: str
    article: str
    item: str | None = None
    title: str | None = None


class Actor(Frozen):
    """Who acts, as the token said (roles: DESIGN.md section 10); `case_id` is a complainant's own case."""

    organisation: str
    role: str
    user: str | None = None
    case_id: str | None = None


def flaw(error: ValidationError) -> BadInput:
    """Why bytes are no event: the first wrong field, never its content."""
    first = error.errors(include_input=False, include_url=False, include_context=False)[0]
    if first["type"] == "union_tag_invalid":  # its sentence repeats the tag
        return BadInput("type: is none that is known")
    return BadInput(f"{'.'.join(map(str, first['loc'])) or 'body'}: {first['msg']}")


class OfCase(Protocol):
    """What every event on a case-bearing topic has."""

    @property
    def case_id(self) -> str: ...


E = TypeVar("E", bound=OfCase)


def in_place(event: E, key: bytes | None) -> E:
    """The event of a record with this key; raises BadInput where that is not its case id, or that is no id.

    Under another key it lies in a partition whose reader does not know its case: there it would begin a second one.
    """
    if _CASE_ID.fullmatch(event.case_id) is None:
        raise BadInput("case_id: is no case id")
    if key != event.case_id.encode():
        raise BadInput("the record's key is not its case id")
    return event


def event_id(case_id: str, name: str | int) -> str:
    """`uuid5(case_id, name)`: the same input gives the same id, however often it is computed."""
    return str(uuid5(UUID(case_id), str(name)))


def digest(value: bytes) -> str:
    """SHA-256 in hex of an event's value bytes, the link of a case's chain."""
    return sha256(value).hexdigest()


def headers(
    *, id: str, type: str, subject: str, time: datetime, cause: str | None = None, trace: str | None = None
) -> dict[str, bytes]:
    """CloudEvents 1.0 in binary mode (Kafka protocol binding), with the cause and the W3C trace carried along."""
    found = {
        "ce_specversion": "1.0",
        "ce_id": id,
        "ce_source": SOURCE,
        "ce_type": type,
        "ce_subject": subject,
        "ce_time": time.isoformat(),
        "content-type": "application/json",
    }
    if cause:
        found["ce_causationid"] = cause
    if trace:
        found["traceparent"] = trace
    return {name: value.encode() for name, value in found.items()}
