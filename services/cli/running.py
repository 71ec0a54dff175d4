"""The stack a command works on: the one that runs for this home, or one started for as long as the command lasts."""

import asyncio
import ssl
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime

import httpx

from shared.bus import Bus
from shared.settings import Settings
from shared.stack import SERVICES
from shared.stack.provide import quiet, stack
from shared.stack.running import Running, attach

NO_AUTHORITIES = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # services speak plain HTTP; loading the real ones takes 40 ms


@contextmanager
def running(
    settings: Settings, services: Sequence[str] = SERVICES, say: Callable[[str], None] = quiet
) -> Iterator[Running]:
    """Attach where a supervisor runs for the home, else start and stop what is missing."""
    found = attach(settings)
    if found is not None:
        yield found
        return
    with stack(settings, services, say=say) as started:
        yield started


async def settled(stack: Running, bus: Bus) -> None:
    """Return when all input has gone through every reader and no rung that is due waits; the caller limits it."""
    await bus.settled()
    await fired(stack)
    await bus.settled()


async def fired(stack: Running) -> None:
    """Return when no rung that is due waits."""
    async with httpx.AsyncClient(timeout=10, verify=NO_AUTHORITIES) as http:
        while not await _idle(stack, http):  # noqa: ASYNC110 - the state of another process
            await asyncio.sleep(0.02)


async def _idle(stack: Running, http: httpx.AsyncClient) -> bool:
    """Whether every partition's timers are held by somebody and nothing that is due waits there."""
    urls = [url for name, url in stack.urls.items() if name.partition("-")[0] == "sla"]
    held: set[int] = set()
    for url in urls:
        try:
            timers = (await http.get(f"{url}/v1/timers")).json()
        except (httpx.HTTPError, ValueError):
            return False
        due = timers["next_due"]
        if timers["firing"] or (due and datetime.fromisoformat(due) <= datetime.fromisoformat(timers["now"])):
            return False
        held |= set(timers["partitions"])
    return not urls or len(held) == stack.settings.partitions
