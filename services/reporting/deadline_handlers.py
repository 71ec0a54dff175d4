"""`suda.deadlines` in, one document per event out; inserted, never changed, folded when read (DESIGN.md 6.4)."""

from services.reporting.core import deadlines
from services.reporting.core.deadlines import Key, Mark
from services.reporting.core.row import Row
from services.reporting.gauges import Tally
from services.reporting.inbox import Inbox, Sender
from services.reporting.recent import Recent
from services.reporting.store import Store
from shared import metrics
from shared.bus import Record
from shared.clock import Clock
from shared.errors import Unavailable
from shared.events.deadlines import parse

CACHED = 8192  # cases
DISPATCHED = 2  # the seq up to which a case has just begun, and no duty of it was ended before
Marks = dict[Key, frozenset[Mark]]


class DeadlineReader:
    """Keeps the events of all deadlines."""

    def __init__(self, bus: Sender, store: Store, clock: Clock) -> None:
        self._inbox = Inbox(bus, clock, parse)
        self._store = store
        self._recent: Recent[Marks] = Recent(CACHED)
        self.tally = Tally(metrics.DEADLINES_HELD, self._count)

    async def handle(self, records: list[Record]) -> None:
        """1. parse  2. insert  3. count what was new  4. dead letters. Raises Unavailable."""
        await self.tally.refresh()
        batch = self._inbox.sort(records)
        rows = {event.id: deadlines.document(event) | {"partition": record.partition} for event, record in batch.events}
        try:
            taken = await self._store.add_deadlines(list(rows.values()))
            await self._counted([row for row in rows.values() if row["_id"] not in taken])
        except Unavailable:
            self.tally.stale = True  # some may be in
            self._recent.clear()
            raise
        await self._inbox.close(batch)

    async def gained(self, partitions: set[int]) -> None:
        await self.tally.gained(partitions)

    async def lost(self, partitions: set[int]) -> None:
        self._recent.clear()
        await self.tally.lost(partitions)

    async def _counted(self, new: list[Row]) -> None:
        """Move the gauge by what these events changed in the fold of their cases.

        A case not remembered that has just begun and whose new events only open deadlines is not read: nothing comes
        before those. Later ones may open again what was superseded.
        """
        cases = {row["case"] for row in new}
        unknown = {case for case in cases if self._recent.get(case) is None}
        unread = sorted(unknown & {row["case"] for row in new if row["type"] != "opened" or row["seq"] > DISPATCHED})
        for case, marks in _marks(await self._store.deadlines(unread) if unread else []).items():
            self._recent.put(case, marks)
        ids = {row["_id"] for row in new}
        for case, fresh in _marks(new).items():
            marks = self._recent.get(case) or {}
            after = marks | {key: marks.get(key, frozenset()) | found for key, found in fresh.items()}
            self._recent.put(case, after)
            for key in fresh:
                before = {mark for mark in after[key] if mark.id not in ids}
                self.tally.moved(
                    (key[1], deadlines.status(before)) if before else None, (key[1], deadlines.status(after[key]))
                )

    async def _count(self, partitions: set[int]) -> dict[tuple[str, ...], int]:
        return {labels: count for labels, count in (await self._store.outcomes_of(partitions)).items()}


def _marks(rows: list[Row]) -> dict[str, Marks]:
    found: dict[str, Marks] = {}
    for row in rows:
        marks, key = found.setdefault(row["case"], {}), deadlines.key(row)
        marks[key] = marks.get(key, frozenset()) | {deadlines.mark(row)}
    return found
