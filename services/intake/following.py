"""Tasks that follow a topic for the life of the process, started again when Kafka was away."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable

from shared.bus import Bus, Ends, Record
from shared.directory.model import parse
from shared.directory.tree import Directory
from shared.errors import BadInput, Unavailable
from shared.events import topics

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


class FollowedDirectory:
    """The directory as `suda.directory` has it; `ready` once the end at the first look was reached."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self.now = Directory()
        self.ready = asyncio.Event()
        self._next: Ends = {}
        self._moved = asyncio.Condition()

    async def follow(self) -> None:
        """Read from the beginning into a new tree, put it in place when it is whole, and go on."""
        tree, self._next = Directory(), {}
        ends = await self._bus.ends(topics.DIRECTORY)
        await self._in_place(tree, ends)
        async for record in self._bus.tail(topics.DIRECTORY, beginning=True):
            try:
                tree.apply(parse(record.key, record.value), record.offset)
            except BadInput as problem:
                log.warning("%s offset %d passed over: %s", topics.DIRECTORY, record.offset, problem)
            self._next[record.partition] = record.offset + 1
            await self._in_place(tree, ends)

    async def _in_place(self, tree: Directory, ends: Ends) -> None:
        if self.now is not tree and self._reached(ends):
            self.now = tree
            self.ready.set()
        async with self._moved:
            self._moved.notify_all()

    def _reached(self, ends: Ends) -> bool:
        return all(self._next.get(number, 0) >= end for number, end in ends.items())

    async def read(self, seconds: float) -> None:
        """Wait until it is ready; raises Unavailable after `seconds`."""
        try:
            await asyncio.wait_for(self.ready.wait(), seconds)
        except TimeoutError:
            raise Unavailable(f"{topics.DIRECTORY} could not be read to its end") from None

    async def refresh(self, seconds: float = 2.0) -> None:
        """Wait until everything that is on the topic now was read, so that nobody is refused for what was just loaded.

        Raises Unavailable.
        """
        ends = await self._bus.ends(topics.DIRECTORY)
        try:
            async with asyncio.timeout(seconds), self._moved:
                await self._moved.wait_for(lambda: self._reached(ends))
        except TimeoutError:
            raise Unavailable(f"{topics.DIRECTORY} could not be read to its end") from None
