"""Sending: aiokafka's producer, keyed, `acks=all`, idempotent; a failure for good ends the process (DESIGN.md 6.7)."""

import asyncio
from collections.abc import Sequence

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError, MessageSizeTooLargeError

from shared.bus.records import LARGEST_LETTER, Outgoing, end, murmur2_partition
from shared.errors import BadInput, Unavailable
from shared.events import topics
from shared.settings import Settings

TOGETHER = 16  # records sent at once from which whole batches are built


class Sender:
    """One idempotent producer."""

    def __init__(self, settings: Settings, name: str, servers: list[str]) -> None:
        self._settings, self._name, self._servers = settings, name, servers
        self._producer: AIOKafkaProducer | None = None

    async def start(self) -> None:
        """Connect."""
        self._producer = AIOKafkaProducer(
            bootstrap_servers=self._servers,
            client_id=self._name,
            acks="all",
            enable_idempotence=True,
            linger_ms=5,
            max_batch_size=256 * 1024,
            max_request_size=self._settings.max_record_bytes * LARGEST_LETTER,
            request_timeout_ms=int(self._settings.send_timeout * 1000),
        )
        await self._producer.start()

    async def stop(self) -> None:
        """Send what is in hand, then disconnect."""
        producer, self._producer = self._producer, None
        if producer is not None:
            await producer.stop()

    async def publish(self, records: Sequence[Outgoing]) -> None:
        """See `Bus.publish`."""
        if self._producer is None:
            raise Unavailable("the bus is not started")
        for record in records:
            if record.topic != topics.DLQ and len(record.value) > self._settings.max_record_bytes - 4096:
                raise BadInput(f"a record of {len(record.value)} bytes is over the limit of SUDA_MAX_RECORD_BYTES")
        try:
            async with asyncio.timeout(self._settings.send_timeout):
                await (one_by_one if len(records) < TOGETHER else together)(self._producer, records)
        except TimeoutError:
            raise Unavailable("Kafka did not acknowledge in time") from None
        except MessageSizeTooLargeError as problem:
            raise BadInput(f"a record is over Kafka's limit: {problem}") from None
        except KafkaError as problem:
            if problem.retriable:
                raise Unavailable(f"Kafka: {problem!r}") from problem
            end(problem)


async def one_by_one(producer: AIOKafkaProducer, records: Sequence[Outgoing]) -> None:
    """Few records: they share the producer's batches with what others send at the same time."""
    sent = [await producer.send(r.topic, r.value, key=r.key, headers=list(r.headers.items())) for r in records]
    await asyncio.gather(*sent)


async def together(producer: AIOKafkaProducer, records: Sequence[Outgoing]) -> None:
    """Many records: written into whole batches by partition, in order, without a future for each of them."""
    places: dict[tuple[str, int], list[Outgoing]] = {}
    keyless = [record for record in records if record.key is None]
    counts = {topic: len(await producer.partitions_for(topic)) for topic in {r.topic for r in records}}
    for record in records:
        if record.key is not None:
            place = record.topic, murmur2_partition(record.key, counts[record.topic])
            places.setdefault(place, []).append(record)
    filled = (_fill(producer, *place, found) for place, found in places.items())
    await asyncio.gather(*filled, one_by_one(producer, keyless))


async def _fill(producer: AIOKafkaProducer, topic: str, partition: int, records: Sequence[Outgoing]) -> None:
    """Send records of one partition in as few batches as they fit into; returns when Kafka has the last."""
    sent, batch = [], producer.create_batch()
    for record in records:
        made = {"timestamp": None, "key": record.key, "value": record.value, "headers": list(record.headers.items())}
        if batch.append(**made) is None:  # full
            sent.append(await producer.send_batch(batch, topic, partition=partition))
            batch = producer.create_batch()
            batch.append(**made)  # a first record is taken whatever its size
    sent.append(await producer.send_batch(batch, topic, partition=partition))
    await asyncio.gather(*sent)
