"""A directory kept up to date from `suda.directory`: read to its end before anything is decided, followed after."""

import asyncio
import logging

from shared.bus import Bus
from shared.directory.model import parse
from shared.directory.tree import Directory
from shared.errors import BadInput, Unavailable
from shared.events.topics import DIRECTORY

log = logging.getLogger("suda.directory")


class Follower:
    """Owns one Directory; `start` returns when it has read what was there."""

    def __init__(self, bus: Bus) -> None:
        self.directory = Directory()
        self.changed = asyncio.Event()  # set by every record applied; whoever waits for it clears it
        self._bus = bus
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Read to the end noted now, then go on in the background. Raises Unavailable."""
        end = sum((await self._bus.ends(DIRECTORY)).values())
        caught_up = asyncio.Event()
        if end == 0:
            caught_up.set()
        self._task = asyncio.create_task(self._follow(end, caught_up))
        waiting = asyncio.create_task(caught_up.wait())
        done, _ = await asyncio.wait({waiting, self._task}, timeout=30, return_when=asyncio.FIRST_COMPLETED)
        if waiting not in done:
            waiting.cancel()
            raise Unavailable("the directory could not be read to its end")

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None

    async def _follow(self, end: int, caught_up: asyncio.Event) -> None:
        while True:
            try:
                async for record in self._bus.tail(DIRECTORY, beginning=True):
                    if record.offset > self.directory.offset:
                        self._apply(record.key, record.value, record.offset)
                    if record.offset + 1 >= end:
                        caught_up.set()
            except (Unavailable, OSError) as away:
                log.warning("the directory is not followed for the moment: %r", away)
            await asyncio.sleep(1)

    def _apply(self, key: bytes | None, value: bytes, offset: int) -> None:
        try:
            self.directory.apply(parse(key, value), offset)
            self.changed.set()
        except BadInput as wrong:
            log.error("directory record %d is passed over: %s", offset, wrong)
