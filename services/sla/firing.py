"""Rungs that are due, fired: looked at as their case stands now, claimed, published, confirmed (DESIGN.md 6.5).

1. the rows and whatever their cases did since;  2. the batch is noted and its rungs claimed by inserting their ids;
3. published, while the next batch is looked at and claimed, and never before the one ahead of it;  4. the note is
removed.  What a note that stays names is published again, same bytes: by us when what was away is back, else by the
next owner, or by whoever finds one of its rungs claimed.
"""

import asyncio
import contextlib
import time
import uuid
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from services.sla.core.ladder import Levels, Remembered
from services.sla.core.timers import Rung, fired
from services.sla.desk import Desk, entry
from services.sla.heap import Heap, Taken
from services.sla.standing import standing
from services.sla.store import Store
from shared import failpoint, metrics
from shared.bus import Bus, Outgoing
from shared.clock import Clock
from shared.errors import Unavailable
from shared.events import topics
from shared.events.deadlines import DeadlineEvent
from shared.law import Calendar
from shared.law.operations import Operations
from shared.store import Document

LOOK_HOLDS = 2.0  # seconds; no session is over sooner, so until then nobody else has our partitions
Made = list[tuple[Rung, DeadlineEvent]]
Overtaken = tuple[DeadlineEvent, DeadlineEvent]  # a breach, and what ended its duty or put it off meanwhile


@dataclass(slots=True)
class _Looked:
    """What a look found: when (monotonic), the rows, what fires, which rows are done with, which are no longer ours."""

    at: float = 0.0
    rows: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    made: Made = field(default_factory=list)
    over: set[str] = field(default_factory=set)
    gone: set[str] = field(default_factory=set)


@dataclass(slots=True)
class Firing:
    """What it takes to fire a batch; `wake` has `finish` called soon."""

    bus: Bus
    store: Store
    desk: Desk
    operations: Operations
    calendar: Calendar
    clock: Clock
    levels: Levels
    wake: Callable[[], None]
    _sending: asyncio.Task[None] | None = None
    _left: dict[str, list[str]] = field(default_factory=dict)  # batches broken off here, with their rungs, oldest first

    async def fire(self, due: list[Taken], heap: Heap) -> list[Overtaken]:
        """Fire these, in their order; what no longer stands is dropped. Raises Unavailable: fire them again.

        Returns what ended a duty, or put it off, between the look at it and the claim of its breach, which is to be
        taken back where that was in time (`filing.py`).
        """
        looked = await self._look([taken.rung for taken in due], heap)
        if looked.made:
            await self._claim(looked.made, {taken.partition for taken in due})
        given_up = {taken.rung.row for taken in due if taken.rung.row not in heap}
        await self.store.drop_rows(looked.over)
        for name in looked.over | looked.gone:
            heap.drop(name)
        breached = {rung.row: event for rung, event in looked.made if event.type == "breached"}
        slept = time.monotonic() - looked.at > LOOK_HOLDS
        doubtful = [looked.rows[row] for row, event in breached.items() if slept or event.period or row in given_up]
        again = await standing(doubtful, self.desk, self.store.journal)
        return [(breached[row], event) for row, one in again.items() for event in one.moved]

    async def _look(self, due: list[Rung], heap: Heap) -> "_Looked":
        """Which of these rungs still stand, and what they say."""
        found, levels, now = _Looked(time.monotonic()), Remembered(self.levels), self.clock.now()
        found.rows = {rung.row: row for rung in due if (row := heap.kept(rung.row)) is not None}
        found.rows |= await self.store.rows({rung.row for rung in due} - found.rows.keys())
        stands = await standing(found.rows.values(), self.desk, self.store.journal)
        for rung in due:
            one = stands.get(rung.row)
            if one is None or one.replaced:
                found.gone.add(rung.row)
                continue
            if one.fires(rung.kind):
                calendar = self.calendar.at(one.facts.division)
                event = fired(one.opened, rung, now, one.facts, levels, calendar, self.operations.label)
                found.made.append((rung, event))
            if one.over(rung.kind):
                found.over.add(rung.row)
        return found

    async def _claim(self, made: Made, partitions: set[int]) -> None:
        batch = str(uuid.uuid4())
        claims = [_claim(rung.claim(), event) for rung, event in made]
        try:
            taken = await self.store.claim(batch, partitions, claims)
            failpoint.passing("timers: claim, publish")
            await self.sent()
            if taken:
                await self._of_others(batch, taken, partitions)
        except BaseException:
            self._left[batch] = [claim["_id"] for claim in claims]
            raise
        ours = [claim for claim in claims if claim["_id"] not in taken]
        self._sending = asyncio.create_task(self._send(batch, ours))
        _count([event for (_, event), claim in zip(made, claims, strict=True) if claim["_id"] not in taken])

    async def _send(self, batch: str, claims: list[Document]) -> None:
        try:
            await self.publish(claims)
            failpoint.passing("timers: publish, confirm")
            await self.store.confirm([batch])
        except BaseException:
            self._left[batch] = [claim["_id"] for claim in claims]
            raise

    async def _of_others(self, batch: str, taken: set[str], partitions: set[int]) -> None:
        """Rungs that a process claimed after its partitions had gone to us, and may not have lived to publish."""
        for other, claimed in await self.store.unconfirmed(partitions):
            if other != batch and any(claim["_id"] in taken for claim in claimed):
                await self._repeat(other, claimed)

    async def sent(self) -> None:
        """Return when what was claimed last is published. Raises Unavailable: see `finish`."""
        sending, self._sending = self._sending, None
        if sending is not None:
            await sending

    async def claim_one(self, name: str, event: DeadlineEvent, partition: int) -> None:
        """Publish one event exactly once, under the name of a rung."""
        batch = str(uuid.uuid4())
        claim = _claim(name, event)
        try:
            taken = await self.store.claim(batch, {partition}, [claim])
            await self.publish([] if taken else [claim])
            await self.store.confirm([batch])
            metrics.DEADLINES.labels(event.obligation, event.type).inc(0 if taken else 1)
        except BaseException:
            self._left[batch] = [name]
            self.wake()
            raise

    @property
    def unfinished(self) -> bool:
        """Whether something claimed here may not have been published."""
        return bool(self._left or self._sending)

    async def finish(self) -> None:
        """Publish what was broken off here, same bytes, whoever holds its partition now. Raises Unavailable."""
        with contextlib.suppress(Unavailable):
            await self.sent()
        for batch, names in list(self._left.items()):
            await self._repeat(batch, await self.store.claimed_rungs(names))
            self._left.pop(batch, None)

    async def again(self, partitions: set[int]) -> bool:
        """Publish once more what was claimed and not confirmed, same bytes; whether there was any."""
        found = await self.store.unconfirmed(partitions)
        for batch, claimed in found:
            await self._repeat(batch, claimed)
        return bool(found)

    async def _repeat(self, batch: str, claimed: list[Document]) -> None:
        await self.publish(claimed)
        await self.store.confirm([batch])

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


def _count(events: list[DeadlineEvent]) -> None:
    for (obligation, kind), number in Counter((event.obligation, event.type) for event in events).items():
        metrics.DEADLINES.labels(obligation, kind).inc(number)
        metrics.RUNGS.labels(kind).inc(number)
    for event in events:
        if event.fired and event.rung_due:
            metrics.TIMER_LATENESS.observe((event.fired - event.rung_due).total_seconds())
