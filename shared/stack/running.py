"""A stack that runs: where its parts are, and the handles by which tests break and mend it.

Everything is read from the records in `<home>/run`, so it works the same for the process that owns the supervisor and
for one that found it running (`attach`).
"""

import signal
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from shared.errors import ConfigurationError, Unavailable
from shared.settings import Settings
from shared.stack import process
from shared.stack.process import Record

LOOK = 0.02  # seconds between looks at a record


class Running:
    """Addresses and parts of one home's stack."""

    def __init__(
        self,
        settings: Settings,
        kafka: str,
        mongodb: str,
        environment: Mapping[str, str],
        start: Callable[[str], None] | None = None,
        stop: Callable[[str], None] | None = None,
    ) -> None:
        self.settings = settings.model_copy(
            update={"kafka": kafka, "mongodb": mongodb, "home": settings.home.absolute()}
        )
        self.home: Path = self.settings.home
        self.kafka, self.mongodb = kafka, mongodb
        self.environment = dict(environment)  # SUDA_* for a process that shall use this stack
        self._start, self._stop = start, stop
        self._killed: dict[str, int] = {}

    @property
    def owned(self) -> bool:
        """Whether this process is the supervisor."""
        return self._start is not None

    @property
    def urls(self) -> dict[str, str]:
        """Each service that runs here and its URL, `http://host:port`."""
        return {record.name: record.url for record in process.records(self.home) if record.url}

    def parts(self) -> list[Record]:
        """The record of every part: kafka, store and the services, as far as they are run here."""
        return process.records(self.home)

    def record(self, name: str) -> Record:
        """Raises Unavailable if there is no such part."""
        found = process.read(self.home, name)
        if found is None:
            raise Unavailable(f"{name} is not run by the supervisor of {self.home}; see ./suda status")
        return found

    def pid(self, name: str) -> int:
        return self.record(name).pid

    def url(self, name: str) -> str:
        return self.record(name).url or ""

    def kill(self, name: str, number: int = signal.SIGKILL) -> int:
        """Send a signal, SIGKILL by default, and return the pid that got it. The supervisor starts the part again."""
        record = self.wait_alive(name)
        if number in (signal.SIGKILL, signal.SIGTERM):
            self._killed[name] = record.pid
        record.signal(number)
        return record.pid

    def pause(self, name: str) -> None:
        """SIGSTOP: alive, silent."""
        self.kill(name, signal.SIGSTOP)

    def resume(self, name: str) -> None:
        self.kill(name, signal.SIGCONT)

    def wait_alive(self, name: str, timeout: float = 30.0) -> Record:
        """The part's record once its process lives (it may be on its way back)."""
        return self._wait(name, timeout, lambda record: record.alive and record.pid != self._killed.get(name))

    def wait_ready(self, name: str, timeout: float = 60.0) -> Record:
        """The part's record once it is healthy; after `kill`, only the new process counts."""
        return self._wait(
            name,
            timeout,
            lambda record: record.state == "ready" and record.alive and record.pid != self._killed.get(name),
        )

    def _wait(self, name: str, timeout: float, holds: Callable[[Record], bool]) -> Record:
        limit = time.monotonic() + timeout
        while not ((found := process.read(self.home, name)) and holds(found)):
            if time.monotonic() > limit:
                raise Unavailable(f"{name} did not come back within {timeout:.0f} s; see {self.home}/logs/{name}.log")
            time.sleep(LOOK)
        return found

    def restart(self, name: str, timeout: float = 60.0) -> Record:
        """SIGTERM, then wait until the new process is ready."""
        self.kill(name, signal.SIGTERM)
        return self.wait_ready(name, timeout)

    def stop(self, name: str) -> None:
        """Stop a part and leave it stopped. Only where this process is the supervisor."""
        self._owner(self._stop)(name)

    def start(self, name: str) -> Record:
        """Start a stopped part, or one more instance of a service (`routing-2`), and wait until it is ready."""
        self._owner(self._start)(name)
        return self.wait_ready(name)

    def _owner(self, call: Callable[[str], None] | None) -> Callable[[str], None]:
        if call is None:
            raise ConfigurationError("only the process that started the stack can start or stop a part of it")
        return call


def attach(settings: Settings, timeout: float = 120.0) -> Running | None:
    """The stack that a supervisor runs for this home, or None. One that is still starting is waited for."""
    home = settings.home.absolute()
    limit = time.monotonic() + timeout
    while (found := process.read(home, "stack")) and found.alive:
        if found.state == "ready":
            facts = found.facts
            return Running(settings, facts["SUDA_KAFKA"], facts["SUDA_MONGODB"], facts)
        if time.monotonic() > limit:
            raise Unavailable(f"the stack of {home} has been starting for {timeout:.0f} s; see {home}/logs")
        time.sleep(LOOK)
    return None
