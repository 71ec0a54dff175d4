"""Sla's queries. Hot paths insert; what is deleted or confirmed goes one call a batch.

`journal` what each input did · `open` the duties whose rungs are watched · `rungs` every rung claimed, for good ·
`claims` batches of rungs claimed, and of commits without an event, not yet confirmed by Kafka · `early` events that
came before their predecessor · `periods` since when periodic duties are kept, and where there was something to report.
"""

from collections.abc import AsyncIterator, Iterable
from typing import Any

from shared import failpoint
from shared.journal import Journal
from shared.settings import Settings
from shared.store import Client, Document, answering, delete_by_id, find_by_id, insert_new

AT_ONCE = 2000  # rows read together


class Store:
    """The database `sla`."""

    def __init__(self, client: Client, settings: Settings) -> None:
        database = client[settings.database("sla")]
        self.journal = Journal(database)
        self._open, self._rungs = database["open"], database["rungs"]
        self._claims, self._early = database["claims"], database["early"]
        self._periods = database["periods"]

    async def open_rows(self, rows: list[Document]) -> None:
        await insert_new(self._open, rows)

    async def drop_rows(self, ids: Iterable[str]) -> None:
        await delete_by_id(self._open, ids)

    async def rows(self, ids: Iterable[str]) -> dict[str, Document]:
        return {row["_id"]: row for row in await find_by_id(self._open, ids)}

    async def claimed(self, ids: Iterable[str]) -> set[str]:
        """Which of these rungs somebody has claimed."""
        return {row["_id"] for row in await find_by_id(self._rungs, ids, {"_id": 1})}

    async def claim(self, batch: str, partitions: set[int], rungs: list[Document]) -> set[str]:
        """Note the batch, then claim its rungs; returns those that were claimed before."""
        note = {"_id": batch, "partitions": sorted(partitions), "rungs": [rung["_id"] for rung in rungs]}
        failpoint.passing("timers: look, note")
        await insert_new(self._claims, [note])
        failpoint.passing("timers: note, claim")
        return await insert_new(self._rungs, rungs)

    async def confirm(self, batches: Iterable[str]) -> None:
        await delete_by_id(self._claims, batches)

    async def unconfirmed(self, partitions: set[int]) -> list[tuple[str, list[Document]]]:
        """Batches claimed and perhaps not published, each with its rungs that were claimed."""
        notes = await self._find(self._claims, {"partitions": {"$in": sorted(partitions)}})
        return [(note["_id"], await self.claimed_rungs(note["rungs"])) for note in notes if "rungs" in note]

    async def claimed_rungs(self, ids: list[str]) -> list[Document]:
        """Those of these rungs that were claimed, in the order asked for: that of time. `$in` gives them by id."""
        found = {rung["_id"]: rung for rung in await find_by_id(self._rungs, ids)}
        return [found[id] for id in ids if id in found]

    async def note(self, batch: str, partitions: set[int], commits: list[str]) -> None:
        """Note commits that are about to be made without an event (`unprompted.py`)."""
        await insert_new(self._claims, [{"_id": batch, "partitions": sorted(partitions), "commits": commits}])

    async def noted(self, partitions: set[int]) -> list[tuple[str, list[str]]]:
        """Batches of such commits, perhaps not made or not published, each with their ids."""
        notes = await self._find(self._claims, {"partitions": {"$in": sorted(partitions)}})
        return [(note["_id"], note["commits"]) for note in notes if "commits" in note]

    async def each_watched(self, partitions: set[int]) -> AsyncIterator[list[Document]]:
        """Every open duty of these partitions, some thousand at a time: what the heap is filled with."""
        cursor = self._open.find({"partition": {"$in": sorted(partitions)}}, batch_size=AT_ONCE)
        try:
            async with answering():
                while rows := await cursor.to_list(AT_ONCE):
                    yield rows
        finally:
            await cursor.close()

    async def seen(self, marks: list[Document]) -> None:
        """Keep that there was something to report on (`periods.py`); may be repeated."""
        await insert_new(self._periods, marks)

    async def marks(self) -> dict[str, Document]:
        """Every mark kept: by `instrument:period:division`, and `began`."""
        return {mark["_id"]: mark for mark in await self._find(self._periods, {})}

    async def put_early(self, rows: list[Document]) -> None:
        await insert_new(self._early, rows)

    async def early(self) -> list[Document]:
        return await self._find(self._early, {})

    async def drop_early(self, ids: Iterable[str]) -> None:
        await delete_by_id(self._early, ids)

    @staticmethod
    async def _find(collection: Any, query: Document) -> list[Document]:
        async with answering():
            found: list[Document] = await collection.find(query).to_list()
            return found
