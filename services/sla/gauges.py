"""What operators watch of the timers, brought up to date every few seconds: it measures, and decides nothing."""

import asyncio
from collections import Counter
from datetime import date, datetime, timedelta

from services.sla.timers import Timers
from shared import metrics
from shared.clock import ZONE, Clock

EVERY = 5.0  # seconds
AGES = ("more than a week left", "a week left", "due today", "late", "late a week", "late a month")


def age(due_day: date, today: date) -> str:
    """How near or far past its due day an open duty is."""
    left = (due_day - today) // timedelta(days=1)
    if left > 7:
        return AGES[0]
    if left > 0:
        return AGES[1]
    if left == 0:
        return AGES[2]
    return AGES[3] if left > -7 else AGES[4] if left > -30 else AGES[5]


def measure(timers: Timers, now: datetime) -> None:
    """Set the gauges as the heap stands."""
    found: Counter[tuple[str, str]] = Counter()
    for (obligation, due_day), count in timers.heap.kinds.items():
        found[obligation, age(date.fromisoformat(due_day), now.astimezone(ZONE).date())] += count
    metrics.OBLIGATIONS.clear()
    for labels, count in found.items():
        metrics.OBLIGATIONS.labels(*labels).set(count)
        metrics.DEADLINES.labels(labels[0], "breached")  # from 0 on, or the first breaches would be no increase
    metrics.OPEN_OBLIGATIONS.set(len(timers.heap))
    metrics.PARTITIONS_WATCHED.set(len(timers.held))
    first = timers.heap.first
    left = (first - now).total_seconds() if first else float("inf")
    metrics.NEXT_DUE.set(left)
    metrics.OLDEST_UNFIRED.set(max(0.0, -left))


async def keep(timers: Timers, clock: Clock) -> None:
    """For ever."""
    while True:
        measure(timers, clock.now())
        await asyncio.sleep(EVERY)
