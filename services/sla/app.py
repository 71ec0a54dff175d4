"""Sla's composition root: settings, wiring, lifespan."""

import asyncio
from datetime import datetime
from typing import Any

from fastapi import FastAPI

from services.sla.desk import Desk
from services.sla.handlers import Handler
from services.sla.store import Store
from services.sla.timers import Timers
from shared.bus import Bus
from shared.clock import Clock
from shared.events import topics
from shared.law import Calendar, load
from shared.law.operations import load_operations
from shared.service import application, end_with, run
from shared.settings import Settings
from shared.store import Client, connect


class Sla:
    """The parts of one sla process."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._law, self._calendar = load(settings.law), Calendar.load()
        self._operations = load_operations(settings.operations)
        self.clock = Clock(settings.home / "clock", settings.clock)
        self.timers: Timers | None = None
        self._bus: Bus | None = None
        self._client: Client | None = None
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        settings = self._settings
        self._client = connect(settings)
        store = Store(self._client, settings)
        await store.journal.prepare()
        self._bus = Bus(settings, "suda-sla")
        lock = asyncio.Lock()
        desk = Desk(store.journal, self._law, self._calendar)
        self.timers = Timers(self._bus, store, desk, self._operations, self._calendar, self.clock, lock)
        handler = Handler(self._bus, store, desk, self.timers, self.clock, lock)
        self._bus.subscribe(topics.CASES, topics.SLA_GROUP, handler.handle, gained=handler.gained, lost=handler.lost)
        await self._bus.start()
        self._task = asyncio.create_task(self.timers.run())
        self._task.add_done_callback(end_with)

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None
        if self._bus is not None:
            await self._bus.stop()
        if self._client is not None:
            await self._client.close()

    def problems(self) -> list[str]:
        return [self._bus.waiting] if self._bus and self._bus.waiting else []


def build(settings: Settings) -> FastAPI:
    """The sla service as an ASGI application."""
    parts = Sla(settings)
    app = application("sla", parts)

    @app.get("/v1/timers", tags=["timers"])
    async def timers() -> dict[str, Any]:
        """What is watched here: now, the next due instant, and whether rungs are being fired."""
        held = parts.timers
        due: datetime | None = held.next_due if held else None
        return {"now": parts.clock.now(), "next_due": due, "firing": bool(held and held.firing)}

    return app


if __name__ == "__main__":
    run("sla", build)
