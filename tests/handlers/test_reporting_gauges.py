"""Lag, DLQ depth and early rows as Kafka and the store tell them; counts that belong to owned partitions only."""

from collections.abc import Mapping

import pytest
from prometheus_client import CollectorRegistry, Gauge

from services.reporting.gauges import Tally, watch
from services.reporting.recent import Recent
from shared import metrics
from shared.errors import Unavailable
from shared.events import topics


class Offsets:
    """A Kafka in which every topic ends at 10 and reporting has read 7 of each partition."""

    async def ends(self, topic: str) -> dict[int, int]:
        return {0: 10, 1: 10} if topic != topics.DLQ else {0: 3}

    async def committed(self, group: str, topic: str) -> dict[int, int]:
        return {0: 7 if group.startswith("suda.reporting") else 10}


async def test_lag_is_shown_per_partition_of_every_reader() -> None:
    async def early() -> int:
        return 2

    await watch(Offsets(), early)  # type: ignore[arg-type]
    lag = {
        group: [metrics.CONSUMER_LAG.labels(topic, group, number)._value.get() for number in ("0", "1")]
        for topic, group in topics.READERS
    }
    assert lag == {
        topics.ROUTING_GROUP: [0, 10],
        topics.MATCHER_GROUP: [0, 10],
        topics.SLA_GROUP: [0, 10],
        topics.REPORTING_CASES_GROUP: [3, 10],
        topics.REPORTING_DEADLINES_GROUP: [3, 10],
    }
    assert metrics.DLQ_DEPTH._value.get() == 3
    assert metrics.EARLY_ROWS.labels("reporting")._value.get() == 2


async def test_a_tally_counts_when_the_store_is_back_and_forgets_what_it_does_not_own() -> None:
    gauge = Gauge("things", "Things", ["state"], registry=CollectorRegistry())
    answers: list[Mapping[tuple[str, ...], int] | None] = [None, {("open",): 2}]

    async def count(partitions: set[int]) -> Mapping[tuple[str, ...], int]:
        found = answers.pop(0)
        if found is None:
            raise Unavailable("away")
        return found

    tally = Tally(gauge, count)
    tally.moved(None, ("open",))
    await tally.gained({1})
    assert tally.stale
    await tally.refresh()
    tally.moved(("open",), ("closed",))
    tally.moved(("closed",), ("closed",))
    assert (gauge.labels("open")._value.get(), gauge.labels("closed")._value.get()) == (1, 1)
    await tally.lost({1})
    assert gauge.labels("open")._value.get() == 0


@pytest.mark.parametrize("size", [1, 3])
def test_memory_is_bounded_and_keeps_what_was_used_last(size: int) -> None:
    recent: Recent[int] = Recent(size)
    for number in range(10):
        recent.put(str(number), number)
        recent.get("0")
    assert sum(recent.get(str(number)) is not None for number in range(10)) == size
    assert (recent.get("0") == 0) == (size > 1)
