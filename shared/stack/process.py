"""Which process is which: a pid together with its start, so that a reused pid is never taken for ours.

A record `<home>/run/<name>.json` says what the supervisor started; the next start reads it to find leftovers.
"""

import json
import os
import re
import signal
import sys
import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from functools import lru_cache
from pathlib import Path


@lru_cache
def _boot() -> str:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text()[:8]
    except OSError:
        return "boot"


def started(pid: int) -> str | None:
    """When `pid` was started, as an opaque mark; None if no such process lives (a zombie does not)."""
    if sys.platform.startswith("linux"):
        try:
            stat = Path(f"/proc/{pid}/stat").read_text(errors="replace")
        except OSError:
            return None
        fields = stat.rpartition(")")[2].split()
        return None if fields[0] in "ZX" else f"{_boot()}-{fields[19]}"
    import psutil

    try:
        process = psutil.Process(pid)
        return None if process.status() == psutil.STATUS_ZOMBIE else repr(process.create_time())
    except psutil.Error:
        return None


@dataclass(frozen=True)
class Record:
    """One supervised process (or the supervisor itself, under the name `stack`), as written in `<home>/run`."""

    name: str
    pid: int
    started: str
    state: str  # starting, ready, stopping
    argv: list[str] = field(default_factory=list)
    url: str | None = None
    restarts: int = 0
    facts: dict[str, str] = field(default_factory=dict)  # the stack's addresses

    @property
    def alive(self) -> bool:
        """Whether that very process still lives."""
        return started(self.pid) == self.started

    def signal(self, number: int) -> None:
        """Send a signal to that very process; nothing happens if it is gone."""
        if self.alive:
            try:
                os.kill(self.pid, number)
            except ProcessLookupError:
                pass


def path(home: Path, name: str) -> Path:
    return home / "run" / f"{name}.json"


def write(home: Path, record: Record) -> None:
    """Replace a record atomically."""
    target = path(home, record.name)
    target.parent.mkdir(parents=True, exist_ok=True)
    draft = target.with_name(f".{target.name}.{os.getpid()}")
    with os.fdopen(os.open(draft, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), "w") as file:
        json.dump(asdict(record), file)  # an address may hold a password
    os.replace(draft, target)


def read(home: Path, name: str) -> Record | None:
    """The record of `name`; None if there is none, or none that can be read."""
    try:
        return Record(**json.loads(path(home, name).read_text()))
    except (OSError, ValueError, TypeError):
        return None


def forget(home: Path, name: str) -> None:
    path(home, name).unlink(missing_ok=True)


def records(home: Path) -> list[Record]:
    """Every record of the home but the supervisor's."""
    names = sorted(item.stem for item in (home / "run").glob("[!.]*.json") if item.stem != "stack")
    return [record for name in names if (record := read(home, name))]


def end(leftovers: Iterable[Record], grace: float = 10.0) -> list[Record]:
    """Ask those processes to end, then kill what remains; returns those that were still alive."""
    living = [record for record in leftovers if record.alive]
    for record in living:
        record.signal(signal.SIGTERM)
        record.signal(signal.SIGCONT)  # a stopped process would not see the first
    limit = time.monotonic() + grace
    while any(record.alive for record in living) and time.monotonic() < limit:
        time.sleep(0.02)
    for record in living:
        record.signal(signal.SIGKILL)
    while any(record.alive for record in living):
        time.sleep(0.02)
    return living


def without_password(address: str) -> str:
    """An address as it may be shown: what stands before `@` is left out."""
    return re.sub(r"//[^@/]*@", "//…@", address)
