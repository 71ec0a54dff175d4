"""`suda.cases`: what routing decided. Per case contiguous `seq` from 1, each chained to the one before by `prev`.

Four kinds of event stand for the whole life of a case. Effects (`state`, `accountable`) are spelled out, so that a
reader folds them without knowing a rule.
"""

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any, Literal

from pydantic import Field, TypeAdapter, ValidationError

from shared.errors import BadInput
from shared.events.base import Actor, Citation, Frozen, Instant, flaw
from shared.events.intake import Accused, Channel, ComplainantMarks, Kind, MatterNamed


class CaseEvent(Frozen):
    """The head of every event. `at` is the deciding instant, taken from the input; `cause` is that input's id."""

    version: Literal[1] = 1
    event_id: str
    case_id: str
    seq: int
    at: Instant
    cause: str
    instrument: str | None = None
    citations: tuple[Citation, ...] = ()
    interpretation: str | None = None
    backdated: bool = False
    prev: str | None = None


class Opened(CaseEvent):
    """A case (办件) is opened and bound to the instrument in force, or to none (`instrument` empty: unbound)."""

    type: Literal["opened"] = "opened"
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
    law_digest: str | None = None
    basis: str
    administration: str | None = None
    state: str


class Step(Frozen):
    """One step of the search for the accountable organisation: what was asked, on which principle, what came of it."""

    asked: str
    principle: str
    found: str | None = None
    why: str
    citations: tuple[Citation, ...] = ()


class Dispatched(CaseEvent):
    """Who must answer (`accountable`), who holds the case now (`holder`), and the whole reasoning.

    `also` holds further words of the law's vocabulary that came true with it (`forwarded`).
    """

    type: Literal["dispatched"] = "dispatched"
    accountable: str | None = None
    administration: str | None = None
    holder: Literal["administration", "agency"]
    steps: tuple[Step, ...]
    directory_offset: int
    state: str
    also: tuple[str, ...] | None = None


class Acted(CaseEvent):
    """An act the law allows was applied. `type` is its past tense; fields that are empty did not change.

    `assisting` replaces the agencies that help the lead; `also` is as in Dispatched.
    """

    type: Literal["acted"] = "acted"
    act: str
    done: str
    by: Actor
    data: Mapping[str, Any] = {}
    sealed: Mapping[str, str] = {}
    state: str
    accountable: str | None = None
    directory_offset: int | None = None
    holder: Literal["administration", "agency"] | None = None
    assisting: tuple[str, ...] | None = None
    also: tuple[str, ...] | None = None


class Rejected(CaseEvent):
    """An act was not applied; nothing changed. `reason` is a stable word, `explanation` a sentence for people."""

    type: Literal["rejected"] = "rejected"
    act: str
    by: Actor
    reason: str
    explanation: str
    state: str


AnyCaseEvent = Opened | Dispatched | Acted | Rejected
_ADAPTER: TypeAdapter[AnyCaseEvent] = TypeAdapter(Annotated[AnyCaseEvent, Field(discriminator="type")])


def ce_type(event: AnyCaseEvent) -> str:
    name = event.done if isinstance(event, Acted) else event.type
    return f"cn.suda.case.{name}.v{event.version}"


def parse(value: bytes) -> AnyCaseEvent:
    """The event in these bytes; raises BadInput naming the first wrong field, never its content.

    Only `opened` is the first event of a case, and nothing else is.
    """
    try:
        event = _ADAPTER.validate_json(value)
    except ValidationError as error:
        raise flaw(error) from None
    if (event.seq == 1) != isinstance(event, Opened) or event.seq < 1:
        raise BadInput(f"seq: {event.seq} cannot be of an event '{event.type}'")
    return event
