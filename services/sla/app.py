"""Sla's composition root: settings, wiring, lifespan."""

import asyncio

from fastapi import FastAPI

from services.sla.api import routes
from services.sla.core.unwatched import Watches
from services.sla.desk import Desk
from services.sla.filing import Filings
from services.sla.gauges import keep
from services.sla.handlers import Handler
from services.sla.store import Store
from services.sla.timers import Timers
from shared.bus import Bus
from shared.clock import Clock
from shared.directory.follow import Follower
from shared.events import topics
from shared.law import Calendar, load
from shared.law.operations import load_operations
from shared.service import application, end_with, run
from shared.settings import Settings
from shared.store import Client, connect

SETTLE = 0.2  # seconds in which a directory that is being loaded goes on changing


class Sla:
    """The parts of one sla process."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.filings: Filings | None = None
        self._law, self._calendar = load(settings.law), Calendar.deployed(settings.law)
        self._operations = load_operations(settings.operations)
        self.clock = Clock(settings.home / "clock", settings.clock)
        self.timers: Timers | None = None
        self._bus: Bus | None = None
        self._client: Client | None = None
        self._follower: Follower | None = None
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        settings = self.settings
        self._client = connect(settings)
        store = Store(self._client, settings)
        self._bus = Bus(settings, "suda-sla")
        await self._bus.agree()  # rows are kept by partition: under another number nobody would watch them
        lock = asyncio.Lock()
        self._follower = Follower(self._bus)
        await self._follower.start()
        rules = Watches(self._operations.watches, self._operations.label)
        desk = Desk(store.journal, self._law, self._calendar, rules)
        self.timers = Timers(
            self._bus,
            store,
            desk,
            self._operations,
            self._calendar,
            self.clock,
            lock,
            self._follower.directory,
            self._law,
        )
        self.filings = self.timers.filings
        handler = Handler(self._bus, store, desk, self.timers, self.clock, lock)
        self._bus.subscribe(topics.CASES, topics.SLA_GROUP, handler.handle, gained=handler.gained, lost=handler.lost)
        await self._bus.start()
        self._tasks = [
            asyncio.create_task(self.timers.run()),
            asyncio.create_task(_look_again(self._follower, self.timers)),
            asyncio.create_task(keep(self.timers, self.clock)),
        ]
        for task in self._tasks:
            task.add_done_callback(end_with)

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks = []
        if self._bus is not None:
            await self._bus.stop()
        if self._follower is not None:
            await self._follower.stop()
        if self._client is not None:
            await self._client.close()

    def problems(self) -> list[str]:
        return [self._bus.waiting] if self._bus and self._bus.waiting else []


async def _look_again(follower: Follower, timers: Timers) -> None:
    """Who owes a report hangs on the directory: look again when it has changed, once for a run of changes."""
    while True:
        await follower.changed.wait()
        await asyncio.sleep(SETTLE)
        follower.changed.clear()
        timers.periods.look()
        timers.wake()


def build(settings: Settings) -> FastAPI:
    """The sla service as an ASGI application."""
    parts = Sla(settings)
    app = application("sla", parts)
    routes(app, parts)
    return app


if __name__ == "__main__":
    run("sla", build)
