"""The append-only journal of routing and sla (DESIGN.md 6.2): one document per input applied, with its exact output.

1. decide on the state folded from the commits;  2. insert the commits (the insert *is* the decision);
3. publish their bytes;  4. let the offsets be committed.  An input whose commit is already there is not decided again:
its bytes are published again. Correctness rests on the unique `_id`, never on a transaction.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from shared.bus import Outgoing
from shared.store import Collection, Database, Document, find_by_id, insert_new

AHEAD = 8  # commits of a case asked for before it is known that they are there


@dataclass(frozen=True, slots=True)
class Entry:
    """One output record of a commit: its bytes and headers as they go (and went) to the topic."""

    value: bytes
    headers: Mapping[str, bytes]


@dataclass(frozen=True, slots=True)
class Commit:
    """What one input did to one case. `seq` numbers the commits' first event (routing) or the input applied (sla).

    One that no input stands behind (sla projecting anew) lies after `seq`; its cause is its number, `~0`, `~1`, …
    """

    case_id: str
    seq: int
    cause: str
    entries: tuple[Entry, ...]
    facts: Mapping[str, Any] | None = None

    @property
    def id(self) -> str:
        return f"{self.case_id}:{self.cause if self.unasked else self.seq}"

    @property
    def unasked(self) -> bool:
        """Whether no input stands behind it."""
        return "projected" in (self.facts or {})

    @property
    def following(self) -> int:
        """The seq of the commit that comes next on this case: behind the last event made or, in sla, applied."""
        upto: int = (self.facts or {}).get("upto", self.seq + len(self.entries) - 1)
        return max(upto, self.seq) + 1

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

    async def append(self, commits: Iterable[Commit]) -> set[str]:
        """Insert; returns the ids that were already taken: reload these cases and decide again."""
        return await insert_new(self._collection, [commit.document() for commit in commits])

    async def get(self, ids: Iterable[str]) -> list[Commit]:
        """Commits by id; those not there are left out."""
        return [Commit.of(document) for document in await find_by_id(self._collection, ids)]

    async def histories(self, cases: Iterable[str]) -> dict[str, list[Commit]]:
        """Every commit of these cases, in order, by case; a case without any is left out.

        Found by key, without an index: the first commit's `_id` is known, and each says which one follows
        (docs/decisions/0063-histories-by-key.md). Some are asked for ahead, each time twice as many.
        """
        walks = {case: _Walk(case) for case in cases}
        left, ahead = list(walks.values()), AHEAD
        while left:
            asked = {walk: walk.next_ids(ahead) for walk in left}
            commits = {commit.id: commit for commit in await self.get(id for ids in asked.values() for id in ids)}
            left = [walk for walk, ids in asked.items() if walk.go(commits, ids)]
            ahead *= 2
        return {case: walk.in_order() for case, walk in walks.items() if walk.found}

    async def everything(self) -> list[Commit]:
        """All commits, for `verify`."""
        return [Commit.of(document) async for document in self._collection.find({})]


@dataclass(slots=True, eq=False)
class _Walk:
    """One case's commits, each found by the one before it."""

    case: str
    seq: int = 1  # of the commit looked for
    number: int = 0  # and of the one that no input stands behind
    found: list[Commit] = field(default_factory=list)

    def next_ids(self, ahead: int) -> list[str]:
        return [f"{self.case}:~{self.number}", *(f"{self.case}:{self.seq + n}" for n in range(ahead))]

    def go(self, commits: Mapping[str, Commit], asked: Sequence[str]) -> bool:
        """As far as it goes; whether there may be more than what was asked for."""
        while commit := commits.get(f"{self.case}:{self.seq}"):
            self.found.append(commit)
            self.seq = commit.following
        while commit := commits.get(f"{self.case}:~{self.number}"):
            self.found.append(commit)
            self.number += 1
        return not {f"{self.case}:{self.seq}", f"{self.case}:~{self.number}"} <= set(asked)

    def in_order(self) -> list[Commit]:
        return sorted(self.found, key=lambda commit: (commit.seq, commit.unasked))
