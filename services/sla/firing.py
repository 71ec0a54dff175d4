"""Rungs that are due, fired: looked at as their case stands now, claimed, published, confirmed (DESIGN.md 6.5).

1. the rows and whatever their cases did since;  2. the batch is noted and its rungs claimed by inserting their ids;
3. published, while the next batch is looked at and claimed, and never before the one ahead of it;  4. the note is
removed.  What a note that stays names is published again, same bytes, by the next owner.
"""

import asyncio
import time
import uuid
from collections.abc import Iterable
from dataclasses import dataclass

from services.sla.core.ladder import Levels
from services.sla.core.timers import Rung, fired, rungs
from services.sla.desk import Desk, entry
from services.sla.heap import Heap, Taken
from services.sla.standing import Standing, standing
from services.sla.store import Store
from shared import failpoint, metrics
from shared.bus import Bus, Outgoing
from shared.clock import Clock
from shared.events import topics
from shared.events.deadlines import DeadlineEvent
from shared.law import Calendar
from shared.law.operations import Operations
from shared.store import Document

LOOK_HOLDS = (
    2.0  # seconds: nobody else has our partitions before a session is over; a process that was stopped does not know
)
Overtaken = tuple[DeadlineEvent, DeadlineEvent]  # a breach, and what ended its duty or put it off meanwhile


@dataclass(slots=True)
class Firing:
    """What it takes to fire a batch."""

    bus: Bus
    store: Store
    desk: Desk
    operations: Operations
    calendar: Calendar
    clock: Clock
    levels: Levels
    _sending: asyncio.Task[None] | None = None

    async def fire(self, due: list[Taken], heap: Heap) -> list[Overtaken]:
        """Fire these, in their order; what no longer stands is dropped. Raises Unavailable: fire them again.

        Returns what ended a duty, or put it off, between the look at it and the claim of its breach, which is to be
        taken back where that was in time (`filing.py`).
        """
        looked = time.monotonic()
        stored = {rung.row: row for rung in due if (row := heap.kept(rung.row)) is not None}
        stored |= await self.store.rows({rung.row for rung in due} - stored.keys())
        stands = await standing(stored.values(), self.desk, self.store.journal)
        known = {rung.claim(): rung for row in stored.values() for rung in rungs(row)}
        made, over, gone = [], set[str](), set[str]()
        for taken in due:
            one, rung = stands.get(taken.row), known.get(f"{taken.row}:{taken.name}")
            if one is None or rung is None or one.replaced:
                gone.add(taken.row)
                continue
            if one.fires(rung.kind):
                made.append((rung, self._event(one, rung)))
            if one.over(rung.kind):
                over.add(taken.row)
        if made:
            await self._claim(made, {heap.partition(rung.row) for rung, _ in made if rung.row in heap})
        await self.store.drop_rows(over)
        for name in over | gone:
            heap.drop(name)
        breached = {rung.row: event for rung, event in made if event.type == "breached"}
        slept = time.monotonic() - looked > LOOK_HOLDS
        doubtful = [row for row, event in breached.items() if slept or event.period]
        again = await standing([stored[row] for row in doubtful], self.desk, self.store.journal)
        return [(breached[row], event) for row, one in again.items() for event in one.moved]

    def _event(self, one: Standing, rung: Rung) -> DeadlineEvent:
        calendar = self.calendar.at(one.facts.division)
        return fired(one.opened, rung, self.clock.now(), one.facts, self.levels, calendar, self.operations.label)

    async def _claim(self, made: list[tuple[Rung, DeadlineEvent]], partitions: set[int]) -> None:
        batch = str(uuid.uuid4())
        claims = [_claim(rung.claim(), event) for rung, event in made]
        taken = await self.store.claim(batch, partitions, claims)
        failpoint.passing("timers: claim, publish")
        await self.sent()
        ours = [claim for claim in claims if claim["_id"] not in taken]
        self._sending = asyncio.create_task(self._send(batch, ours))
        _count(event for (_, event), claim in zip(made, claims, strict=True) if claim["_id"] not in taken)

    async def _send(self, batch: str, claims: list[Document]) -> None:
        await self.publish(claims)
        failpoint.passing("timers: publish, confirm")
        await self.store.confirm([batch])

    async def sent(self) -> None:
        """Return when what was claimed last is published. Raises Unavailable: see `again`."""
        sending, self._sending = self._sending, None
        if sending is not None:
            await sending

    async def claim_one(self, name: str, event: DeadlineEvent, partition: int) -> None:
        """Publish one event exactly once, under the name of a rung."""
        batch = str(uuid.uuid4())
        claim = _claim(name, event)
        taken = await self.store.claim(batch, {partition}, [claim])
        await self.publish([] if taken else [claim])
        await self.store.confirm([batch])

    async def again(self, partitions: set[int]) -> bool:
        """Publish once more what was claimed and not confirmed, same bytes; whether there was any."""
        found = await self.store.unconfirmed(partitions)
        for batch, claimed in found:
            await self.publish(claimed)
            await self.store.confirm([batch])
        return bool(found)

    async def publish(self, claims: list[Document]) -> None:
        await self.bus.publish(
            [
                Outgoing(
                    topics.DEADLINES, c["case"].encode(), bytes(c["v"]), {k: v.encode() for k, v in c["h"].items()}
                )
                for c in claims
            ]
        )


def _claim(name: str, event: DeadlineEvent) -> Document:
    out = entry(event, None)
    headers = {key: value.decode() for key, value in out.headers.items()}
    return {"_id": name, "case": event.case_id, "v": out.value, "h": headers}


def _count(events: Iterable[DeadlineEvent]) -> None:
    for event in events:
        metrics.DEADLINES.labels(event.obligation, event.type).inc()
        metrics.RUNGS.labels(event.type).inc()
        if event.fired and event.rung_due:
            metrics.TIMER_LATENESS.observe((event.fired - event.rung_due).total_seconds())
