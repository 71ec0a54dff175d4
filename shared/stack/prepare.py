"""What must be there before the first service starts: the clock, the keys, the topics."""

import asyncio
import threading
from collections.abc import Callable
from datetime import UTC, datetime

from shared import clock
from shared.settings import Settings


def prepare(settings: Settings) -> None:
    """`settings` carry the addresses and the absolute home. Safe to repeat: nothing that exists is changed."""
    write_clock(settings)
    from shared.privacy import keys

    keys.ensure(settings.keys or settings.home / "keys.json")
    create_topics(settings)


def write_clock(settings: Settings) -> None:
    """The real time, once, unless SUDA_CLOCK or an earlier start (a demo's fast clock) said otherwise."""
    file = settings.home / "clock"
    if settings.clock is None and not file.exists():
        now = datetime.now(UTC)
        clock.write(file, clock.Reading(now, now, 1.0))


def create_topics(settings: Settings) -> None:
    from shared import bus

    assert settings.kafka is not None
    bootstrap = settings.kafka
    _in_a_thread(lambda: asyncio.run(bus.create_topics(bootstrap, settings)))


def _in_a_thread(call: Callable[[], None]) -> None:
    """The caller may be inside an event loop (an async fixture), where asyncio.run is refused."""
    failed: list[BaseException] = []

    def run() -> None:
        try:
            call()
        except BaseException as error:  # noqa: BLE001 - handed to the caller
            failed.append(error)

    thread = threading.Thread(target=run, name="suda-prepare", daemon=True)
    thread.start()
    thread.join()
    if failed:
        raise failed[0]


if __name__ == "__main__":  # docker-compose.yml, where no supervisor prepares
    from shared.settings import settings

    current = settings()
    prepare(current.model_copy(update={"home": current.home.absolute()}))
