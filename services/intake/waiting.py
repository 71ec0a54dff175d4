"""Whoever asked for an act with `Prefer: wait=N` learns what routing decided, from the tail of `suda.cases`."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager

from shared.bus import Record
from shared.errors import BadInput
from shared.events.cases import Acted, Rejected, parse

Verdict = Acted | Rejected


class Waiters:
    """Who waits for the event an act causes. Several may wait for one act."""

    def __init__(self) -> None:
        self._waiting: dict[bytes, list[asyncio.Future[Verdict]]] = {}

    @contextmanager
    def expect(self, act_id: str) -> Iterator[asyncio.Future[Verdict]]:
        """A future of the verdict; enter before the act is published, or it may pass unseen."""
        cause = act_id.encode()
        future: asyncio.Future[Verdict] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(cause, []).append(future)
        try:
            yield future
        finally:
            future.cancel()
            left = [other for other in self._waiting.pop(cause, []) if other is not future]
            if left:
                self._waiting[cause] = left

    async def follow(self, records: AsyncIterator[Record]) -> None:
        """Tell the waiters of every record that has one; ends with the records."""
        async for record in records:
            found = self._waiting.get(record.headers.get("ce_causationid", b""))
            if found:
                self._tell(found, record)

    def _tell(self, waiting: list[asyncio.Future[Verdict]], record: Record) -> None:
        try:
            event = parse(record.value)
        except BadInput:
            return  # its readers send it to the DLQ; whoever waits gets 202
        if isinstance(event, Acted | Rejected):
            for future in waiting:
                if not future.done():
                    future.set_result(event)
