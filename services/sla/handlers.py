"""`suda.cases` in, `suda.deadlines` out (DESIGN.md 6.2, 6.4): parse, apply in seq order, commit, publish, watch."""

import asyncio
from collections import defaultdict
from collections.abc import Mapping
from datetime import timedelta

from services.sla.core.timers import breach_claim, prevented, withdrawn
from services.sla.core.watch import Watched
from services.sla.desk import Applied, Desk
from services.sla.early import Early, Input, Inputs
from services.sla.store import Store
from services.sla.timers import Timers
from shared import failpoint, metrics
from shared.bus import Bus, Outgoing, Record
from shared.clock import Clock
from shared.dlq import Budget, letter
from shared.errors import BadInput
from shared.events import deadlines, topics
from shared.events.base import in_place
from shared.events.cases import AnyCaseEvent, parse
from shared.events.deadlines import DeadlineEvent
from shared.journal import Commit
from shared.law.happenings import understood

SET_BACK = timedelta(hours=1)  # a machine's clock may have been put back since a breach was declared


class Handler:
    """One batch at a time, never at the same time as the timers fire (`lock`)."""

    def __init__(self, bus: Bus, store: Store, desk: Desk, timers: Timers, clock: Clock, lock: asyncio.Lock) -> None:
        self._bus, self._store, self._desk, self._timers = bus, store, desk, timers
        self._clock, self._lock = clock, lock
        self._budget = Budget()
        self._early = Early(store, desk, clock)

    async def gained(self, partitions: set[int]) -> None:
        """On taking partitions: early events are found again, unconfirmed claims published again, the heap filled."""
        async with self._lock:
            await self._early.gained(partitions)
            await self._timers.gained(partitions)

    async def lost(self, partitions: set[int]) -> None:
        """Other processes see to these partitions now, and to what waits in them."""
        self._early.lost(partitions)
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
        done, repeated = list[DeadlineEvent](), list[DeadlineEvent]()
        while inputs:
            for commit in await self._recorded(self._behind(inputs)):
                outgoing += commit.outgoing(topics.DEADLINES)
                repeated += [deadlines.parse(entry.value) for entry in commit.entries]
            applied = {case_id: run for case_id, waiting in inputs.items() if (run := self._next(case_id, waiting))}
            await self._early.put_away({c: inputs.pop(c) for c in inputs.keys() - applied.keys()})
            back = await self._withdrawals(applied)
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
        await self._timers.watch([*repeated, *done], partitions)
        await self._early.tidy()
        _count(done)

    def _behind(self, inputs: Inputs) -> dict[str, set[int]]:
        """What has been applied before, by case; taken out of `inputs`."""
        found: dict[str, set[int]] = {}
        for case_id, waiting in inputs.items():
            watched = self._desk.known(case_id)
            if watched is not None and (seqs := {seq for seq in waiting if seq <= watched.seq}):
                found[case_id] = seqs
                inputs[case_id] = {seq: one for seq, one in waiting.items() if seq not in seqs}
        return found

    async def _recorded(self, behind: dict[str, set[int]]) -> list[Commit]:
        """What these events caused when they were applied, to be published and watched again."""
        histories = await self._store.journal.histories(behind)
        return [
            commit
            for case_id, commits in histories.items()
            for commit in commits
            if commit.facts and any(commit.seq <= seq <= commit.facts["upto"] for seq in behind[case_id])
        ]

    def _next(self, case_id: str, given: Mapping[int, Input]) -> Applied | None:
        """The run of consecutive events that can be applied now; None where what comes next is not there yet."""
        watched = self._desk.known(case_id) or Watched(case_id)
        waiting = {**given, **self._early.of(case_id)}
        run: list[tuple[AnyCaseEvent, str | None]] = []
        while (found := waiting.get(watched.seq + 1 + len(run))) is not None:
            run.append((found.event, found.record.trace))
        return self._desk.apply(watched, run) if run else None

    async def _withdrawals(self, applied: Mapping[str, Applied]) -> dict[str, list[DeadlineEvent]]:
        """What was in time, or put the due day off, after the breach was already declared takes the breach back."""
        now = self._clock.now()
        suspects: dict[str, dict[str, DeadlineEvent]] = {case_id: {} for case_id in applied}
        for case_id, run in applied.items():
            for event in run.events:
                due = prevented(event, run.before.emitted.get((event.obligation, event.generation)))
                if due is not None and now >= due.due_at - SET_BACK:
                    suspects[case_id][breach_claim(event, due.due_day)] = withdrawn(event, due)
        claimed = await self._store.claimed(claim for found in suspects.values() for claim in found)
        return {c: [event for claim, event in found.items() if claim in claimed] for c, found in suspects.items()}


def _count(events: list[DeadlineEvent]) -> None:
    for event in events:
        metrics.DEADLINES.labels(event.obligation, event.type).inc()
