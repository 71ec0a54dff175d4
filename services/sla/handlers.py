"""`suda.cases` in, `suda.deadlines` out (DESIGN.md 6.2, 6.4): parse, apply in seq order, commit, publish, watch."""

import asyncio
from collections import defaultdict
from dataclasses import dataclass
from datetime import timedelta

from services.sla.core.timers import breach_claim, prevented, withdrawn
from services.sla.core.watch import Watched
from services.sla.desk import Applied, Desk
from services.sla.store import Store
from services.sla.timers import Timers
from shared import failpoint, metrics
from shared.bus import Bus, Outgoing, Record
from shared.clock import Clock
from shared.dlq import Budget, letter
from shared.errors import BadInput
from shared.events import topics
from shared.events.base import in_place
from shared.events.cases import AnyCaseEvent, parse
from shared.events.deadlines import DeadlineEvent
from shared.law.history import understood


@dataclass(frozen=True, slots=True)
class Input:
    """One case event with the record it came in."""

    event: AnyCaseEvent
    record: Record

    @property
    def trace(self) -> str | None:
        found = self.record.headers.get("traceparent")
        return found.decode() if found else None


SET_BACK = timedelta(hours=1)  # a machine's clock may have been put back since a breach was declared
Inputs = dict[str, dict[int, Input]]  # case -> seq -> input


class Handler:
    """One batch at a time, never at the same time as the timers fire (`lock`)."""

    def __init__(self, bus: Bus, store: Store, desk: Desk, timers: Timers, clock: Clock, lock: asyncio.Lock) -> None:
        self._bus, self._store, self._desk, self._timers = bus, store, desk, timers
        self._clock, self._lock = clock, lock
        self._budget = Budget()
        self._early: Inputs = {}

    async def gained(self, partitions: set[int]) -> None:
        """On taking partitions: early events are found again, unconfirmed claims published again, the heap filled."""
        async with self._lock:
            for row in await self._store.early():
                if row["partition"] not in partitions:
                    continue
                record = Record(
                    topics.CASES, row["partition"], row["offset"], row["case"].encode(), bytes(row["value"])
                )
                self._early.setdefault(row["case"], {})[row["seq"]] = Input(parse(record.value), record)
            self._gauge()
            await self._timers.gained(partitions)

    async def lost(self, partitions: set[int]) -> None:
        """Other processes see to these partitions now, and to what waits in them."""
        self._early = {
            case_id: waiting
            for case_id, waiting in self._early.items()
            if next(iter(waiting.values())).record.partition not in partitions
        }
        self._gauge()
        self._timers.lost(partitions)

    async def handle(self, records: list[Record]) -> None:
        """1. parse  2. load  3. apply and commit until no case has anything left  4. publish  5. watch the rungs."""
        letters: dict[tuple[int, int], Outgoing] = {}
        inputs: Inputs = defaultdict(dict)
        for record in records:
            try:
                event = understood(in_place(parse(record.value), record.key))
                inputs[event.case_id][event.seq] = Input(event, record)
            except BadInput as wrong:
                metrics.DEAD_LETTERS.labels(record.topic).inc()
                letters[record.place] = letter(record, str(wrong), "sla", self._clock.now())
        async with self._lock:
            await self._apply(inputs, list(letters.values()))
        for record in records:
            (self._budget.bad if record.place in letters else self._budget.good)()

    async def _apply(self, inputs: Inputs, outgoing: list[Outgoing]) -> None:
        await self._desk.load(case_id for case_id, waiting in inputs.items() if 1 not in waiting)
        partitions = {case_id: next(iter(w.values())).record.partition for case_id, w in inputs.items()}
        done: list[DeadlineEvent] = []
        while inputs:
            applied = {case_id: run for case_id in list(inputs) if (run := await self._next(inputs, case_id, outgoing))}
            back = {case_id: await self._withdrawals(run) for case_id, run in applied.items()}
            commits = {case_id: run.commit(back[case_id]) for case_id, run in applied.items()}
            taken = await self._store.journal.append(commits.values())
            await self._desk.load([c for c, commit in commits.items() if commit.id in taken], anew=True)
            await self._timers.periods.saw(applied.values())
            for case_id, commit in commits.items():
                if commit.id not in taken:
                    self._desk.keep(applied[case_id].after)
                    done += [*applied[case_id].events, *back[case_id]]
                    outgoing += commit.outgoing(topics.DEADLINES)
                    inputs[case_id] = {s: i for s, i in inputs[case_id].items() if s > applied[case_id].after.seq}
        failpoint.passing("sla: journal, publish")
        await self._bus.publish(outgoing)
        failpoint.passing("sla: publish, watch")
        await self._timers.watch(done, partitions)
        await self._tidy_early()
        _count(done)

    async def _next(self, inputs: Inputs, case_id: str, outgoing: list[Outgoing]) -> Applied | None:
        """The run of consecutive events that can be applied now; what is behind is repeated, what is ahead put away."""
        watched = self._desk.known(case_id) or Watched(case_id)
        waiting = inputs[case_id] | self._early.get(case_id, {})
        if any(seq <= watched.seq for seq in inputs[case_id]):
            outgoing += await self._recorded(case_id, {s for s in inputs[case_id] if s <= watched.seq})
            inputs[case_id] = {s: i for s, i in inputs[case_id].items() if s > watched.seq}
        run: list[tuple[AnyCaseEvent, str | None]] = []
        while (found := waiting.get(watched.seq + 1 + len(run))) is not None:
            run.append((found.event, found.trace))
        if run:
            return self._desk.apply(watched, run)
        await self._put_away(case_id, inputs.pop(case_id))
        return None

    async def _recorded(self, case_id: str, seqs: set[int]) -> list[Outgoing]:
        """What these events caused when they were applied, to be published again."""
        commits = (await self._store.journal.histories([case_id])).get(case_id, [])
        hit = [c for c in commits if c.facts and any(c.seq <= seq <= c.facts["upto"] for seq in seqs)]
        for commit in hit:
            events = [DeadlineEvent.model_validate_json(entry.value) for entry in commit.entries]
            await self._timers.watch(events, {case_id: self._timers.partition_of(case_id)})
        return [out for commit in hit for out in commit.outgoing(topics.DEADLINES)]

    async def _put_away(self, case_id: str, waiting: dict[int, Input]) -> None:
        if not waiting:
            return
        self._early.setdefault(case_id, {}).update(waiting)
        await self._store.put_early(
            [
                {
                    "_id": f"{case_id}:{seq}",
                    "case": case_id,
                    "seq": seq,
                    "value": i.record.value,
                    "partition": i.record.partition,
                    "offset": i.record.offset,
                    "since": self._clock.now().isoformat(),
                }
                for seq, i in waiting.items()
            ]
        )

    async def _tidy_early(self) -> None:
        """Early events whose predecessors have come are applied by now: away with them."""
        over: list[str] = []
        for case_id, waiting in list(self._early.items()):
            watched = self._desk.known(case_id)
            passed = [seq for seq in waiting if watched is not None and seq <= watched.seq]
            over += [f"{case_id}:{seq}" for seq in passed]
            for seq in passed:
                del waiting[seq]
            if not waiting:
                del self._early[case_id]
        await self._store.drop_early(over)
        self._gauge()

    def _gauge(self) -> None:
        metrics.EARLY_ROWS.labels("sla").set(sum(map(len, self._early.values())))

    async def _withdrawals(self, applied: Applied) -> list[DeadlineEvent]:
        """What was in time, or put the due day off, after the breach was already declared takes the breach back."""
        now = self._clock.now()
        suspects: dict[str, DeadlineEvent] = {}
        for event in applied.events:
            due = prevented(event, applied.before.emitted.get((event.obligation, event.generation)))
            if due is not None and now >= due.due_at - SET_BACK:
                suspects[breach_claim(event, due.due_day)] = withdrawn(event, due)
        return [suspects[claim] for claim in await self._store.claimed(suspects)]


def _count(events: list[DeadlineEvent]) -> None:
    for event in events:
        metrics.DEADLINES.labels(event.obligation, event.type).inc()
