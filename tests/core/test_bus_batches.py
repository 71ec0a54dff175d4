"""shared/bus/sending.py: many records go in whole batches, to the partition of their key, in their order."""

import asyncio
from typing import Any

from aiokafka.producer.message_accumulator import BatchBuilder
from aiokafka.record.default_records import DefaultRecordBatch

from shared.bus import Outgoing, murmur2_partition
from shared.bus.sending import together

PARTITIONS = {"many": 6, "single": 1}


class Producer:
    """Takes batches as aiokafka's producer does, with its real builder."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.single: list[tuple[str, bytes | None, bytes]] = []
        self.batches: list[tuple[str, int, BatchBuilder]] = []

    async def partitions_for(self, topic: str) -> set[int]:
        return set(range(PARTITIONS[topic]))

    def create_batch(self) -> BatchBuilder:
        return BatchBuilder(self.size, 0)

    async def send_batch(self, batch: BatchBuilder, topic: str, *, partition: int) -> "asyncio.Future[None]":
        self.batches.append((topic, partition, batch))
        future = asyncio.get_running_loop().create_future()
        future.set_result(None)
        return future

    async def send(
        self, topic: str, value: bytes, *, key: bytes | None, headers: list[tuple[str, bytes]]
    ) -> "asyncio.Future[None]":
        self.single.append((topic, key, value))
        future = asyncio.get_running_loop().create_future()
        future.set_result(None)
        return future

    def read(self) -> dict[tuple[str, int], list[Any]]:
        found: dict[tuple[str, int], list[Any]] = {}
        for topic, partition, batch in self.batches:
            found.setdefault((topic, partition), []).extend(DefaultRecordBatch(bytes(batch._build())))
        return found


def records(count: int) -> list[Outgoing]:
    topics = ("many", "many", "single")
    return [
        Outgoing(topics[n % 3], f"case-{n % 50}".encode(), b"%d:" % n + b"x" * (n % 700), {"ce_id": b"%d" % n})
        for n in range(count)
    ]


async def test_every_record_lies_once_where_its_key_belongs_and_in_order() -> None:
    producer, sent = Producer(16_384), records(400)
    await together(producer, sent)
    wanted: dict[tuple[str, int], list[Outgoing]] = {}
    for record in sent:
        place = record.topic, murmur2_partition(record.key or b"", PARTITIONS[record.topic])
        wanted.setdefault(place, []).append(record)
    read = producer.read()
    assert {p: [(r.key, r.value, dict(r.headers)) for r in found] for p, found in read.items()} == {
        p: [(r.key, r.value, dict(r.headers)) for r in found] for p, found in wanted.items()
    }
    assert len(producer.batches) > len(wanted)  # some did not fit into one


async def test_a_record_larger_than_a_batch_goes_alone() -> None:
    producer = Producer(1_000)
    large = [Outgoing("single", b"k", b"%d" % n * 3_000) for n in range(3)]
    await together(producer, large)
    assert [r.value for r in producer.read()["single", 0]] == [r.value for r in large]
    assert len(producer.batches) == 3


async def test_a_record_without_a_key_is_sent_without_one_among_others() -> None:
    producer = Producer(16_384)
    await together(producer, [*records(20), Outgoing("many", None, b"loose"), Outgoing("many", b"", b"empty")])
    assert producer.single == [("many", None, b"loose")]
    assert sum(map(len, producer.read().values())) == 21
