"""Routing's queries: the journal, the affairs, the openings by complainant, and the acts that routing itself sends."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pymongo.errors import PyMongoError

from services.routing.core.affair import Affair, merged
from services.routing.core.matching import Opening
from shared.bus import Outgoing
from shared.errors import Unavailable
from shared.events import topics
from shared.journal import Journal
from shared.settings import Settings
from shared.store import Client, Collection, Document, find_by_id, insert_new

MOST = 64  # openings kept of one complainant
STEP = 16  # of them read at once


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
        try:
            replaced = await self._collection.replace_one(
                {"_id": document["_id"], "revision": revision}, after.document() | {"revision": revision + 1}
            )
        except PyMongoError as error:
            raise Unavailable(f"the store does not answer: {type(error).__name__}") from error
        return "changed" if replaced.modified_count else None


class Openings:
    """The collection `openings`: `_id` = complainant's blind index and a number from 1, so that inserting finds out
    whether the complainant is known, without an index and without reading anything for a new one."""

    def __init__(self, client: Client, settings: Settings) -> None:
        self._collection: Collection = client[settings.database("routing")]["openings"]

    async def place(self, openings: Sequence[Opening]) -> list[tuple[Opening, Opening]]:
        """Keep them; each with every other opening of its complainant that was kept before it. May be repeated.

        Of two that come at the same time the one that is placed second is told of the first: no pair is missed.
        """
        pairs: dict[tuple[str, str], tuple[Opening, Opening]] = {}
        waiting = [(person, opening) for opening in openings for person in opening.persons]
        chains: dict[str, list[Opening]] = {}
        while waiting:
            firsts: dict[str, tuple[str, Opening]] = {}  # one for each id; another of the same person comes after it
            later = []
            for person, opening in waiting:
                id = f"{person}:{len(chains.get(person, ())) + 1}"
                if firsts.setdefault(id, (person, opening)) != (person, opening):
                    later.append((person, opening))
            taken = await insert_new(
                self._collection, [{"_id": id, **opening.document()} for id, (_, opening) in firsts.items()]
            )
            for id, (person, opening) in firsts.items():
                if id in taken:
                    later.append((person, opening))
                else:
                    _pair(pairs, opening, chains.get(person, []))
            chains |= await self._chains({person for person, _ in later})
            waiting = []
            for person, opening in later:
                chain = chains[person]
                if len(chain) >= MOST or any(other.case == opening.case for other in chain):
                    _pair(pairs, opening, chain)
                else:
                    waiting.append((person, opening))
        return list(pairs.values())

    async def _chains(self, persons: Iterable[str]) -> dict[str, list[Opening]]:
        found: dict[str, list[Opening]] = {person: [] for person in persons}
        growing = set(found)
        start = 1
        while growing and start <= MOST:
            ids = [f"{person}:{number}" for person in growing for number in range(start, start + STEP)]
            read: dict[str, dict[int, Opening]] = {}
            for document in await find_by_id(self._collection, ids):
                person, _, number = document["_id"].rpartition(":")
                read.setdefault(person, {})[int(number)] = Opening.of(document)
            for person, chain in read.items():
                found[person] += [chain[number] for number in sorted(chain)]
            growing = {person for person, chain in read.items() if len(chain) == STEP}
            start += STEP
        return found


def _pair(pairs: dict[tuple[str, str], tuple[Opening, Opening]], one: Opening, others: Iterable[Opening]) -> None:
    for other in others:
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
                "case": act.key.decode(),
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
