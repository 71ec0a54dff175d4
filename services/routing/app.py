"""Routing's composition root: settings, wiring, lifespan."""

from fastapi import FastAPI

from services.routing import store
from services.routing.core.decide import World
from services.routing.desk import Desk
from services.routing.handlers import Handler
from shared.bus import Bus
from shared.clock import Clock
from shared.directory.follow import Follower
from shared.events import topics
from shared.law import Calendar, load
from shared.service import application, run
from shared.settings import Settings
from shared.store import Client, connect


class Routing:
    """The parts of one routing process."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._law, self._calendar = load(settings.law), Calendar.deployed(settings.law)
        self._bus: Bus | None = None
        self._client: Client | None = None
        self._follower: Follower | None = None

    async def start(self) -> None:
        settings = self._settings
        self._client = connect(settings)
        journal = store.journal(self._client, settings)
        await journal.prepare()
        self._bus = Bus(settings, "suda-routing")
        self._follower = Follower(self._bus)
        await self._follower.start()
        desk = Desk(journal, World(self._law, self._follower.directory, self._calendar))
        clock = Clock(settings.home / "clock", settings.clock)
        handler = Handler(self._bus, journal, desk, clock, settings.max_record_bytes)
        self._bus.subscribe(topics.INTAKE, topics.ROUTING_GROUP, handler.handle)
        await self._bus.start()

    async def stop(self) -> None:
        if self._bus is not None:
            await self._bus.stop()
        if self._follower is not None:
            await self._follower.stop()
        if self._client is not None:
            await self._client.close()

    def problems(self) -> list[str]:
        return [self._bus.waiting] if self._bus and self._bus.waiting else []


def build(settings: Settings) -> FastAPI:
    """The routing service as an ASGI application."""
    return application("routing", Routing(settings))


if __name__ == "__main__":
    run("routing", build)
