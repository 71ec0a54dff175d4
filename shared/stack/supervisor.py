"""Keeps the parts of one home alive: starts them, waits for their health, starts them again, stops them in order.

One supervisor a home: it holds `<home>/run/lock` for its life, and the kernel lets go of it however it dies. Every part
is a process in a session of its own (Ctrl-C does not reach it) on a leash (it dies with the supervisor). All parts are
spawned by one thread that lives as long as the supervisor, because the kernel's leash is held by the spawning *thread*.
"""

import fcntl
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import TracebackType
from typing import IO

from shared.errors import ConfigurationError, Unavailable
from shared.stack import logs, process
from shared.stack.process import Record

LEASH = Path(__file__).with_name("leash.py")
FIRST_PAUSE, LONGEST_PAUSE = 0.1, 10.0  # before a part is started again
STEADY = 3.0  # seconds of life, once ready, after which a crash counts as the first again
TRIES = 4  # times a part may end before it was ever ready


@dataclass(frozen=True)
class Part:
    """One process to keep alive."""

    name: str
    argv: list[str]
    ready: Callable[[], bool]  # asked every 50 ms until it says yes
    tier: int  # stopped from the highest to the lowest
    env: Mapping[str, str] = field(default_factory=dict)
    url: str | None = None
    grace: float = 15.0  # seconds between SIGTERM and SIGKILL


class Child:
    """A part's present process and its history. Changed only under the supervisor's condition."""

    def __init__(self, part: Part) -> None:
        self.part = part
        self.popen: subprocess.Popen[bytes] | None = None
        self.record: Record | None = None
        self.wanted = True
        self.ready = self.ever_ready = False
        self.due = self.born = 0.0
        self.crashes = self.restarts = 0


class Supervisor:
    """Use as a context manager; leaving it stops everything in order."""

    def __init__(self, home: Path, say: Callable[[str], None]) -> None:
        self.home, self._say = home, say
        self._children: dict[str, Child] = {}
        self._changed = threading.Condition()
        self._over = False
        self._lock: int | None = None
        self._thread = threading.Thread(target=self._keep, name="suda-supervisor", daemon=True)

    def __enter__(self) -> "Supervisor":
        self._take_home()
        try:
            leftovers = process.end(
                sorted(process.records(self.home), key=lambda record: record.name in ("kafka", "store"))
            )
            if leftovers:
                self._say(f"ended what a killed supervisor had left: {', '.join(record.name for record in leftovers)}")
            for record in process.records(self.home):
                process.forget(self.home, record.name)
        except BaseException:
            self._leave_home()
            raise
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self.stop_all()
        except BaseException:  # a second Ctrl-C: no more patience
            self.kill_all()
            raise
        finally:
            with self._changed:
                self._over = True
                self._changed.notify_all()
            self._thread.join(5)
            process.forget(self.home, "stack")
            self._leave_home()

    def _take_home(self) -> None:
        try:
            (self.home / "run").mkdir(parents=True, exist_ok=True)
            self._lock = os.open(self.home / "run" / "lock", os.O_CREAT | os.O_RDWR, 0o600)
        except OSError as error:
            raise ConfigurationError(f"{self.home}: {error.strerror}; set SUDA_HOME to another folder") from None
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self._leave_home()
            other = process.read(self.home, "stack")
            whose = f" (process {other.pid})" if other and other.alive else ""
            raise ConfigurationError(
                f"a supervisor{whose} already runs for {self.home}: stop it with ./suda down, or set another SUDA_HOME"
            ) from None

    def _leave_home(self) -> None:
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    # ---- what callers ask for

    def start(self, part: Part) -> None:
        """Keep `part` alive from now on; returns at once."""
        with self._changed:
            child = self._children.get(part.name)
            if child and child.popen:
                child.part, child.wanted = part, True
            else:
                self._children[part.name] = Child(part)
            self._changed.notify_all()

    def await_ready(self, names: list[str], timeout: float) -> None:
        """Return when all are ready; raises Unavailable with the last words of one that cannot."""
        limit = time.monotonic() + timeout
        with self._changed:
            while waiting := [name for name in names if not self._children[name].ready]:
                for name in waiting:
                    child = self._children[name]
                    if not child.ever_ready and child.crashes >= TRIES:
                        raise Unavailable(self._last_words(name, f"ended {child.crashes} times while starting"))
                left = limit - time.monotonic()
                if left <= 0:
                    raise Unavailable(self._last_words(waiting[0], f"was not ready within {timeout:.0f} s"))
                self._changed.wait(left)

    def stop(self, name: str) -> None:
        """Stop one part in order, and do not start it again."""
        self._stop([name])

    def stop_all(self) -> None:
        """Services first, then Kafka, then the store."""
        for tier in sorted({child.part.tier for child in self._children.values()}, reverse=True):
            self._stop([name for name, child in self._children.items() if child.part.tier == tier])

    def kill_all(self) -> None:
        """Everything, at once."""
        with self._changed:
            for child in self._children.values():
                child.wanted = False
                self._kill(child)
            self._changed.notify_all()
            self._changed.wait_for(lambda: not any(child.popen for child in self._children.values()), 5)

    def _stop(self, names: list[str]) -> None:
        with self._changed:
            children = [self._children[name] for name in names if name in self._children]
            for child in children:
                child.wanted = False
                if child.popen:
                    self._write(child, "stopping")
                    child.popen.send_signal(signal.SIGTERM)
                    child.popen.send_signal(signal.SIGCONT)  # a stopped process would not see the first
                else:
                    process.forget(self.home, child.part.name)
            grace = max((child.part.grace for child in children), default=0.0)
            self._changed.wait_for(lambda: not any(child.popen for child in children), grace)
            for child in children:
                if child.popen:
                    self._say(f"{child.part.name} did not stop within {grace:.0f} s and is killed")
                    self._kill(child)
            self._changed.wait_for(lambda: not any(child.popen for child in children), 5)

    @staticmethod
    def _kill(child: Child) -> None:
        if child.popen and child.popen.poll() is None:
            try:
                os.killpg(child.popen.pid, signal.SIGKILL)
            except (ProcessLookupError, PermissionError):
                child.popen.kill()

    def _last_words(self, name: str, what: str) -> str:
        log = logs.path(self.home, name)
        words = logs.last_line(log)
        return f"{name} {what}: {words or 'it said nothing'} (see {log})"

    # ---- the supervisor's own thread

    def _keep(self) -> None:
        with self._changed:
            while not self._over:
                now = time.monotonic()
                idle = [child for child in self._children.values() if child.wanted and child.popen is None]
                for child in idle:
                    if child.due <= now:
                        self._spawn(child)
                for name in self._children:
                    logs.trim(logs.path(self.home, name))
                pauses = [child.due - now for child in idle if child.popen is None]
                self._changed.wait(max(0.01, min([5.0, *pauses])))

    def _spawn(self, child: Child) -> None:
        part = child.part
        command = [sys.executable, "-I", "-S", str(LEASH), str(os.getpid()), *part.argv]
        try:
            with logs.opened(self.home, part.name) as out:
                popen = self._popen(command, part, out)
        except OSError as error:
            self._failed(child, f"{part.name} cannot be started: {error}")
            return
        child.popen, child.born, child.ready = popen, time.monotonic(), False
        mark = process.started(popen.pid) or ""
        child.record = Record(part.name, popen.pid, mark, "starting", part.argv, part.url, child.restarts)
        self._write(child, "starting")
        threading.Thread(target=self._watch, args=(child, popen), name=f"suda-watch-{part.name}", daemon=True).start()

    @staticmethod
    def _popen(command: list[str], part: Part, out: IO[bytes]) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT,
            env={**os.environ, **part.env}, start_new_session=True,
        )  # fmt: skip

    def _watch(self, child: Child, popen: "subprocess.Popen[bytes]") -> None:
        """Wait for one process: for its health, then for its end."""
        while not self._ended(popen, 0.05):
            if child.part.ready() and popen.poll() is None:
                with self._changed:
                    child.ready = child.ever_ready = True
                    if child.wanted:
                        self._write(child, "ready")
                    self._changed.notify_all()
                popen.wait()
        with self._changed:
            self._gone(child, popen)
            self._changed.notify_all()

    @staticmethod
    def _ended(popen: "subprocess.Popen[bytes]", timeout: float) -> bool:
        try:
            popen.wait(timeout)
        except subprocess.TimeoutExpired:
            return False
        return True

    def _gone(self, child: Child, popen: "subprocess.Popen[bytes]") -> None:
        steady = child.ready and time.monotonic() - child.born > STEADY
        child.popen, child.ready = None, False
        if not child.wanted:
            process.forget(self.home, child.part.name)
            return
        if steady:
            child.crashes = 0
        code = popen.returncode
        self._failed(child, f"{child.part.name} ended ({signal_name(code)}); starting it again")
        self._write(child, "starting")

    def _failed(self, child: Child, what: str) -> None:
        child.crashes += 1
        child.restarts += 1
        child.due = time.monotonic() + min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** (child.crashes - 1))
        if self._home_left():
            child.wanted = False
        else:
            self._say(what)

    def _home_left(self) -> bool:
        return not (self.home / "run").exists()

    def _write(self, child: Child, state: str) -> None:
        if child.record and not self._home_left():
            child.record = replace(child.record, state=state, restarts=child.restarts)
            process.write(self.home, child.record)


def signal_name(code: int) -> str:
    """How a process ended, for people."""
    if code >= 0:
        return f"exit {code}"
    try:
        return signal.Signals(-code).name
    except ValueError:
        return f"signal {-code}"
