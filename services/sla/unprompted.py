"""Commits that no event of a case prompts: periodic duties opened, filings taken, deadlines re-projected.

No redelivery from Kafka stands behind them, so a note does: 1. noted  2. committed (the insert is the decision)
3. published  4. watched  5. the note removed. A note that stays is carried out again: by us when what was away is back,
else by whoever takes the partition.
"""

import uuid
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field

from services.sla.desk import Desk
from services.sla.store import Store
from shared import failpoint
from shared.bus import Bus
from shared.events import topics
from shared.events.deadlines import DeadlineEvent, parse
from shared.journal import Commit

Watch = Callable[[list[DeadlineEvent], dict[str, int]], Awaitable[None]]
AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Unprompted:
    """`watch` stores and watches what the events open, and drops what they end; `wake` has `finish` called soon."""

    bus: Bus
    store: Store
    desk: Desk
    watch: Watch
    wake: Callable[[], None]
    _left: dict[str, list[str]] = field(default_factory=dict)  # batches broken off here, with the ids of their commits

    async def commit(self, commits: list[Commit]) -> set[str]:
        """Carry these out; returns the ids that somebody else had committed before."""
        lost: set[str] = set()
        for start in range(0, len(commits), AT_ONCE):
            part = commits[start : start + AT_ONCE]
            batch, partitions = str(uuid.uuid4()), {self.bus.partition(c.case_id.encode()) for c in part}
            try:
                await self.store.note(batch, partitions, [commit.id for commit in part])
                failpoint.passing("sla: unprompted note, journal")
                taken = await self.store.journal.append(part)
                failpoint.passing("sla: unprompted journal, publish")
                await self._carry_out([commit for commit in part if commit.id not in taken])
                failpoint.passing("sla: unprompted watch, confirm")
                await self.store.confirm([batch])
            except BaseException:
                self._left[batch] = [commit.id for commit in part]
                self.wake()
                raise
            lost |= taken
        return lost

    @property
    def unfinished(self) -> bool:
        """Whether something was begun here and broken off."""
        return bool(self._left)

    async def finish(self) -> None:
        """Carry out what was broken off here, as far as it was committed. Raises Unavailable."""
        for batch, ids in list(self._left.items()):
            await self._repeat(batch, ids)
            self._left.pop(batch, None)

    async def again(self, partitions: set[int]) -> None:
        """What was noted and not confirmed: published again with the same bytes, and watched."""
        for batch, ids in await self.store.noted(partitions):
            await self._repeat(batch, ids)

    async def _repeat(self, batch: str, ids: list[str]) -> None:
        await self._carry_out(await self.store.journal.get(ids))
        await self.store.confirm([batch])

    async def _carry_out(self, commits: Iterable[Commit]) -> None:
        made = list(commits)
        await self.bus.publish([out for commit in made for out in commit.outgoing(topics.DEADLINES)])
        failpoint.passing("sla: unprompted publish, watch")
        await self.desk.load({commit.case_id for commit in made}, anew=True)
        events = [parse(entry.value) for commit in made for entry in commit.entries]
        await self.watch(events, {c.case_id: self.bus.partition(c.case_id.encode()) for c in made})
