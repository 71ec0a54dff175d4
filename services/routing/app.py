"""Routing's composition root: settings, wiring, lifespan."""

from functools import cached_property

from fastapi import FastAPI

from services.routing import api, store
from services.routing.core.decide import World
from services.routing.desk import Desk
from services.routing.handlers import Handler
from services.routing.matcher import Matcher
from shared.bus import Bus
from shared.clock import Clock
from shared.directory.follow import Follower
from shared.directory.tree import Directory
from shared.events import topics
from shared.law import Calendar, load
from shared.privacy.keys import Keyring, keyring_path
from shared.service import application, run
from shared.settings import Settings
from shared.store import Client, connect


class Routing:
    """The parts of one routing process."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._law, self._calendar = load(settings.law), Calendar.deployed(settings.law)
        self._bus: Bus | None = None
        self._client: Client | None = None
        self._follower: Follower | None = None
        self.clock = Clock(settings.home / "clock", settings.clock)
        self.affairs: store.Affairs | None = None

    @cached_property
    def keyring(self) -> Keyring:
        """Loaded when first asked for: only the routes need it."""
        return Keyring.load(keyring_path(self.settings))

    @property
    def directory(self) -> Directory | None:
        return self._follower.directory if self._follower else None

    async def start(self) -> None:
        settings = self.settings
        self._client = connect(settings)
        journal = store.journal(self._client, settings)
        self._bus = Bus(settings, "suda-routing")
        self._follower = Follower(self._bus)
        await self._follower.start()
        world = World(self._law, self._follower.directory, self._calendar)
        desk, sent = Desk(journal, world), store.Sent(self._client, settings)
        self.affairs = store.Affairs(self._client, settings)
        handler = Handler(
            self._bus,
            journal,
            desk,
            self.clock,
            settings.max_record_bytes,
            affairs=self.affairs.find,
            sent=sent.keep,
        )
        openings, waiting = store.Openings(self._client, settings), store.Waiting(self._client, settings)
        matcher = Matcher(self._bus, journal, world, self.clock, openings, sent, waiting)
        self._bus.subscribe(topics.INTAKE, topics.ROUTING_GROUP, handler.handle)
        self._bus.subscribe(topics.CASES, topics.MATCHER_GROUP, matcher.handle)
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
    routing = Routing(settings)
    app = application("routing", routing)
    api.routes(app, routing)
    return app


if __name__ == "__main__":
    run("routing", build)
