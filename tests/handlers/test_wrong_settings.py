"""A wrong setting ends a service with one sentence that says the mend; none stays behind that cannot serve."""

import asyncio
import contextlib

import pytest

from shared.errors import ConfigurationError, Unavailable
from shared.service import application
from shared.settings import Settings, settings
from shared.store import connect


@pytest.mark.parametrize("uri", ["http://x", "mongodb://", "mongodb://host:port", "mongodb://name:se:cr@et@host"])
def test_an_address_that_is_no_mongodb_uri_is_refused_without_repeating_it(uri: str) -> None:
    with pytest.raises(ConfigurationError, match="SUDA_MONGODB is no MongoDB URI") as wrong:
        connect(Settings(mongodb=uri))
    assert "cr@et" not in str(wrong.value)


def test_a_log_level_that_is_none_is_named_with_those_there_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SUDA_LOG_LEVEL", "LOUD")
    settings.cache_clear()
    try:
        with pytest.raises(ConfigurationError, match=r"SUDA_LOG_LEVEL: .*'INFO'"):
            settings()
    finally:
        settings.cache_clear()


async def test_a_service_that_stops_while_it_tries_to_start_ends_though_the_cancelling_is_lost() -> None:
    """As with a port that is taken while Kafka is away: the process stayed for ever, and SIGTERM did not end it."""

    class Parts:
        def __init__(self) -> None:
            self.trying, self.stopped = asyncio.Event(), 0

        async def start(self) -> None:
            self.trying.set()
            with contextlib.suppress(asyncio.CancelledError):  # what a refused connection makes of it
                await asyncio.Event().wait()
            raise Unavailable("Kafka is away")

        async def stop(self) -> None:
            self.stopped += 1

        def problems(self) -> list[str]:
            return []

    parts = Parts()
    app = application("sla", parts)
    async with asyncio.timeout(10):
        async with app.router.lifespan_context(app):
            await parts.trying.wait()
    assert parts.stopped
