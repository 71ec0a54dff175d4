"""Reporting's composition root: settings, wiring, lifespan."""

import asyncio
import logging

from fastapi import FastAPI

from services.reporting.api import Reader, routes
from services.reporting.deadline_handlers import DeadlineReader
from services.reporting.gauges import watch
from services.reporting.handlers import CaseReader
from services.reporting.store import Store
from shared.bus import Bus
from shared.clock import Clock
from shared.directory.follow import Follower
from shared.errors import Unavailable
from shared.events import topics
from shared.privacy.keys import Keyring, keyring_path
from shared.service import application, run
from shared.settings import Settings
from shared.store import Client, connect

log = logging.getLogger("suda.reporting")
WATCH_SECONDS = 5.0


class Reporting:
    """The parts of one reporting process."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._keyring = Keyring.load(keyring_path(settings))
        self._clock = Clock(settings.home / "clock", settings.clock)
        self._bus: Bus | None = None
        self._client: Client | None = None
        self._follower: Follower | None = None
        self._watch: asyncio.Task[None] | None = None
        self._reader: Reader | None = None

    async def start(self) -> None:
        self._client = connect(self._settings)
        store = Store(self._client, self._settings)
        await store.prepare()
        self._bus = Bus(self._settings, "suda-reporting")
        self._follower = Follower(self._bus)
        await self._follower.start()
        cases = CaseReader(self._bus, store, self._clock)
        held = DeadlineReader(self._bus, store, self._clock)
        self._bus.subscribe(
            topics.CASES, topics.REPORTING_CASES_GROUP, cases.handle, gained=cases.gained, lost=cases.lost
        )
        self._bus.subscribe(
            topics.DEADLINES, topics.REPORTING_DEADLINES_GROUP, held.handle, gained=held.gained, lost=held.lost
        )
        await self._bus.start()
        self._reader = Reader(store, self._follower.directory, self._clock, self._settings, self._keyring)
        self._watch = asyncio.create_task(_watch(self._bus, store))

    async def stop(self) -> None:
        """1. what is asked for in the background  2. the bus, with the batch in hand  3. the store."""
        self._reader = None
        if self._watch is not None:
            self._watch.cancel()
            await asyncio.gather(self._watch, return_exceptions=True)
            self._watch = None
        if self._follower is not None:
            await self._follower.stop()
        if self._bus is not None:
            await self._bus.stop()
        if self._client is not None:
            await self._client.close()

    def problems(self) -> list[str]:
        return [self._bus.waiting] if self._bus and self._bus.waiting else []

    def reader(self) -> Reader:
        """What the routes read from; raises Unavailable until it is there."""
        if self._reader is None:
            raise Unavailable("reporting has not started yet")
        return self._reader


async def _watch(bus: Bus, store: Store) -> None:
    while True:
        try:
            await watch(bus, store.early_count)
        except Unavailable as away:
            log.warning("lag is not known for the moment: %s", away)
        except Exception:  # a gauge that cannot be read must neither end the service nor stay unread for good
            log.exception("lag is not known for the moment")
        await asyncio.sleep(WATCH_SECONDS)


def build(settings: Settings) -> FastAPI:
    """The reporting service as an ASGI application."""
    parts = Reporting(settings)
    app = application("reporting", parts)
    app.include_router(routes(parts.reader))
    return app


if __name__ == "__main__":
    run("reporting", build)
