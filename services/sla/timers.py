"""The rungs, fired at their instant and never before: claimed, published, confirmed (DESIGN.md 6.5).

1. the next instant of a heap is awaited;  2. a barrier: routing has decided, and sla applied, all that lay in the input
at or after that instant;  3. what is still open is claimed by inserting its id;  4. published;  5. confirmed.
A claim without a confirmation is published again, same bytes, by whoever takes the partition.
"""

import asyncio
import heapq
import logging
import time
import uuid
from datetime import datetime

from services.sla.core.timers import Rung, breach_claim, fired, row, row_id, rungs, still_open, was_late
from services.sla.core.watch import debtor
from services.sla.desk import Desk, entry
from services.sla.store import Store
from shared import failpoint, metrics
from shared.bus import Bus, Outgoing
from shared.clock import Clock
from shared.errors import Unavailable
from shared.events import topics
from shared.events.deadlines import DeadlineEvent, parse
from shared.law import Calendar
from shared.law.operations import Operations
from shared.store import Document

log = logging.getLogger("suda.sla.timers")
AT_ONCE = 500  # rungs claimed and published together
OPENS, ENDS = ("opened", "extended"), ("discharged", "superseded")


class Timers:
    """The heap of this process's partitions and the task that fires it."""

    def __init__(
        self, bus: Bus, store: Store, desk: Desk, operations: Operations, calendar: Calendar, clock: Clock,
        lock: asyncio.Lock,
    ) -> None:  # fmt: skip
        self._bus, self._store, self._desk = bus, store, desk
        self._operations, self._calendar, self._clock, self._lock = operations, calendar, clock, lock
        self._heap: list[tuple[datetime, str, str, Rung]] = []
        self._partitions: dict[str, int] = {}  # row -> partition
        self._owned: set[int] = set()
        self._wake = asyncio.Event()
        self._unsure = False  # whether a claim of ours may not have been published
        self.firing = False

    def partition_of(self, case_id: str) -> int:
        return self._bus.partition(case_id.encode())

    @property
    def next_due(self) -> datetime | None:
        """The earliest instant watched; None when nothing is."""
        return self._heap[0][0] if self._heap else None

    async def gained(self, partitions: set[int]) -> None:
        """Publish again what was claimed and not confirmed, and watch the open duties of these partitions."""
        self._owned |= partitions
        await self._publish_again(partitions)
        for stored in await self._store.watched_rows(partitions):
            self._push(stored)
        self._wake.set()

    async def _publish_again(self, partitions: set[int]) -> None:
        """What was claimed and not confirmed, with the same bytes."""
        for batch, claimed in await self._store.unconfirmed(partitions):
            await self._publish(claimed)
            await self._store.confirm([batch])

    def lost(self, partitions: set[int]) -> None:
        """Forget these partitions; their rows stay in the store for the next owner."""
        self._owned -= partitions
        self._partitions = {row: p for row, p in self._partitions.items() if p in self._owned}
        self._heap = [item for item in self._heap if item[3].row in self._partitions]
        heapq.heapify(self._heap)
        metrics.OPEN_OBLIGATIONS.set(len(self._partitions))

    async def watch(self, events: list[DeadlineEvent], partitions: dict[str, int]) -> None:
        """Store and watch what these events opened or extended, and drop what they ended. May be repeated.

        What counts is how the duty stands now, since it may have ended and begun again, and old events may be repeated.
        """
        changed = {row_id(event): event for event in events if event.type in (*OPENS, *ENDS)}
        opening = {row_id(event): event for event in events if event.type in OPENS}
        ended = {name: e for name, e in changed.items() if not still_open(self._desk.known(e.case_id), e)}
        late = {breach_claim(e, e.due_day): n for n, e in ended.items() if was_late(self._desk.known(e.case_id), e)}
        for claim in late.keys() - await self._store.claimed(late):
            del ended[late[claim]]  # its breach has not been declared yet, and will be
        opened = [self._row(e, partitions[e.case_id]) for name, e in opening.items() if name not in ended]
        await self._store.open_rows(opened)
        await self._store.drop_rows(list(ended))
        for stored in opened:
            self._push(stored)
        for name in ended:
            self._partitions.pop(name, None)
        metrics.OPEN_OBLIGATIONS.set(len(self._partitions))
        if opened:
            self._wake.set()

    def _row(self, event: DeadlineEvent, partition: int) -> Document:
        obligation = self._desk.obligation(event)
        return row(event, partition, obligation, self._operations, self._calendar)

    def _push(self, stored: Document) -> None:
        if stored["_id"] in self._partitions:
            return
        self._partitions[stored["_id"]] = stored["partition"]
        for rung in rungs(stored):
            heapq.heappush(self._heap, (rung.at, rung.row, rung.name, rung))

    async def run(self) -> None:
        """For ever: await the next instant, take the barrier, fire what is due."""
        while True:
            self._wake.clear()
            next_due = self.next_due
            if next_due is None:
                await self._wake.wait()
                continue
            await self._clock.until(next_due, self._wake)
            if self._clock.now() < next_due:
                continue
            try:
                self.firing = True
                await self._fire_due()
            except Unavailable as away:
                log.warning("rungs wait: %s", away)
                await asyncio.sleep(0.5)
            finally:
                self.firing = False

    async def _fire_due(self) -> None:
        now = self._clock.now()
        await self._barrier()
        async with self._lock:
            if self._unsure:
                await self._publish_again(self._owned)
                self._unsure = False
            due: dict[str, Rung] = {}  # a duty that ended and began again stands in the heap twice
            while self._heap and self._heap[0][0] <= now and len(due) < AT_ONCE:
                rung = heapq.heappop(self._heap)[3]
                due[rung.claim()] = rung
            watched = [rung for rung in due.values() if rung.row in self._partitions]
            try:
                await self._fire(watched)
            except BaseException:
                self._unsure = True
                for rung in watched:
                    heapq.heappush(self._heap, (rung.at, rung.row, rung.name, rung))
                raise

    async def _barrier(self) -> None:
        """Everything in the input now has been decided and applied here (DESIGN.md 6.5)."""
        started = time.monotonic()
        waiting = asyncio.create_task(self._bus.settled_for_timers(self._owned))
        try:
            while not waiting.done():
                metrics.BARRIER_AGE.set(time.monotonic() - started)
                await asyncio.wait({waiting}, timeout=1)
            await waiting
        finally:
            waiting.cancel()
            metrics.BARRIER_AGE.set(0)

    async def _fire(self, due: list[Rung]) -> None:
        claimed = await self._store.claimed(rung.claim() for rung in due)
        due = [rung for rung in due if rung.claim() not in claimed]
        stored = await self._store.rows({rung.row for rung in due})
        opened = {name: parse(bytes(found["opened"])) for name, found in stored.items()}
        await self._desk.load({event.case_id for event in opened.values()})
        claims, events, gone, held = [], [], set(), set[int]()
        for rung in due:
            event = opened.get(rung.row)
            watched = self._desk.known(event.case_id) if event else None
            late = event is not None and was_late(watched, event)
            if late and rung.kind == "warning":
                continue  # nobody is warned any more, but the breach is still to come
            if event is None or watched is None or not (late or still_open(watched, event)):
                gone.add(rung.row)
                continue
            if late:
                gone.add(rung.row)  # once its breach is declared
                if rung.kind != "breach":
                    continue
            held.add(self._partitions[rung.row])
            made = fired(event, rung, self._clock.now(), debtor(watched.facts, event.owes))
            out = entry(made, None)
            headers = {name: value.decode() for name, value in out.headers.items()}
            claims.append({"_id": rung.claim(), "case": made.case_id, "v": out.value, "h": headers})
            events.append(made)
        if claims:
            batch = str(uuid.uuid4())
            taken = await self._store.claim(batch, held, claims)
            failpoint.passing("timers: claim, publish")
            await self._publish([claim for claim in claims if claim["_id"] not in taken])
            failpoint.passing("timers: publish, confirm")
            await self._store.confirm([batch])
        await self._store.drop_rows(gone)
        for name in gone:
            self._partitions.pop(name, None)
        for made in events:
            metrics.DEADLINES.labels(made.obligation, made.type).inc()
            if made.fired and made.rung_due:
                metrics.TIMER_LATENESS.observe((made.fired - made.rung_due).total_seconds())

    async def _publish(self, claims: list[Document]) -> None:
        await self._bus.publish(
            [
                Outgoing(
                    topics.DEADLINES, c["case"].encode(), bytes(c["v"]), {k: v.encode() for k, v in c["h"].items()}
                )
                for c in claims
            ]
        )
