"""`suda up`: the stack and all services under one supervisor, in the foreground or detached."""

import importlib.util
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from types import FrameType
from typing import Annotated

import typer

from shared.clock import Clock
from shared.errors import Unavailable
from shared.settings import Settings, settings
from shared.stack import Running, attach, logs, process, stack

PATIENCE = 900.0  # for a detached start: the first one fetches Kafka


def up(
    detach: Annotated[bool, typer.Option("--detach", "-d", help="return once everything is healthy")] = False,
) -> None:
    """Start Kafka, the store and all services; Ctrl-C stops them in order. 启动全部服务。

    Examples: ./suda up · ./suda up --detach · SUDA_INTAKE_PORT=9000 ./suda up
    """
    current = settings()
    found = attach(current)
    if found:
        say(f"already running for {found.home} (./suda status, ./suda down)")
        show(found)
    elif detach:
        _detached(current)
    else:
        _foreground(current)


def say(text: str) -> None:
    print(f"suda: {text}", file=sys.stderr, flush=True)


def show(running: Running) -> None:
    """Where to look."""
    for name, url in running.urls.items():
        print(f"  {name:<10} {url}")
    print(f"  {'kafka':<10} {running.kafka}")
    print(f"  {'store':<10} {process.without_password(running.mongodb)}", flush=True)
    clock = Clock(running.home / "clock", running.settings.clock)
    if clock.speed == 0:
        say(
            f"this home's clock stands at {clock.now():%Y-%m-%d %H:%M} since the demo; ./suda clean starts in real time"
        )


def load_directory(current: Settings) -> None:
    """The sample directory (or SUDA_DIRECTORY) into an empty topic, so that a first complaint finds an organisation."""
    if importlib.util.find_spec("services.cli.directory") is None:
        return
    import asyncio

    from services.cli import directory

    asyncio.run(directory.load_if_empty(current))


def _foreground(current: Settings) -> None:
    over = threading.Event()

    def stop(number: int, frame: FrameType | None) -> None:
        if over.is_set():  # the second time: at once
            raise KeyboardInterrupt
        over.set()
        if not serving:  # still starting: unwind what there is
            raise KeyboardInterrupt

    serving = False
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, stop)
    try:
        with stack(current, finish=load_directory, say=say) as running:
            serving = True
            say(f"ready; state in {running.home}. Ctrl-C stops everything in order.")
            show(running)
            if not over.is_set():
                over.wait()
            say("stopping: services, then Kafka, then the store (Ctrl-C again: at once)")
    except KeyboardInterrupt:
        say("stopped at once; the next start recovers" if serving else "start interrupted; stopped")
        sys.exit(130)
    say("stopped")


def _detached(current: Settings) -> None:
    """Start `up` in a session of its own and wait until it is healthy, telling its progress meanwhile."""
    home = current.home.absolute()
    log = logs.path(home, "up")
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as out:
        child = subprocess.Popen(
            [sys.executable, "-P", "-m", "services.cli.main", "up"],
            stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT, start_new_session=True,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
        )  # fmt: skip
    told, limit = 0, time.monotonic() + PATIENCE
    while time.monotonic() < limit:
        ended = _ended(child, 0.1)
        told = _tell(log, told)
        found = process.read(home, "stack")
        if found and found.pid == child.pid and found.state == "ready":
            break
        if ended:
            _tell(log, told)  # its last sentence says the mend
            raise typer.Exit(2)
    else:
        child.terminate()
        raise Unavailable(f"the stack was not ready within {PATIENCE / 60:.0f} minutes; see {log}")
    child.returncode = 0  # it lives on, and nobody here waits for it
    running = attach(current)
    if running is None:
        raise Unavailable(f"the stack ended as soon as it was ready; see {log}")
    show(running)


def _ended(child: "subprocess.Popen[bytes]", timeout: float) -> bool:
    try:
        child.wait(timeout)
    except subprocess.TimeoutExpired:
        return False
    return True


def _tell(log: Path, told: int) -> int:
    """Pass on what the detached process said since the last look, but not its closing table, which we show."""
    with log.open("rb") as said:
        said.seek(told)
        news = said.read()
    whole = news[: news.rfind(b"\n") + 1]
    for line in whole.decode(errors="replace").splitlines():
        if not line.startswith(("  ", "suda: ready")):
            print(line, file=sys.stderr, flush=True)
    return told + len(whole)
