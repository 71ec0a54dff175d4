"""The append-only journal of routing and sla (DESIGN.md 6.2): one document per input applied, with its exact output.

1. decide on the state folded from the commits;  2. insert the commits (the insert *is* the decision);
3. publish their bytes;  4. let the offsets be committed.  An input whose commit is already there is not decided again:
its bytes are published again. Correctness rests on the unique `_id`, never on a transaction.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from pymongo.errors import PyMongoError

from shared.bus import Outgoing
from shared.errors import Unavailable
from shared.store import Collection, Database, Document, find_by_id, insert_new


@dataclass(frozen=True, slots=True)
class Entry:
    """One output record of a commit: its bytes and headers as they go (and went) to the topic."""

    value: bytes
    headers: Mapping[str, bytes]


@dataclass(frozen=True, slots=True)
class Commit:
    """What one input did to one case. `seq` numbers the commits' first event (routing) or the input applied (sla)."""

    case_id: str
    seq: int
    cause: str
    entries: tuple[Entry, ...]
    facts: Mapping[str, Any] | None = None

    @property
    def id(self) -> str:
        return f"{self.case_id}:{self.seq}"

    def outgoing(self, topic: str) -> list[Outgoing]:
        key = self.case_id.encode()
        return [Outgoing(topic, key, entry.value, entry.headers) for entry in self.entries]

    def document(self) -> Document:
        document: Document = {
            "_id": self.id,
            "case": self.case_id,
            "seq": self.seq,
            "cause": self.cause,
            "events": [
                {"v": entry.value, "h": {k: v.decode() for k, v in entry.headers.items()}} for entry in self.entries
            ],
        }
        if self.facts:
            document["facts"] = dict(self.facts)
        return document

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> "Commit":
        entries = tuple(Entry(bytes(e["v"]), {k: v.encode() for k, v in e["h"].items()}) for e in document["events"])
        return cls(document["case"], document["seq"], document["cause"], entries, document.get("facts"))


class Journal:
    """The collection `journal` of one service's database."""

    def __init__(self, database: Database) -> None:
        self._collection: Collection = database["journal"]

    async def prepare(self) -> None:
        """Create the one index."""
        try:
            await self._collection.create_index("case")
        except PyMongoError as error:
            raise Unavailable(f"the store does not answer: {type(error).__name__}") from error

    async def append(self, commits: Iterable[Commit]) -> set[str]:
        """Insert; returns the ids that were already taken: reload these cases and decide again."""
        return await insert_new(self._collection, [commit.document() for commit in commits])

    async def get(self, ids: Iterable[str]) -> list[Commit]:
        """Commits by id; those not there are left out."""
        return [Commit.of(document) for document in await find_by_id(self._collection, ids)]

    async def histories(self, cases: Iterable[str]) -> dict[str, list[Commit]]:
        """Every commit of these cases, in order, by case; a case without any is left out."""
        wanted = list(cases)
        if not wanted:
            return {}
        found: dict[str, list[Commit]] = {}
        try:
            async for document in self._collection.find({"case": {"$in": wanted}}):
                found.setdefault(document["case"], []).append(Commit.of(document))
        except PyMongoError as error:
            raise Unavailable(f"the store does not answer: {type(error).__name__}") from error
        for commits in found.values():
            commits.sort(key=lambda commit: commit.seq)
        return found

    async def everything(self) -> list[Commit]:
        """All commits, for `verify`."""
        return [Commit.of(document) async for document in self._collection.find({})]
