"""Too much bad input: the consumer stands still and says so, and an operator can send it past (DESIGN.md 6.6)."""

import asyncio

import pytest

from shared import metrics
from shared.bus import Record
from shared.bus.consuming import Consumers
from shared.dlq import Budget, letter, original
from shared.errors import TooMuchPoison
from shared.events import topics
from shared.settings import Settings
from tests.core.cases import at

TWENTY = [Record(topics.CASES, 0, offset, b"k", b"nonsense") for offset in range(20)]


async def refuse(records: list[Record]) -> None:
    budget = Budget()
    for _ in records:
        budget.bad()


def stopped() -> float:
    return metrics.CONSUMER_STOPPED.labels(topics.CASES)._value.get()


async def test_the_consumer_stops_uncommitted_and_says_why_and_how_it_goes_on() -> None:
    consumers = Consumers(Settings(), "test", ["nowhere:1"])
    batch = asyncio.create_task(consumers._handle(refuse, TWENTY))
    await asyncio.sleep(0)
    assert consumers.waiting and "20 bad records in a row" in consumers.waiting
    assert "suda dlq list" in consumers.waiting and "SUDA_PAST_POISON" in consumers.waiting
    assert stopped() == 1 and not batch.done()
    await consumers.stop()
    with pytest.raises(TooMuchPoison):  # so nothing is committed
        await batch


@pytest.mark.parametrize(("named", "goes_on"), [("suda.intake,suda.cases", True), ("suda.intake", False)])
async def test_a_topic_that_the_operator_names_is_gone_past(named: str, goes_on: bool) -> None:
    consumers = Consumers(Settings(past_poison=named), "test", ["nowhere:1"])
    batch = asyncio.create_task(consumers._handle(refuse, TWENTY))
    await asyncio.sleep(0)
    assert batch.done() == goes_on
    await consumers.stop()
    await asyncio.gather(batch, return_exceptions=True)


@pytest.mark.parametrize("key", [None, b"", b"a-case"])
def test_a_dead_letter_is_sent_again_with_the_key_it_had_or_without_one(key: bytes | None) -> None:
    made = letter(Record(topics.CASES, 3, 7, key, b"x", {"odd": b"\xff"}), "why", "sla", at("2026-09-18 10:00"))
    again = original(Record(topics.DLQ, 0, 0, made.key, made.value, made.headers))
    assert (again.topic, again.key, again.value, again.headers) == (topics.CASES, key, b"x", {"odd": b"\xff"})
