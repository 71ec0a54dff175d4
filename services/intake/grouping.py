"""Many small writes made one: what waits within 5 ms, or while the last group is being written, goes together."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

T = TypeVar("T")
LINGER = 0.005  # seconds a group waits to fill (DESIGN.md 6.1)
MOST = 200


class Grouped(Generic[T]):
    """Calls `write` with groups; each caller gets its own item's result, or the error of its group."""

    def __init__(self, write: Callable[[Sequence[T]], Awaitable[list[T]]], linger: float = LINGER) -> None:
        self._write, self._linger = write, linger
        self._waiting: list[tuple[T, asyncio.Future[T]]] = []
        self._task: asyncio.Task[None] | None = None

    async def add(self, item: T) -> T:
        """Wait until the item's group is written; raises what the write raised."""
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, future))
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._run())
        return await future

    async def _run(self) -> None:
        while self._waiting:
            if len(self._waiting) < MOST:
                await asyncio.sleep(self._linger)
            group, self._waiting = self._waiting[:MOST], self._waiting[MOST:]
            task = asyncio.ensure_future(self._write([item for item, _ in group]))
            await asyncio.wait({task})
            error = task.exception()
            for place, (_, future) in enumerate(group):
                if future.done():
                    continue  # its caller has gone
                if error is not None:
                    future.set_exception(error)
                else:
                    future.set_result(task.result()[place])
