"""The one way to have Kafka, a store and the services: for `up`, the demo, tests, benchmarks and verify.

Order of choice for each of Kafka and the store: the address in the settings, else Docker where an engine answers, else
the embedded part. Several homes may run on one machine at the same time.
"""

import os
import re
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from shared.errors import ConfigurationError, Unavailable
from shared.settings import Settings
from shared.stack import docker, kafka, process, store
from shared.stack.ports import Ports
from shared.stack.prepare import prepare as prepare_all
from shared.stack.process import Record
from shared.stack.running import Running
from shared.stack.supervisor import Part, Supervisor

PATIENCE_OUTSIDE = 30.0  # seconds for an address somebody named to answer
SERVICES = ("intake", "routing", "sla", "reporting")
STORE, KAFKA, SERVICE = 0, 1, 2  # tiers, stopped from the last to the first
PATIENCE = 120.0  # seconds for a part to become ready; a cold 2-core machine needs about 20
ROOT = Path(__file__).resolve().parents[2]
Say = Callable[[str], None]


def quiet(_: str) -> None:
    """Says nothing."""


@contextmanager
def stack(
    settings: Settings,
    services: Sequence[str] = SERVICES,
    *,
    prepare: Callable[[Settings], None] | None = prepare_all,
    finish: Callable[[Settings], None] | None = None,
    say: Say = quiet,
    command: Callable[[str], list[str]] | None = None,
) -> Iterator[Running]:
    """Run Kafka, the store and `services` while the block lasts; everything is ready when it begins.

    `prepare` is called with the addresses once Kafka and the store answer, before any service starts; None skips it.
    `finish` is called likewise once the services are ready, before `attach` finds it (`up` loads the directory).
    `say` gets progress sentences. `command` gives the argv of a service (tests run dummies).
    Raises ConfigurationError (another supervisor has the home, a named port is taken) or Unavailable.
    """
    builder = _Builder(settings, say, command or _service_argv)
    try:
        with Supervisor(builder.home, say) as supervisor:
            for name in services:  # a named port that is taken is told before anything starts
                builder.ports.choose(name)
            running = builder.start_base(supervisor)
            builder.announce(running, "starting")
            if prepare is not None:
                prepare(running.settings)
            builder.start_services(supervisor, services)
            if finish is not None:
                finish(running.settings)
            builder.announce(running, "ready")
            yield running
            builder.announce(running, "stopping")
    finally:
        builder.ports.release()


def _service_argv(name: str) -> list[str]:
    service = re.sub(r"-\d+$", "", name)
    return [sys.executable, "-P", "-m", f"services.{service}.app"]


class _Builder:
    """Turns settings into parts."""

    def __init__(self, settings: Settings, say: Say, command: Callable[[str], list[str]]) -> None:
        self.settings, self.say, self.command = settings, say, command
        self.home = settings.home.absolute()
        self.ports = Ports(settings, self.home, say)
        self._environment: dict[str, str] = {}
        self._parts: dict[str, Part] = {}

    # ---- Kafka and the store

    def start_base(self, supervisor: Supervisor) -> Running:
        external = {"kafka": self.settings.kafka, "store": self.settings.mongodb}
        engine = not all(external.values()) and docker.chosen(self.settings, self.home)
        if not external["store"]:
            supervisor.start(self._store(engine))
        if not external["kafka"]:
            supervisor.start(self._kafka(engine))
        bootstrap = external["kafka"] or f"127.0.0.1:{self.ports.choose('kafka')}"
        uri = external["store"] or store.uri(self.ports.choose("store"))
        self._environment = environment(self.settings, bootstrap, uri, self.home)
        names = [name for name, address in external.items() if not address]
        if names:
            self.say(f"waiting for {' and '.join(names)} ({'Docker' if engine else 'embedded'})")
        try:
            supervisor.await_ready(names, PATIENCE * (5 if engine else 1))  # Docker may fetch images first
        except Unavailable as error:
            mend = "; in a new SUDA_HOME, SUDA_DOCKER=false uses the embedded parts" if engine else ""
            raise Unavailable(f"{error}{mend}") from None
        self._await_external(external)

        def start(name: str) -> None:
            supervisor.start(self._parts.get(name) or self._service(name))

        return Running(self.settings, bootstrap, uri, self._environment, start, supervisor.stop)

    def _store(self, engine: bool) -> Part:
        port = self.ports.choose("store")
        argv = docker.argv("store", self.home, port) if engine else store.argv(self.home, port)
        return self._keep(Part("store", argv, lambda: store.answers(store.uri(port)), STORE, source_path()))

    def _kafka(self, engine: bool) -> Part:
        port = self.ports.choose("kafka")
        if engine:
            argv = docker.argv("kafka", self.home, port)
        else:
            argv = kafka.argv(self.settings, self.home, port, self.ports.choose("kafka_controller"), self.say)
        return self._keep(
            Part("kafka", argv, lambda: kafka.answers(f"127.0.0.1:{port}"), KAFKA, source_path(), grace=20.0)
        )

    def _keep(self, part: Part) -> Part:
        self._parts[part.name] = part
        return part

    def _await_external(self, addresses: Mapping[str, str | None]) -> None:
        probes: dict[str, Callable[[str], bool]] = {"kafka": kafka.answers, "store": store.answers}
        variables = {"kafka": "SUDA_KAFKA", "store": "SUDA_MONGODB"}
        for name, address in addresses.items():
            limit = time.monotonic() + PATIENCE_OUTSIDE
            while address and not probes[name](address):
                if time.monotonic() > limit:
                    shown = process.without_password(address)
                    raise Unavailable(f"{variables[name]}={shown} does not answer: start it, correct or unset it")
                time.sleep(0.2)

    # ---- services

    def start_services(self, supervisor: Supervisor, services: Sequence[str]) -> None:
        for name in services:
            supervisor.start(self._service(name))
        if services:
            self.say(f"waiting for {', '.join(services)}")
        supervisor.await_ready(list(services), PATIENCE)

    def _service(self, name: str) -> Part:
        """`name` is a service's, or `routing-2` for one more instance of it."""
        service = re.sub(r"-\d+$", "", name)
        if service not in SERVICES:
            raise ConfigurationError(f"there is no service {service}: name one of {', '.join(SERVICES)}")
        port = self.ports.choose(name)
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.settings.host, self.settings.host)  # noqa: S104
        url = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
        env = {**self._environment, f"SUDA_{service.upper()}_PORT": str(port)}
        return self._keep(Part(name, self.command(name), lambda: healthy(url), SERVICE, env, url))

    def announce(self, running: Running, state: str) -> None:
        """Write the supervisor's own record, by which others find this stack."""
        facts = {key: value for key, value in running.environment.items() if key.startswith("SUDA_")}
        mark = process.started(os.getpid()) or ""
        process.write(self.home, Record("stack", os.getpid(), mark, state, sys.argv, None, 0, facts))


def healthy(url: str, timeout: float = 2.0) -> bool:
    """Whether a service says 200 at /health/ready."""
    try:
        with urllib.request.urlopen(f"{url}/health/ready", timeout=timeout) as answer:  # noqa: S310 - our own URL
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError, ValueError):
        return False


def environment(settings: Settings, bootstrap: str, uri: str, home: Path) -> dict[str, str]:
    """What a process of this stack gets: every setting that was set, absolute, and the addresses."""
    given: dict[str, Any] = {name: getattr(settings, name) for name in settings.model_fields_set}
    given = {name: value for name, value in given.items() if value is not None and not name.endswith("_port")}
    given |= {"kafka": bootstrap, "mongodb": uri, "home": home}
    for name, value in given.items():
        if isinstance(value, Path):
            given[name] = value.expanduser().absolute()
    found = {f"SUDA_{name.upper()}": str(value) for name, value in given.items()}
    return {**found, **source_path()}


def source_path() -> dict[str, str]:
    """Lets a part import the same source as this process, wherever it was started."""
    return {"PYTHONPATH": os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])}
