"""Consuming: FastStream's aiokafka broker, raw batches, `NACK_ON_ERROR` (docs/decisions/0001-faststream.md)."""

import asyncio
import contextlib
import dataclasses
import itertools
import logging
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

from aiokafka import TopicPartition
from aiokafka.abc import ConsumerRebalanceListener
from faststream import AckPolicy
from faststream.kafka import KafkaBroker

from shared import metrics
from shared.bus.records import Handler, Moved, Record, end, read
from shared.errors import ConfigurationError, TooMuchPoison, Unavailable
from shared.settings import Settings

log = logging.getLogger("suda.bus")
FETCH_WAIT_MS = 25  # how long the broker lets a fetch fill up to FETCH_BYTES: the price of a hop while little comes in
FETCH_BYTES = 64 * 1024
IDLE_MS = 10  # FastStream waits this long for records, then sleeps as long again
LONGEST_MS = 30 * 60 * 1000  # a batch, or taking partitions, may last so long before the group goes on without us
IN_A_ROW = 20  # failures of one batch after which the process ends (DESIGN.md 6.6)


async def nothing(partitions: set[int]) -> None:
    """What a service without state of its own does on taking or losing partitions."""


async def _raw(message: Any) -> list[Record]:
    return [read(raw) for raw in message.raw_message]


async def _unheaded(message: Any, parse: Callable[[Any], Awaitable[Any]]) -> Any:
    """FastStream's own message around the raw records, without their headers, which `_raw` reads.

    Its parser would fail on a header that is no UTF-8, outside of any handler, and the next batch would commit past
    this one; and a record that names a `reply_to` would be answered.
    """
    first, last = (dataclasses.replace(raw, headers=()) for raw in (message[0], message[-1]))
    parsed = await parse((first, last))
    parsed.raw_message = message
    return parsed


class _Assignment(ConsumerRebalanceListener):  # type: ignore[misc]
    """The partitions of one subscription: waits for the handler in flight before they go, since FastStream does not
    (FACTS.md), and takes them beside aiokafka's coordinator (docs/decisions/0064-taking-partitions.md).

    What a service does on taking partitions is tried until it is done: aiokafka would log a failure and go on without.
    """

    def __init__(self, busy: asyncio.Lock, gained: Moved, lost: Moved, stopping: asyncio.Event) -> None:
        self._busy, self._gained, self._lost, self._stopping = busy, gained, lost, stopping
        self._taking: asyncio.Task[None] | None = None

    async def on_partitions_revoked(self, revoked: Iterable[TopicPartition]) -> None:
        await self.leave_off()
        async with self._busy:
            await self._lost({tp.partition for tp in revoked})

    async def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:
        self._taking = asyncio.create_task(self._take_alone({tp.partition for tp in assigned}))

    async def taken(self) -> None:
        """Return when all that was assigned is taken: no batch is handled before."""
        while self._taking is not None and not self._taking.done():
            await asyncio.wait({self._taking})

    async def leave_off(self) -> None:
        """Take no further."""
        taking, self._taking = self._taking, None
        if taking is not None:
            taking.cancel()
            await asyncio.gather(taking, return_exceptions=True)

    async def _take_alone(self, partitions: set[int]) -> None:
        async with self._busy:
            await self._take(partitions)

    async def _take(self, partitions: set[int]) -> None:
        while not self._stopping.is_set():
            try:
                return await self._gained(partitions)
            except Unavailable as away:
                log.warning("partitions wait to be taken: %s", away)
            except ConfigurationError as wrong:
                end(wrong)
            except Exception as problem:
                log.exception("partitions could not be taken")
                end(problem)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), 0.5)


class Consumers:
    """The subscriptions of one process."""

    def __init__(self, settings: Settings, name: str, servers: list[str]) -> None:
        self._settings, self._name, self._servers = settings, name, servers
        self._broker: KafkaBroker | None = None
        self._stopping = asyncio.Event()
        self._assignments: list[_Assignment] = []
        self._reasons: dict[str, str] = {}  # by topic

    @property
    def waiting(self) -> str | None:
        """Why one of them does not go on; None when all do."""
        return "; ".join(f"{topic}: {reason}" for topic, reason in self._reasons.items()) or None

    def subscribe(self, topic: str, group: str, handle: Handler, gained: Moved, lost: Moved) -> None:
        """See `Bus.subscribe`."""
        if self._broker is None:
            self._broker = KafkaBroker(
                self._servers, client_id=self._name, apply_types=False, logger=None, allow_auto_create_topics=False
            )
        busy = asyncio.Lock()
        metrics.CONSUMER_STOPPED.labels(topic).set(0)

        assignment = _Assignment(busy, gained, lost, self._stopping)
        self._assignments.append(assignment)

        async def one_batch(records: list[Record]) -> None:
            await assignment.taken()
            if self._stopping.is_set():
                raise Unavailable("this process stops")
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
            max_poll_interval_ms=LONGEST_MS,
            listener=assignment,
        )(one_batch)

    async def _handle(self, handle: Handler, records: list[Record]) -> None:
        """One batch until it is through: a part away is waited for, a bug ends us.

        Poison stops the consumer, uncommitted: a deploy that is put back reads all of it again.
        """
        topic = records[0].topic
        for attempt in itertools.count(1):
            try:
                with metrics.BATCH_SECONDS.labels(topic).time():
                    await handle(records)
                metrics.CONSUMED.labels(topic).inc(len(records))
                self._reasons.pop(topic, None)
                return
            except Unavailable as away:
                self._reasons[topic] = str(away)
                log.warning("%s waits: %s", topic, away)
                if self._stopping.is_set():
                    raise
            except TooMuchPoison as poison:  # the batch itself is done: its bad records lie in suda.dlq
                if topic in (self._settings.past_poison or "").split(","):
                    log.warning("%s goes on past bad records, as SUDA_PAST_POISON says: %s", topic, poison)
                    return
                self._reasons[topic] = f"stopped: {poison}"
                log.critical("the consumer of %s stops: %s", topic, poison)
                metrics.CONSUMER_STOPPED.labels(topic).set(1)
                await self._stopping.wait()
                raise
            except ConfigurationError as wrong:  # the sentence says the mend; nothing gets better by trying again
                end(wrong)
            except Exception as problem:
                log.exception("a batch of %s failed (%d of %d)", topic, attempt, IN_A_ROW)
                if attempt >= IN_A_ROW:
                    end(problem)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), min(0.05 * 2**attempt, 2.0))

    async def start(self) -> None:
        """Begin to consume."""
        self._stopping.clear()
        if self._broker is not None:
            await self._broker.start()

    async def stop(self) -> None:
        """The batch in hand is finished."""
        self._stopping.set()
        for assignment in self._assignments:
            await assignment.leave_off()
        if self._broker is not None:
            await self._broker.stop()
