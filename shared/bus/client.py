"""The bus of one process: sending, consuming, reading and asking, each by its own part."""

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence

from aiokafka.errors import KafkaError

from shared.bus.consuming import Consumers, nothing
from shared.bus.creating import agree
from shared.bus.offsets import Offsets
from shared.bus.reading import follow
from shared.bus.records import Ends, Handler, Moved, Outgoing, Record, murmur2_partition
from shared.bus.sending import Sender
from shared.errors import ConfigurationError, Unavailable
from shared.events import topics
from shared.settings import Settings

log = logging.getLogger("suda.bus")


class Bus:
    """Sending, consuming and asking for offsets, for one process."""

    def __init__(self, settings: Settings, name: str) -> None:
        if not settings.kafka:
            raise ConfigurationError("SUDA_KAFKA is not set and no embedded Kafka runs; start one with ./suda up")
        self._settings, self._name = settings, name
        self._servers = settings.kafka.split(",")
        self._consumers = Consumers(settings, name, self._servers)
        self._sender = Sender(settings, name, self._servers)
        self._offsets = Offsets(settings, name, self._servers)
        self.ends, self.committed, self.reached = self._offsets.ends, self._offsets.committed, self._offsets.reached
        self.settled, self.settled_for_timers = self._offsets.settled, self._offsets.settled_for_timers

    @property
    def waiting(self) -> str | None:
        """Why a consumer of this process does not go on, for /health/ready."""
        return self._consumers.waiting

    async def __aenter__(self) -> "Bus":
        await self.start()
        return self

    async def __aexit__(self, *problem: object) -> None:
        await self.stop()

    def subscribe(
        self, topic: str, group: str, handle: Handler, *, gained: Moved = nothing, lost: Moved = nothing
    ) -> None:
        """Give every batch of `topic` to `handle`, in order per partition; before `start`, one group each.

        `handle` returning commits the batch; raising rewinds to its first record.
        """
        self._consumers.subscribe(topic, group, handle, gained, lost)

    async def start(self) -> None:
        """Connect; raises Unavailable when Kafka does not answer."""
        try:
            await self._sender.start()
            await self._consumers.start()
        except (KafkaError, OSError) as problem:
            await self.stop()
            raise Unavailable(f"Kafka at {','.join(self._servers)} does not answer: {problem}") from problem

    async def agree(self) -> None:
        """Raise ConfigurationError unless `suda.cases` has as many partitions as SUDA_PARTITIONS says (`partition`)."""
        agree(topics.CASES, len(await self._offsets.numbers(topics.CASES)), self._settings.partitions)

    async def stop(self) -> None:
        """Stop consuming (the batch in hand is finished), then sending; each stop has its own limit."""
        for part in (self._consumers, self._sender, self._offsets):
            try:
                await asyncio.wait_for(part.stop(), self._settings.send_timeout)
            except (TimeoutError, KafkaError) as problem:
                log.warning("a part of the bus did not stop in time: %r", problem)

    async def publish(self, records: Sequence[Outgoing]) -> None:
        """Send and wait until Kafka has every record.

        Raises BadInput for a record over the size limit (before anything is sent), Unavailable when the time is over
        (the records may still arrive); ends the process on a failure that cannot be retried.
        """
        await self._sender.publish(records)

    def partition(self, key: bytes) -> int:
        """Where a key lies: murmur2, as every producer of ours does it."""
        return murmur2_partition(key, self._settings.partitions)

    async def read_all(self, topic: str, start: Ends | None = None) -> AsyncIterator[Record]:
        """Every record of `topic` from `start` (or the beginning) to the ends noted now, without a group."""
        begin = start or {}
        ends = {number: end for number, end in (await self.ends(topic)).items() if end > begin.get(number, 0)}
        async for record in follow(
            self._servers, self._name, topic, {number: begin.get(number, 0) for number in ends}, ends
        ):
            yield record

    async def tail(self, topic: str, *, beginning: bool = False, start: Ends | None = None) -> AsyncIterator[Record]:
        """Every record of `topic` from its end (or beginning, or `start`) on, without a group, for ever."""
        start = await self.ends(topic) if start is None else start
        if beginning:
            start = dict.fromkeys(start, 0)
        async for record in follow(self._servers, self._name, topic, start, None):
            yield record
