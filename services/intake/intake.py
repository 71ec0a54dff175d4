"""The parts of intake, started and stopped together (composition: app.py)."""

import asyncio
from collections.abc import Awaitable, Callable

from services.intake.casekeys import CaseKeys
from services.intake.following import Followed, keep
from services.intake.store import Store
from services.intake.taking import Taking
from services.intake.waiting import Waiters
from shared.bus import Bus
from shared.clock import Clock
from shared.directory.follow import Follower
from shared.directory.tree import Directory
from shared.events import topics
from shared.privacy.keys import Keyring
from shared.settings import Settings
from shared.store import Client


class Intake:
    """Everything a route needs; implements `shared.service.Parts`."""

    def __init__(self, settings: Settings, bus: Bus, client: Client, keyring: Keyring, clock: Clock) -> None:
        self.settings, self.keyring, self.clock = settings, keyring, clock
        self._bus, self._client = bus, client
        self.store = Store(client, settings)
        self.taking = Taking(self.store, bus.publish, keyring, clock, settings.max_record_bytes)
        self.keys = CaseKeys(self.store, keyring)
        self.waiters = Waiters()
        self._follower = Follower(bus)
        self._cases = Followed(bus, topics.CASES)
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def directory(self) -> Directory:
        return self._follower.directory

    async def refresh(self) -> None:
        """Before anybody is refused for what the directory lacks: read what was loaded meanwhile."""
        await self._follower.refresh()

    async def start(self) -> None:
        """Connect, and read the directory to its end; raises Unavailable to be started again."""
        await self._bus.start()
        await self.store.ping()
        await self._cases.begin()
        self._follow("the tail of suda.cases", self._decisions)
        await self._follower.start(self.settings.send_timeout)

    def _follow(self, name: str, follow: Callable[[], Awaitable[None]]) -> None:
        self._tasks.append(asyncio.create_task(keep(name, follow)))

    async def _decisions(self) -> None:
        await self.waiters.follow(self._cases.records())

    async def stop(self) -> None:
        """End the tails, then the bus; the client stays open for a further start."""
        tasks, self._tasks = self._tasks, []
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._follower.stop()
        await self._bus.stop()

    def problems(self) -> list[str]:
        return [] if self._follower.ready else ["the directory is not read yet"]
