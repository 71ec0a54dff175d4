"""Tasks that follow a topic for the life of the process, started again when Kafka was away."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable

from shared.bus import Bus, Ends, Record

log = logging.getLogger("suda.intake")
PAUSE = 0.5  # seconds before a broken tail is taken up again


async def keep(name: str, follow: Callable[[], Awaitable[None]]) -> None:
    """Run `follow` for ever; a failure is logged by its kind and it is started again."""
    while True:
        task = asyncio.ensure_future(follow())
        try:
            await asyncio.wait({task})
        finally:
            task.cancel()
            await asyncio.wait({task})  # so that its consumer is stopped before the bus is
        if not task.cancelled() and (error := task.exception()) is not None:
            log.warning("%s stopped (%s), it is taken up again", name, type(error).__name__)
        await asyncio.sleep(PAUSE)


class Followed:
    """The records of a topic from the end noted by `begin`; taken up again where it broke off."""

    def __init__(self, bus: Bus, topic: str) -> None:
        self._bus, self._topic = bus, topic
        self._next: Ends = {}

    async def begin(self) -> None:
        """Note the end; what is published from now on will be seen. Raises Unavailable."""
        self._next = await self._bus.ends(self._topic)

    async def records(self) -> AsyncIterator[Record]:
        """The records, each once unless its reader failed on it."""
        async for record in self._bus.tail(self._topic, start=dict(self._next)):
            yield record
            self._next[record.partition] = record.offset + 1
