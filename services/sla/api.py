"""The routes of sla: what the timers watch, and the door for periodic reports."""

from functools import lru_cache, partial
from pathlib import Path
from typing import Any, Protocol
from uuid import UUID

from fastapi import FastAPI, Request
from starlette.exceptions import HTTPException

from services.sla.filing import Filings, NotYours
from services.sla.timers import Timers
from shared.clock import Clock
from shared.errors import Unavailable
from shared.privacy.keys import Keyring, keyring_path
from shared.service import asker
from shared.settings import Settings


class Parts(Protocol):
    """What the routes need of the process; empty until it has started."""

    settings: Settings
    clock: Clock
    timers: Timers | None
    filings: Filings | None


def routes(app: FastAPI, parts: Parts) -> None:
    """Add `GET /v1/timers` and `POST /v1/periodic-duties/{duty}/filings`."""

    @app.get("/v1/timers", tags=["timers"])
    async def timers() -> dict[str, Any]:
        """What is watched here: now, the next due instant, whether rungs are being fired, the partitions held."""
        held = parts.timers
        due = held.next_due if held else None
        watched = len(held.heap) if held else 0
        return {
            "now": parts.clock.now(),
            "next_due": due,
            "firing": bool(held and held.firing),
            "watched": watched,
            "partitions": sorted(held.held) if held else [],
        }

    @app.post("/v1/periodic-duties/{duty}/filings", status_code=201, tags=["periodic duties"])
    async def file(duty: UUID, request: Request) -> dict[str, Any]:
        """The report of a period is filed: by the organisation that owes it, once; again is answered alike."""
        keyring = partial(_keyring, keyring_path(parts.settings))
        by = await asker(request.headers.get("authorization"), keyring, parts.settings, parts.clock)
        if parts.filings is None:
            raise Unavailable("sla is starting")
        try:
            found = await parts.filings.file(str(duty), by)
        except NotYours:
            raise HTTPException(404, "there is no such periodic duty of your organisation") from None
        return found.model_dump(mode="json", exclude_none=True)


@lru_cache(1)
def _keyring(path: Path) -> Keyring:
    """Read when the first filing comes: the timers need no key."""
    return Keyring.load(path)
