"""The only module that knows the Kafka client: FastStream's aiokafka broker to consume, its producer class to send.

Consuming (docs/decisions/0001-faststream.md): raw batches, `NACK_ON_ERROR`, offsets committed after the handler
returned. Sending: keyed, `acks=all`, idempotent; a failure that cannot be retried ends the process, because an
idempotent producer is poisoned by one failed record (FACTS.md).
"""

import asyncio
import contextlib
import dataclasses
import itertools
import logging
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.abc import ConsumerRebalanceListener
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import KafkaError, MessageSizeTooLargeError, TopicAlreadyExistsError
from aiokafka.partitioner import murmur2
from faststream import AckPolicy
from faststream.kafka import KafkaBroker

from shared import metrics
from shared.errors import BadInput, ConfigurationError, TooMuchPoison, Unavailable
from shared.events import topics
from shared.settings import Settings

log = logging.getLogger("suda.bus")
FETCH_WAIT_MS = 25  # how long the broker lets a fetch fill up to FETCH_BYTES: the price of a hop while little comes in
FETCH_BYTES = 64 * 1024
IDLE_MS = 10  # FastStream waits this long for records, then sleeps as long again
LARGEST_LETTER = 3  # times our record limit: a dead letter must hold what any topic took, and its headers
TOGETHER = 16  # records sent at once from which whole batches are built
IN_A_ROW = 20  # failures of one batch after which the process ends (DESIGN.md 6.6)


@dataclass(frozen=True, slots=True)
class Record:
    """One record as it lies in the log."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes
    headers: Mapping[str, bytes] = field(default_factory=dict)

    @property
    def place(self) -> tuple[int, int]:
        """Partition and offset: which record of its topic this is."""
        return self.partition, self.offset


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One record to be sent; the key decides the partition (murmur2)."""

    topic: str
    key: bytes
    value: bytes
    headers: Mapping[str, bytes] = field(default_factory=dict)


Handler = Callable[[list[Record]], Awaitable[None]]
Ends = dict[int, int]
Moved = Callable[[set[int]], Awaitable[None]]


def _record(raw: Any) -> Record:
    return Record(raw.topic, raw.partition, raw.offset, raw.key, raw.value or b"", dict(raw.headers))


async def _raw(message: Any) -> list[Record]:
    return [_record(raw) for raw in message.raw_message]


async def _unheaded(message: Any, parse: Callable[[Any], Awaitable[Any]]) -> Any:
    """FastStream's own message around the raw records, without their headers, which `_raw` reads.

    Its parser would fail on a header that is no UTF-8, outside of any handler, and the next batch would commit past
    this one; and a record that names a `reply_to` would be answered.
    """
    first, last = (dataclasses.replace(raw, headers=()) for raw in (message[0], message[-1]))
    parsed = await parse((first, last))
    parsed.raw_message = message
    return parsed


async def _nothing(partitions: set[int]) -> None:
    return None


class _Assignment(ConsumerRebalanceListener):  # type: ignore[misc]
    """Waits for the handler in flight before partitions go, since FastStream does not (FACTS.md).

    What a service does on taking partitions is tried until it is done: aiokafka would log a failure and go on without.
    """

    def __init__(self, busy: asyncio.Lock, gained: Moved, lost: Moved, stopping: asyncio.Event) -> None:
        self._busy, self._gained, self._lost, self._stopping = busy, gained, lost, stopping

    async def on_partitions_revoked(self, revoked: Iterable[TopicPartition]) -> None:
        async with self._busy:
            await self._lost({tp.partition for tp in revoked})

    async def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:
        async with self._busy:
            await self._take({tp.partition for tp in assigned})

    async def _take(self, partitions: set[int]) -> None:
        while not self._stopping.is_set():
            try:
                return await self._gained(partitions)
            except Unavailable as away:
                log.warning("partitions wait to be taken: %s", away)
            except Exception as problem:
                log.exception("partitions could not be taken")
                _end(problem)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), 0.5)


class Bus:
    """Sending, consuming and asking for offsets, for one process."""

    def __init__(self, settings: Settings, name: str) -> None:
        if not settings.kafka:
            raise ConfigurationError("SUDA_KAFKA is not set and no embedded Kafka runs; start one with ./suda up")
        self._settings, self._name = settings, name
        self._servers = settings.kafka.split(",")
        self._broker: KafkaBroker | None = None
        self._producer: AIOKafkaProducer | None = None
        self._asker: AIOKafkaConsumer | None = None
        self._admin: AIOKafkaAdminClient | None = None
        self._known: dict[str, set[int]] = {}
        self._stopping = asyncio.Event()
        self.waiting: str | None = None  # why a consumer of this process does not go on, for /health/ready

    async def __aenter__(self) -> "Bus":
        await self.start()
        return self

    async def __aexit__(self, *problem: object) -> None:
        await self.stop()

    def subscribe(
        self, topic: str, group: str, handle: Handler, *, gained: Moved = _nothing, lost: Moved = _nothing
    ) -> None:
        """Give every batch of `topic` to `handle`, in order per partition; before `start`, one group each.

        `handle` returning commits the batch; raising rewinds to its first record.
        """
        if self._broker is None:
            self._broker = KafkaBroker(
                self._servers, client_id=self._name, apply_types=False, logger=None, allow_auto_create_topics=False
            )
        busy = asyncio.Lock()

        async def one_batch(records: list[Record]) -> None:
            async with busy:
                await self._handle(handle, records)

        self._broker.subscriber(
            topic,
            group_id=group,
            batch=True,
            max_records=self._settings.batch,
            batch_timeout_ms=IDLE_MS,
            fetch_max_wait_ms=FETCH_WAIT_MS,
            fetch_min_bytes=FETCH_BYTES,
            auto_offset_reset="earliest",
            session_timeout_ms=6000,  # a killed process's partitions are taken over after this
            heartbeat_interval_ms=1500,
            ack_policy=AckPolicy.NACK_ON_ERROR,
            parser=_unheaded,
            decoder=_raw,
            listener=_Assignment(busy, gained, lost, self._stopping),
        )(one_batch)

    async def _handle(self, handle: Handler, records: list[Record]) -> None:
        """One batch until it is through: a part away is waited for, poison stops the consumer, a bug ends us."""
        topic = records[0].topic
        for attempt in itertools.count(1):
            try:
                with metrics.BATCH_SECONDS.labels(topic).time():
                    await handle(records)
                metrics.CONSUMED.labels(topic).inc(len(records))
                self.waiting = None
                return
            except Unavailable as away:
                self.waiting = f"{topic}: {away}"
                log.warning("%s waits: %s", topic, away)
                if self._stopping.is_set():
                    raise
            except TooMuchPoison as poison:
                self.waiting = f"{topic}: stopped: {poison}"
                log.critical("the consumer of %s stops: %s", topic, poison)
                await self._stopping.wait()
                raise
            except Exception as problem:
                log.exception("a batch of %s failed (%d of %d)", topic, attempt, IN_A_ROW)
                if attempt >= IN_A_ROW:
                    _end(problem)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), min(0.05 * 2**attempt, 2.0))

    async def start(self) -> None:
        """Connect; raises Unavailable when Kafka does not answer."""
        self._stopping.clear()
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
        try:
            await self._producer.start()
            if self._broker is not None:
                await self._broker.start()
        except (KafkaError, OSError) as problem:
            await self.stop()
            raise Unavailable(f"Kafka at {','.join(self._servers)} does not answer: {problem}") from problem

    async def stop(self) -> None:
        """Stop consuming (the batch in hand is finished), then sending; each stop has its own limit."""
        self._stopping.set()
        parts = (
            self._broker.stop() if self._broker else None,
            self._producer.stop() if self._producer else None,
            self._asker.stop() if self._asker else None,
            self._admin.close() if self._admin else None,
        )
        self._producer = self._asker = self._admin = None
        for part in parts:
            if part is not None:
                try:
                    await asyncio.wait_for(part, self._settings.send_timeout)
                except (TimeoutError, KafkaError) as problem:
                    log.warning("a part of the bus did not stop in time: %r", problem)

    async def publish(self, records: Sequence[Outgoing]) -> None:
        """Send and wait until Kafka has every record.

        Raises BadInput for a record over the size limit (before anything is sent), Unavailable when the time is over
        (the records may still arrive); ends the process on a failure that cannot be retried.
        """
        if self._producer is None:
            raise Unavailable("the bus is not started")
        for record in records:
            if record.topic != topics.DLQ and len(record.value) > self._settings.max_record_bytes - 4096:
                raise BadInput(f"a record of {len(record.value)} bytes is over the limit of SUDA_MAX_RECORD_BYTES")
        try:
            async with asyncio.timeout(self._settings.send_timeout):
                await (self._one_by_one if len(records) < TOGETHER else self._together)(self._producer, records)
        except TimeoutError:
            raise Unavailable("Kafka did not acknowledge in time") from None
        except MessageSizeTooLargeError as problem:
            raise BadInput(f"a record is over Kafka's limit: {problem}") from None
        except KafkaError as problem:
            if problem.retriable:
                raise Unavailable(f"Kafka: {problem!r}") from problem
            _end(problem)

    @staticmethod
    async def _one_by_one(producer: AIOKafkaProducer, records: Sequence[Outgoing]) -> None:
        """Few records: they share the producer's batches with what others send at the same time."""
        sent = [await producer.send(r.topic, r.value, key=r.key, headers=list(r.headers.items())) for r in records]
        await asyncio.gather(*sent)

    @staticmethod
    async def _together(producer: AIOKafkaProducer, records: Sequence[Outgoing]) -> None:
        """Many records: written into whole batches by partition, in order, without a future for each of them."""
        places: dict[tuple[str, int], list[Outgoing]] = {}
        counts = {topic: len(await producer.partitions_for(topic)) for topic in {r.topic for r in records}}
        for record in records:
            place = record.topic, murmur2_partition(record.key, counts[record.topic])
            places.setdefault(place, []).append(record)
        await asyncio.gather(*(_fill(producer, *place, found) for place, found in places.items()))

    async def ends(self, topic: str) -> Ends:
        """The offset after the last record, by partition."""
        parts = [TopicPartition(topic, number) for number in await self._partitions(topic)]
        try:
            asker = await self._asking()
            found = await asyncio.wait_for(asker.end_offsets(parts), self._settings.send_timeout)
        except (TimeoutError, KafkaError) as problem:
            raise Unavailable(f"Kafka does not tell the ends of {topic}: {problem!r}") from problem
        return {tp.partition: offset for tp, offset in found.items()}

    async def committed(self, group: str, topic: str) -> Ends:
        """The next offset each partition's reader of `group` will take; 0 where none was committed."""
        try:
            admin = await self._administering()
            found = await asyncio.wait_for(admin.list_consumer_group_offsets(group), self._settings.send_timeout)
        except (TimeoutError, KafkaError) as problem:
            raise Unavailable(f"Kafka does not tell the offsets of {group}: {problem!r}") from problem
        offsets = {tp.partition: max(0, meta.offset) for tp, meta in found.items() if tp.topic == topic}
        return {number: offsets.get(number, 0) for number in await self._partitions(topic)}

    async def reached(self, group: str, topic: str, ends: Ends, pause: float = 0.01) -> None:
        """Return when `group` has committed at least `ends` of `topic`; the caller sets the time-out."""
        while True:
            committed = await self.committed(group, topic)
            if all(committed.get(number, 0) >= end for number, end in ends.items()):
                return
            await asyncio.sleep(pause)

    async def settled(self) -> None:
        """Return when everything in the input now has gone through every reader: the barrier of DESIGN.md 6.5."""
        await self.reached(topics.ROUTING_GROUP, topics.INTAKE, await self.ends(topics.INTAKE))
        ends = await self.ends(topics.CASES)
        rows = asyncio.create_task(self.reached(topics.REPORTING_CASES_GROUP, topics.CASES, ends))
        try:
            await self.reached(topics.SLA_GROUP, topics.CASES, ends)
            deadlines = await self.ends(topics.DEADLINES)
            await self.reached(topics.REPORTING_DEADLINES_GROUP, topics.DEADLINES, deadlines)
            await rows
        finally:
            rows.cancel()

    async def settled_for_timers(self, partitions: set[int] | None) -> None:
        """The barrier before a rung fires, for the partitions this process holds (equal numbers on every topic).

        None: for all of them, which needs every process of both groups to be there.
        """
        intake = await self.ends(topics.INTAKE)
        await self.reached(topics.ROUTING_GROUP, topics.INTAKE, _of(intake, partitions))
        cases = await self.ends(topics.CASES)
        await self.reached(topics.SLA_GROUP, topics.CASES, _of(cases, partitions))

    def partition(self, key: bytes) -> int:
        """Where a key lies: murmur2, as every producer of ours does it."""
        return murmur2_partition(key, self._settings.partitions)

    async def read_all(self, topic: str) -> AsyncIterator[Record]:
        """Every record of `topic` from the beginning to the ends noted now, without a group."""
        ends = {number: end for number, end in (await self.ends(topic)).items() if end > 0}
        async for record in self._follow(topic, dict.fromkeys(ends, 0), ends):
            yield record

    async def tail(self, topic: str, *, beginning: bool = False, start: Ends | None = None) -> AsyncIterator[Record]:
        """Every record of `topic` from its end (or beginning, or `start`) on, without a group, for ever."""
        start = await self.ends(topic) if start is None else start
        if beginning:
            start = dict.fromkeys(start, 0)
        async for record in self._follow(topic, start, None):
            yield record

    async def _follow(self, topic: str, start: Ends, ends: Ends | None) -> AsyncIterator[Record]:
        left = dict(ends) if ends is not None else None
        if left is not None and not left:
            return
        consumer = AIOKafkaConsumer(
            bootstrap_servers=self._servers, client_id=self._name, enable_auto_commit=False, fetch_max_wait_ms=100
        )
        consumer.assign([TopicPartition(topic, number) for number in start])
        try:
            await consumer.start()
            for number, offset in start.items():
                consumer.seek(TopicPartition(topic, number), offset)
            while left is None or left:
                batches = await consumer.getmany(timeout_ms=500, max_records=2000)
                for tp, raws in batches.items():
                    for raw in raws:
                        if left is None or raw.offset < (ends or {}).get(tp.partition, 0):
                            yield _record(raw)
                    if left is not None and await consumer.position(tp) >= left.get(tp.partition, 0):
                        left.pop(tp.partition, None)
        except KafkaError as problem:
            raise Unavailable(f"{topic} cannot be read now: {problem!r}") from problem
        finally:
            await consumer.stop()

    async def _asking(self) -> AIOKafkaConsumer:
        if self._asker is None:
            asker = AIOKafkaConsumer(bootstrap_servers=self._servers, client_id=f"{self._name}-asker")
            await asker.start()
            self._asker = asker
        return self._asker

    async def _administering(self) -> AIOKafkaAdminClient:
        if self._admin is None:
            admin = AIOKafkaAdminClient(bootstrap_servers=self._servers, client_id=f"{self._name}-admin")
            await admin.start()
            self._admin = admin
        return self._admin

    async def _partitions(self, topic: str) -> set[int]:
        """The partitions of a topic; their number is fixed for life, so it is asked for once."""
        if topic not in self._known:
            try:
                admin = await self._administering()
                described = await asyncio.wait_for(admin.describe_topics([topic]), self._settings.send_timeout)
            except (TimeoutError, KafkaError) as problem:
                raise Unavailable(f"Kafka does not describe {topic}: {problem!r}") from problem
            found = {part["partition"] for one in described for part in one["partitions"]}
            if not found:
                raise Unavailable(f"the topic {topic} does not exist yet; ./suda up creates it")
            self._known[topic] = found
        return self._known[topic]


def _of(ends: Ends, partitions: set[int] | None) -> Ends:
    return ends if partitions is None else {number: end for number, end in ends.items() if number in partitions}


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


@lru_cache(4096)
def murmur2_partition(key: bytes, count: int) -> int:
    """Kafka's default partition of a key among `count`."""
    return int((murmur2(key) & 0x7FFFFFFF) % count)


def _end(problem: BaseException) -> None:
    """End this process at once: nothing more may go through its producer (DESIGN.md 6.7)."""
    log.critical("a send failed for good, ending the process: %r", problem)
    logging.shutdown()
    os._exit(70)


async def create_topics(bootstrap: str, settings: Settings) -> None:
    """Create what is missing, as DESIGN.md section 5 says; refuse a wrong number of partitions."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap.split(","), client_id="suda-topics")
    await admin.start()
    try:
        existing = {t["topic"]: len(t["partitions"]) for t in await admin.describe_topics()}
        wanted = {name: settings.partitions for name in topics.CASE_BEARING} | {topics.DLQ: 1, topics.DIRECTORY: 1}
        for name, count in wanted.items():
            if name in existing and existing[name] != count:
                raise ConfigurationError(
                    f"topic {name} has {existing[name]} partitions, SUDA_PARTITIONS says {count}; "
                    "the number is fixed for life: set SUDA_PARTITIONS back"
                )
        new = [_new_topic(name, count, settings) for name, count in wanted.items() if name not in existing]
        if new:
            try:
                await admin.create_topics(new)
            except TopicAlreadyExistsError:
                log.info("another process created the topics")
    finally:
        await admin.close()


def _new_topic(name: str, count: int, settings: Settings) -> NewTopic:
    size = settings.max_record_bytes * (LARGEST_LETTER if name == topics.DLQ else LARGEST_LETTER - 1)
    config = {"cleanup.policy": "delete", "retention.ms": "-1", "max.message.bytes": str(size)}
    if name == topics.DIRECTORY:
        config = {"cleanup.policy": "compact"}
    return NewTopic(name, count, settings.replication, topic_configs=config)
