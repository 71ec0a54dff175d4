"""Routing's queries: the journal, the affairs, the openings by complainant, and the acts that routing itself sends."""

import asyncio
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from services.routing.core.affair import Affair, merged
from services.routing.core.matching import Opening
from shared.bus import Outgoing
from shared.events import topics
from shared.journal import Journal
from shared.settings import Settings
from shared.store import Client, Collection, Document, answering, find_by_id, insert_new

MOST = 32  # openings kept of one complainant
REMEMBERED = 10_000  # indexes of nobody's own, in memory


def journal(client: Client, settings: Settings) -> Journal:
    """The journal of the database `routing`."""
    return Journal(client[settings.database("routing")])


class Affairs:
    """The collection `affairs`, by project number. `revision` guards against two uploads at the same time."""

    def __init__(self, client: Client, settings: Settings) -> None:
        self._collection: Collection = client[settings.database("routing")]["affairs"]

    async def find(self, numbers: Iterable[str]) -> dict[str, Affair]:
        """Those that were imported, by project number: one query by key; none for no numbers."""
        documents = await find_by_id(self._collection, dict.fromkeys(numbers))
        return {document["_id"]: Affair.of(document) for document in documents}

    async def put(self, said: Mapping[str, Affair]) -> dict[str, str]:
        """Add to what is known; by project number: `new`, `changed`, `unchanged`, or `refused: …` where it contradicts.

        The same uploads again change nothing. Raises Unavailable, and then they may be sent again.
        """
        outcomes: dict[str, str] = {}
        left = dict(said)
        while left:
            known = {each["_id"]: each for each in await find_by_id(self._collection, left)}
            fresh = [self._first(left[number]) for number in left if number not in known]
            taken = await insert_new(self._collection, fresh)
            outcomes |= {each["_id"]: "new" for each in fresh if each["_id"] not in taken}
            there = [number for number in left if number in known]
            done = await asyncio.gather(*(self._add(known[number], left[number]) for number in there))
            outcomes |= {number: word for number, word in zip(there, done, strict=True) if word}
            left = {number: affair for number, affair in left.items() if number not in outcomes}
        return outcomes

    @staticmethod
    def _first(affair: Affair) -> Document:
        return merged(None, affair).document() | {"revision": 1}

    async def _add(self, document: Document, said: Affair) -> str | None:
        """What came of it; None when somebody else was quicker, and it must be looked at again."""
        before = Affair.of(document)
        try:
            after = merged(before, said)
        except ValueError:
            return "refused: contradicts what is known of the affair"
        if after == before:
            return "unchanged"
        revision = document["revision"]
        async with answering():
            replaced = await self._collection.replace_one(
                {"_id": document["_id"], "revision": revision}, after.document() | {"revision": revision + 1}
            )
        return "changed" if replaced.modified_count else None


class Openings:
    """The collection `openings`: `_id` = complainant's blind index and a number from 1, so that inserting finds out
    whether the complainant is known, without an index and without reading anything for a new one.

    An index with `MOST` openings is nobody's own (a placeholder, an agent's telephone): nothing is matched by it any
    more, and this process does not ask the store about it again.
    """

    def __init__(self, client: Client, settings: Settings) -> None:
        self._collection: Collection = client[settings.database("routing")]["openings"]
        self._nobodys: OrderedDict[str, None] = OrderedDict()

    async def place(self, openings: Sequence[Opening]) -> list[tuple[Opening, Opening]]:
        """Keep them; each with every other opening of its complainant that was kept before it. May be repeated.

        Of two that come at the same time the one that is placed second is told of the first: no pair is missed.
        """
        pairs: dict[tuple[str, str], tuple[Opening, Opening]] = {}
        waiting: dict[str, list[Opening]] = {}
        for opening in openings:
            for person in opening.persons:
                if person not in self._nobodys:
                    waiting.setdefault(person, []).append(opening)
        chains: dict[str, dict[int, Opening]] = {}
        while waiting:
            placed = {person: self._numbered(person, some, chains) for person, some in waiting.items()}
            taken = await insert_new(
                self._collection,
                [
                    {"_id": f"{person}:{number}", **opening.document()}
                    for person, some in placed.items()
                    for number, opening in some.items()
                ],
            )
            crowded = {person for person, some in placed.items() if len(some) < len(waiting[person])}
            again = {id.rpartition(":")[0] for id in taken} | crowded
            for person in waiting.keys() - again:
                chain = chains.get(person, {}) | placed[person]
                _pair(pairs, placed[person].values(), chain.values())
            chains = await self._chains(again)
            waiting = {person: left for person in again if (left := self._left(person, waiting, chains, pairs))}
        return list(pairs.values())

    @staticmethod
    def _numbered(
        person: str, openings: Sequence[Opening], chains: Mapping[str, Mapping[int, Opening]]
    ) -> dict[int, Opening]:
        """The numbers that these would have, after the last one known."""
        last = max(chains.get(person, ()), default=0)
        return dict(zip(range(last + 1, MOST + 1), openings, strict=False))

    def _left(
        self,
        person: str,
        waiting: Mapping[str, Sequence[Opening]],
        chains: Mapping[str, Mapping[int, Opening]],
        pairs: dict[tuple[str, str], tuple[Opening, Opening]],
    ) -> list[Opening]:
        """Those not placed yet; the others are paired with the whole chain. None where the index is nobody's own."""
        chain = chains[person]
        if max(chain, default=0) >= MOST:
            self._nobodys[person] = None
            if len(self._nobodys) > REMEMBERED:
                self._nobodys.popitem(last=False)
            return []
        there = {opening.case for opening in chain.values()}
        _pair(pairs, [each for each in waiting[person] if each.case in there], chain.values())
        return [each for each in waiting[person] if each.case not in there]

    async def _chains(self, persons: Iterable[str]) -> dict[str, dict[int, Opening]]:
        """What was kept of these, by number: one query by key."""
        found: dict[str, dict[int, Opening]] = {person: {} for person in persons}
        ids = [f"{person}:{number}" for person in found for number in range(1, MOST + 1)]
        for document in await find_by_id(self._collection, ids):
            person, _, number = document["_id"].rpartition(":")
            found[person][int(number)] = Opening.of(document)
        return found


def _pair(
    pairs: dict[tuple[str, str], tuple[Opening, Opening]], some: Iterable[Opening], others: Iterable[Opening]
) -> None:
    beside = list(others)
    for one in some:
        for other in beside:
            if other.case != one.case:
                first, second = sorted((one, other), key=lambda each: each.order)
                pairs[first.case, second.case] = (first, second)


class Sent:
    """The collection `sent`: each act that routing asks for outside a commit, kept with its bytes before it is sent."""

    def __init__(self, client: Client, settings: Settings) -> None:
        self._collection: Collection = client[settings.database("routing")]["sent"]

    async def find(self, ids: Iterable[str]) -> dict[str, Outgoing]:
        """What was kept under these ids."""
        return {each["_id"]: _outgoing(each) for each in await find_by_id(self._collection, ids)}

    async def keep(self, acts: Mapping[str, Outgoing]) -> dict[str, Outgoing]:
        """Keep; returns what stands under each id: its own, or what was kept before it."""
        documents: list[Document] = [
            {
                "_id": id,
                "case": (act.key or b"").decode(),
                "value": act.value,
                "headers": {name: value.decode() for name, value in act.headers.items()},
            }
            for id, act in acts.items()
        ]
        taken = await insert_new(self._collection, documents)
        return dict(acts) | (await self.find(taken) if taken else {})


def _outgoing(document: Mapping[str, Any]) -> Outgoing:
    headers = {name: value.encode() for name, value in document["headers"].items()}
    return Outgoing(topics.INTAKE, document["case"].encode(), bytes(document["value"]), headers)


class Waiting:
    """The collection `waiting`: certain matches whose later case (`_id`) cannot be merged yet in its state."""

    def __init__(self, client: Client, settings: Settings) -> None:
        self._collection: Collection = client[settings.database("routing")]["waiting"]

    async def keep(self, matches: Iterable[Document]) -> None:
        """Keep what is not there yet."""
        await insert_new(self._collection, list(matches))

    async def find(self, cases: Iterable[str]) -> list[Document]:
        """Those of these cases: one query by key."""
        return await find_by_id(self._collection, cases)
