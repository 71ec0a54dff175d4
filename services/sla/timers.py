"""The rungs, fired at their instant and never before: claimed, published, confirmed (DESIGN.md 6.5).

1. the next instant of a heap is awaited;  2. a barrier: routing has decided, and sla applied, all that lay in the input
at or after that instant;  3. what is still open is fired, batch by batch in order of time (`firing.py`).
One barrier holds for every rung that was due when it was taken, in the partitions that were held then.
"""

import asyncio
import logging
import time
from datetime import datetime

from services.sla.core.ladder import Levels
from services.sla.core.timers import ENDS, SETS, breach_claim, overdue, replaced, row, row_id, still_open, was_late
from services.sla.core.unwatched import OPERATIONAL
from services.sla.core.watch import Emitted, Facts
from services.sla.desk import Desk
from services.sla.filing import Filings
from services.sla.firing import Firing
from services.sla.heap import Heap
from services.sla.periods import Periods
from services.sla.projecting import Projecting
from services.sla.store import Store
from services.sla.unprompted import Unprompted
from shared import metrics
from shared.bus import Bus
from shared.clock import Clock
from shared.errors import Unavailable
from shared.events.deadlines import DeadlineEvent
from shared.law import Calendar, Library
from shared.law.operations import Operations
from shared.store import Document

log = logging.getLogger("suda.sla.timers")
AT_ONCE = 1000  # rungs claimed and published together


class Timers:
    """The heap of this process's partitions and the task that fires it."""

    def __init__(
        self, bus: Bus, store: Store, desk: Desk, operations: Operations, calendar: Calendar, clock: Clock,
        lock: asyncio.Lock, levels: Levels, law: Library,
    ) -> None:  # fmt: skip
        self._bus, self._store, self._desk = bus, store, desk
        self._operations, self._calendar, self._clock, self._lock = operations, calendar, clock, lock
        self._law = law
        self.heap = Heap()
        self._owned: set[int] = set()
        self.held: set[int] = set()  # partitions whose claims are published and whose duties are watched
        self._wake = asyncio.Event()
        self.firing = False
        self.waiting_since: float | None = None  # monotonic; since when the barrier is not reached
        metrics.BARRIER_AGE.set_function(self.barrier_age)
        self._firing = Firing(bus, store, desk, operations, calendar, clock, levels, self.wake)
        unprompted = Unprompted(bus, store, desk, self.watch, self.wake)
        self._projecting = Projecting(law, calendar, operations, desk, store, unprompted)
        self._unprompted = unprompted
        self.filings = Filings(store, desk, unprompted, self._firing, calendar, clock)
        self.periods = Periods(law, levels, store, unprompted, clock, bus.partition)

    def partition_of(self, case_id: str) -> int:
        return self._bus.partition(case_id.encode())

    @property
    def next_due(self) -> datetime | None:
        """The earliest instant watched; None when nothing is."""
        instants = [one for one in (self.heap.first, self.periods.next_turn) if one is not None]
        return min(instants, default=None)

    def barrier_age(self) -> float:
        """Seconds since a due rung waits for the barrier, over however many attempts; 0 when none waits."""
        return 0.0 if self.waiting_since is None else time.monotonic() - self.waiting_since

    async def gained(self, partitions: set[int]) -> None:
        """Publish again what was claimed and not confirmed, and watch the open duties of these partitions."""
        self._owned |= partitions
        self._desk.forget(lambda case_id: self.partition_of(case_id) in partitions)
        torn = await self._firing.again(partitions)
        await self._unprompted.again(partitions)
        async for rows in self._store.each_watched(partitions):
            changed = [stored for stored in rows if self._projecting.changed(stored)]
            if changed:
                names = {stored["_id"] for stored in changed}
                rows = [stored for stored in rows if stored["_id"] not in names]
                rows += await self._projecting.bring(changed, self._clock.now())
            await self._fill(rows, torn)
        await self.periods.gained(self._owned)
        self._gauge()
        self.held = set(self._owned)
        self._wake.set()

    async def _fill(self, rows: list[Document], torn: bool) -> None:
        """Watch these, without what has fired. Rungs are claimed in order of time: where the last one past has been
        claimed, so have those before it; unless a batch was cut off in the middle (`torn`), then each is asked for.
        """
        now = self._clock.now()
        past = {
            stored["_id"]: [r["name"] for r in stored["rungs"] if datetime.fromisoformat(r["at"]) <= now]
            for stored in rows
        }
        last = {} if torn else {f"{name}:{names[-1]}": name for name, names in past.items() if names}
        done = {last[claim] for claim in await self._store.claimed(last)}
        each = [f"{name}:{rung}" for name, names in past.items() if name not in done for rung in names]
        claimed = await self._store.claimed(each)
        for stored in rows:
            name = stored["_id"]
            over = [rung for rung in past[name] if name in done or f"{name}:{rung}" in claimed]
            if stored["partition"] in self._owned:
                self.heap.push(stored, over, now)

    def lost(self, partitions: set[int]) -> None:
        """Forget these partitions; their rows stay in the store for the next owner."""
        self._owned -= partitions
        self.held -= partitions
        self.heap.lose(partitions)
        self._desk.forget(lambda case_id: self.partition_of(case_id) in partitions)
        self.periods.lost(self._owned)
        self._gauge()

    async def watch(self, events: list[DeadlineEvent], partitions: dict[str, int]) -> None:
        """Store and watch what these events opened or moved, and drop what they ended. May be repeated.

        What counts is how the duty stands now, since it may have ended and begun again, and old events may be repeated.
        """
        events = [event for event in events if event.type not in SETS or self._has_rule(event)]
        changed = {row_id(event): event for event in events if event.type in (*SETS, *ENDS)}
        setting = {row_id(event): event for event in events if event.type in SETS}
        ended = {name: e for name, e in changed.items() if not still_open(self._desk.known(e.case_id), e)}
        late = {
            breach_claim(e, e.due_day): n
            for n, e in ended.items()
            if overdue(e) or was_late(self._desk.known(e.case_id), e)
        }
        awaited = {late[claim] for claim in late.keys() - await self._store.claimed(late)}
        for each in awaited:
            del ended[each]  # its breach has not been declared yet, and will be
        opened = [
            self._row(e, partitions[e.case_id], name in awaited) for name, e in setting.items() if name not in ended
        ]
        moved = [name for event in events if (name := replaced(event)) is not None]
        await self._store.drop_rows([*dict.fromkeys([*ended, *moved])])
        await self._store.open_rows(opened)
        for name in (*ended, *moved):
            self.heap.drop(name)
        await self._fill([stored for stored in opened if stored["_id"] not in self.heap], torn=True)
        self._gauge()
        if opened:
            self._wake.set()

    def _has_rule(self, event: DeadlineEvent) -> bool:
        """Not a repeated event of a watch that the operational rules have no longer: its row stays as it is."""
        return event.instrument != OPERATIONAL or self._desk.rules.has(event.obligation)

    def _row(self, event: DeadlineEvent, partition: int, ended: bool) -> Document:
        watched, obligation = self._desk.known(event.case_id), self._desk.obligation(event)
        facts = watched.facts if watched else Facts()
        found = self._desk.instrument(watched) if watched and event.citations else None
        basis = self._projecting.basis(event, facts, f"{found.id}@{found.digest}" if found else "")
        calendar = self._calendar.at(facts.division)
        upto = watched.seq if watched else event.seq
        return row(
            event,
            partition,
            obligation,
            self._operations,
            calendar,
            facts,
            upto,
            basis,
            watched.projections if watched else 0,
            ended,
        )

    def _gauge(self) -> None:
        metrics.OPEN_OBLIGATIONS.set(len(self.heap))

    def wake(self) -> None:
        """Look again at what is next."""
        self._wake.set()

    async def run(self) -> None:
        """For ever: await the next instant, take the barrier, fire what is due."""
        while True:
            self._wake.clear()
            next_due = self.next_due
            if not self._unsure:
                if next_due is None or next_due > self._clock.now():
                    self.waiting_since = None
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
        """Everything due now, in order; rungs of partitions that came only after the barrier wait for the next."""
        now, owned = self._clock.now(), frozenset(self._owned)
        await self._sure()
        opens = self.periods.due(now)
        if not opens and (self.heap.first is None or self.heap.first > now):
            return
        await self._barrier(None if opens and self.periods.counts_cases(now) else owned)
        if opens:
            async with self._lock:
                await self.periods.open(now)
        while await self._batch(now, owned):  # noqa: ASYNC110 - nothing is polled
            await asyncio.sleep(0)  # lets a waiting batch of events in
        await self._firing.sent()

    @property
    def _unsure(self) -> bool:
        """Whether something that was claimed or committed here may not have been published."""
        return self._firing.unfinished or self._unprompted.unfinished

    async def _sure(self) -> None:
        """Publish that again before anything else is."""
        if self._unsure:
            async with self._lock:
                await self._firing.finish()
                await self._unprompted.finish()

    async def _batch(self, now: datetime, owned: frozenset[int]) -> bool:
        """The next rungs due by `now`, fired; False when there were none."""
        async with self._lock:
            due = self.heap.take(now, AT_ONCE, set(owned & self._owned))
            if not due:
                return False
            try:
                for breach, moved in await self._firing.fire(due, self.heap):
                    await self._firing.sent()
                    await self.filings.take_back(moved, Emitted.of(breach, "open"))
            except BaseException:
                self.heap.put_back(due)
                raise
        return True

    async def _barrier(self, partitions: frozenset[int] | None) -> None:
        """Everything in the input now has been decided and applied: here, or in every partition (DESIGN.md 6.5)."""
        self.waiting_since = self.waiting_since or time.monotonic()
        await self._bus.settled_for_timers(None if partitions is None else set(partitions))
        self.waiting_since = None
