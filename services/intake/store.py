"""Every query of intake: receipts of complaints and acts in its own database, data keys in the database `keys`."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from pymongo.errors import PyMongoError

from shared.bus import Outgoing
from shared.errors import Unavailable
from shared.events import topics
from shared.privacy.keys import Wrapped
from shared.settings import Settings
from shared.store import Client, Collection, Document, delete_by_id, find_by_id, insert_new


@dataclass(frozen=True, slots=True)
class Receipt:
    """What intake remembers of one submission: enough to answer and to publish the same again, and nothing readable.

    `attempt` is this try's random id (for a complaint its `key_id`): it tells which of two racing tries came first.
    """

    id: str
    case_id: str
    digest: str
    received_at: str
    attempt: str
    value: bytes
    headers: Mapping[str, bytes]
    query_code: str | None = None
    key: Wrapped | None = field(default=None, repr=False)  # never part of the document

    def document(self) -> Document:
        return {
            "_id": self.id,
            "case": self.case_id,
            "digest": self.digest,
            "received_at": self.received_at,
            "key_id": self.attempt,
            "value": self.value,
            "headers": {name: value.decode() for name, value in self.headers.items()},
            "query_code": self.query_code,
        }

    @classmethod
    def of(cls, found: Mapping[str, Any]) -> "Receipt":
        headers = {name: value.encode() for name, value in found["headers"].items()}
        stamps = (found["digest"], found["received_at"], found["key_id"])
        return cls(found["_id"], found["case"], *stamps, bytes(found["value"]), headers, found.get("query_code"))

    def outgoing(self) -> Outgoing:
        return Outgoing(topics.INTAKE, self.case_id.encode(), self.value, self.headers)

    def key_document(self) -> Document:
        assert self.key is not None
        return {"_id": self.attempt, "case": self.case_id, "version": self.key.version, "key": self.key.key}


class Store:
    """Receipts and keys. Every call has its own time-out and raises Unavailable."""

    def __init__(self, client: Client, settings: Settings) -> None:
        intake = client[settings.database("intake")]
        self._complaints: Collection = intake["receipts"]
        self._acts: Collection = intake["act_receipts"]
        self._keys: Collection = client[settings.database("keys")]["keys"]
        self._timeout = settings.send_timeout

    async def keep_complaints(self, receipts: Sequence[Receipt]) -> list[Receipt]:
        """Insert keys, then receipts; returns for each the receipt that stands: its own, or the one before it."""
        async with self._limit():
            await insert_new(self._keys, [receipt.key_document() for receipt in receipts])
            standing = await _keep(self._complaints, receipts)
            spare = [r.attempt for r, stands in zip(receipts, standing, strict=True) if r.attempt != stands.attempt]
            if spare:  # keys of tries that came second: nothing kept is sealed with them
                await delete_by_id(self._keys, spare)
            return standing

    async def keep_acts(self, receipts: Sequence[Receipt]) -> list[Receipt]:
        """Insert; returns for each the receipt that stands."""
        async with self._limit():
            return await _keep(self._acts, receipts)

    async def complaints(self, ids: Iterable[str]) -> dict[str, Receipt]:
        """The receipts of these complaints that exist, by id; one query."""
        async with self._limit():
            return {found["_id"]: Receipt.of(found) for found in await find_by_id(self._complaints, ids)}

    async def key_of(self, case_id: str) -> str | None:
        """The id of the case's data key, None where there is no such case; one query."""
        async with self._limit():
            found = await find_by_id(self._complaints, [case_id], {"key_id": 1})
            return found[0]["key_id"] if found else None

    async def wrapped(self, key_id: str) -> Wrapped | None:
        """A data key as it is kept, None when it was erased."""
        async with self._limit():
            found = await find_by_id(self._keys, [key_id])
            return Wrapped(found[0]["version"], bytes(found[0]["key"])) if found else None

    async def ping(self) -> None:
        """Raises Unavailable unless the store answers."""
        async with self._limit():
            await self._complaints.find_one({"_id": ""})

    @asynccontextmanager
    async def _limit(self) -> AsyncIterator[None]:
        try:
            async with asyncio.timeout(self._timeout):
                yield
        except (TimeoutError, PyMongoError) as problem:
            raise Unavailable(f"the store does not answer: {type(problem).__name__}") from None


async def _keep(collection: Collection, receipts: Sequence[Receipt]) -> list[Receipt]:
    taken = await insert_new(collection, [receipt.document() for receipt in receipts])
    before = {found["_id"]: Receipt.of(found) for found in await find_by_id(collection, taken)}
    return [before.get(receipt.id, receipt) for receipt in receipts]
