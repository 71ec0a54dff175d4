"""Gauges over rows: counted whole when partitions come, then moved by rows whose write won; never +1 per message."""

import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping

from prometheus_client import Gauge

from shared import metrics
from shared.bus import Bus
from shared.errors import Unavailable
from shared.events import topics

log = logging.getLogger("suda.reporting")
Labels = tuple[str, ...]


class Tally:
    """The counts behind one gauge, for the partitions this process owns."""

    def __init__(self, gauge: Gauge, count: Callable[[set[int]], Awaitable[Mapping[Labels, int]]]) -> None:
        gauge.clear()
        self._gauge, self._count = gauge, count
        self._counts: Counter[Labels] = Counter()
        self._owned: set[int] = set()
        self.stale = True

    async def gained(self, partitions: set[int]) -> None:
        """Count the rows; where the store is away, `refresh` does it before the next batch."""
        self._owned |= partitions
        self.stale = True
        try:
            await self.refresh()
        except Unavailable as away:
            log.warning("rows are not counted yet: %s", away)

    async def lost(self, partitions: set[int]) -> None:
        self._owned -= partitions
        self.stale = True
        if not self._owned:
            self._show(Counter())

    async def refresh(self) -> None:
        """Count anew if anything was lost sight of. Raises Unavailable."""
        if self.stale:
            self._show(Counter(await self._count(self._owned) if self._owned else {}))
            self.stale = False

    def moved(self, before: Labels | None, after: Labels | None) -> None:
        """A row that counted as `before` counts as `after` now; nothing, where no partition is ours (any more)."""
        if not self._owned:
            return
        for labels, change in ((before, -1), (after, 1)):
            if labels is not None and before != after:
                self._counts[labels] += change
                self._gauge.labels(*labels).set(self._counts[labels])

    def _show(self, counts: Counter[Labels]) -> None:
        for labels in self._counts.keys() | counts.keys():
            self._gauge.labels(*labels).set(counts[labels])
        self._counts = counts


async def watch(bus: Bus, early: Callable[[], Awaitable[int]]) -> None:
    """Set lag, DLQ depth and early rows once. Raises Unavailable."""
    for topic, group in topics.READERS:
        ends, committed = await bus.ends(topic), await bus.committed(group, topic)
        for number, end in ends.items():
            metrics.CONSUMER_LAG.labels(topic, group, str(number)).set(max(0, end - committed.get(number, 0)))
    metrics.DLQ_DEPTH.set(sum((await bus.ends(topics.DLQ)).values()))
    metrics.EARLY_ROWS.labels("reporting").set(await early())
