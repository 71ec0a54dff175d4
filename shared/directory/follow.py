"""A directory kept up to date from `suda.directory`: read to its end before anything is decided, followed after."""

import asyncio
import logging

from shared.bus import Bus
from shared.directory.model import parse
from shared.directory.tree import Directory
from shared.errors import BadInput, Unavailable
from shared.events.topics import DIRECTORY

log = logging.getLogger("suda.directory")
PAUSE = 0.5  # seconds before a topic that was away is taken up again


class Follower:
    """Owns one Directory; `start` returns when it has read what was there."""

    def __init__(self, bus: Bus) -> None:
        self.directory = Directory()
        self.ready = False  # whether it was read to its end
        self.changed = asyncio.Event()  # set by every record applied; whoever waits for it clears it
        self._bus = bus
        self._next = 0  # the offset of the record to come: the topic has one partition
        self._moved = asyncio.Condition()
        self._task: asyncio.Task[None] | None = None

    async def start(self, seconds: float = 30) -> None:
        """Read to the end noted now, then go on in the background. Raises Unavailable."""
        self._task = asyncio.create_task(self._follow())
        try:
            await self.refresh(seconds)
        except Unavailable:
            await self.stop()
            raise
        self.ready = True

    async def refresh(self, seconds: float = 2.0) -> None:
        """Return when what is on the topic now was read, so that nobody is refused for what was just loaded.

        Raises Unavailable.
        """
        end = sum((await self._bus.ends(DIRECTORY)).values())
        try:
            async with asyncio.timeout(seconds), self._moved:
                await self._moved.wait_for(lambda: self._next >= end)
        except TimeoutError:
            raise Unavailable(f"{DIRECTORY} could not be read to its end") from None

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None
            self.ready = False

    async def _follow(self) -> None:
        while True:
            try:
                async for record in self._bus.tail(DIRECTORY, beginning=True):
                    if record.offset >= self._next:
                        self._apply(record.key, record.value, record.offset)
                        self._next = record.offset + 1
                        async with self._moved:
                            self._moved.notify_all()
            except (Unavailable, OSError) as away:
                log.warning("the directory is not followed for the moment: %r", away)
            await asyncio.sleep(PAUSE)

    def _apply(self, key: bytes | None, value: bytes, offset: int) -> None:
        try:
            self.directory.apply(parse(key, value), offset)
            self.changed.set()
        except BadInput as wrong:
            log.error("directory record %d is passed over: %s", offset, wrong)
