"""Taking a complaint or an act in, so that none is lost and none doubled (DESIGN.md 6.1).

1. identity: the id and the digest of the body;
2. sealing, and the exact bytes to publish;
3. the wrapped data key is inserted, then the receipt, grouped with what others hand in at the same time;
4. a receipt that was there already decides: another digest is a conflict, the same digest is the same submission;
5. the bytes of the receipt that stands are published, `acks=all`;
6. the answer, from that receipt.

Whatever breaks on the way, the same submission may be sent again and goes through the same steps.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal
from uuid import UUID, uuid4

from pydantic import BaseModel

from services.intake.core.acts import Data
from services.intake.core.complaint import Complaint
from services.intake.core.event import marks, received, secrets
from services.intake.core.identity import body_digest, canonical
from services.intake.grouping import Grouped
from services.intake.store import Receipt, Store
from shared import failpoint
from shared.bus import Outgoing
from shared.clock import Clock
from shared.errors import BadInput
from shared.events.base import Actor, headers
from shared.events.intake import ActRequested, IntakeEvent, ce_type
from shared.privacy.code import query_code
from shared.privacy.keys import Keyring
from shared.privacy.seal import new_data_key, seal_all

Publish = Callable[[Sequence[Outgoing]], Awaitable[None]]
ROOM = 4096  # what the bus leaves for key and headers


class TooLarge(BadInput):
    """Sealed, the submission would not fit into one record."""


@dataclass(frozen=True, slots=True)
class Draft:
    """A complaint that may be taken. `received_on` is the earlier day of a trusted import."""

    id: str
    complaint: Complaint
    received_on: date | None = None
    trace: str | None = None


@dataclass(frozen=True, slots=True)
class ActDraft:
    """An act that may be asked for; free text in its data is sealed with `data_key`, the case's key."""

    id: str
    case_id: str
    act: str
    data: Data
    by: Actor
    data_key: bytes | None = None
    trace: str | None = None


@dataclass(frozen=True, slots=True)
class Taken:
    """The receipt that stands. Of a conflict nothing was published."""

    receipt: Receipt
    outcome: Literal["new", "repeated", "conflict"]


class Taking:
    """The six steps, for one process."""

    def __init__(self, store: Store, publish: Publish, keyring: Keyring, clock: Clock, largest: int) -> None:
        self._publish, self._keyring, self._clock, self._largest = publish, keyring, clock, largest - ROOM
        self._complaints = Grouped(store.keep_complaints)
        self._acts = Grouped(store.keep_acts)

    async def complaint(self, draft: Draft, before: Receipt | None = None) -> Taken:
        """Take a complaint; `before` is its receipt where the caller has looked already.

        Raises TooLarge (nothing was kept) or Unavailable (send the same again).
        """
        digest = self._digest(draft.complaint)  # 1
        if before is None:
            mine = self._seal(draft, digest)  # 2
            standing = await self._complaints.add(mine)  # 3
            return await self._settle(standing, digest, mine.attempt)
        return await self._settle(before, digest, "")

    async def act(self, draft: ActDraft) -> Taken:
        """Take an act; as `complaint`."""
        digest = self._digest(draft.data, draft.act, draft.by.role)  # 1
        clear, secret = draft.data.parts()
        assert draft.data_key is not None or not secret
        now = self._clock.now()
        event = ActRequested(  # 2
            act_id=draft.id,
            case_id=draft.case_id,
            act=draft.act,
            by=draft.by,
            received_at=now,
            data=clear,
            sealed=seal_all(draft.data_key or b"", draft.case_id, secret),
        )
        mine = self._receipt(event, digest, now, str(uuid4()), draft.trace)
        standing = await self._acts.add(mine)  # 3
        return await self._settle(standing, digest, mine.attempt)

    async def _settle(self, standing: Receipt, digest: str, attempt: str) -> Taken:
        if standing.digest != digest:  # 4
            return Taken(standing, "conflict")
        failpoint.passing("intake: receipt, publish")
        await self._publish([standing.outgoing()])  # 5
        return Taken(standing, "new" if standing.attempt == attempt else "repeated")  # 6

    def _digest(self, body: BaseModel, *words: str) -> str:
        return body_digest(self._keyring, b"\0".join([*(word.encode() for word in words), canonical(body)]))

    def _seal(self, draft: Draft, digest: str) -> Receipt:
        now = self._clock.now()
        key_id, data_key = str(uuid4()), new_data_key()
        event = received(
            draft.complaint,
            id=draft.id,
            received_at=now,
            received_on=min(draft.received_on or now.date(), now.date()),
            complainant=marks(draft.complaint, self._keyring),
            key_id=key_id,
            sealed=seal_all(data_key, draft.id, secrets(draft.complaint)),
        )
        return self._receipt(event, digest, now, key_id, draft.trace, data_key)

    def _receipt(
        self, event: IntakeEvent, digest: str, now: datetime, attempt: str, trace: str | None, key: bytes | None = None
    ) -> Receipt:
        value = event.to_bytes()
        if len(value) > self._largest:
            raise TooLarge("with its encryption the submission is larger than one record; send less")
        found = headers(id=event.id, type=ce_type(event), subject=event.case_id, time=now, trace=trace)
        stamps = (event.id, event.case_id, digest, now.isoformat(), attempt, value, found)
        if key is None:
            return Receipt(*stamps)
        return Receipt(*stamps, query_code(self._keyring, UUID(event.id)), self._keyring.wrap(key))
