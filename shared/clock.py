"""The one clock. A process asks it and nothing else for the time, so a month can pass in a minute on real parts.

`<home>/clock` (or SUDA_CLOCK) holds: real anchor, origin, speed. Now = origin + (real now − anchor) × speed.
Speed 0 is a clock that stands until somebody steps it by writing the file anew; every process sees the step
(docs/decisions/0004-clock.md).
"""

import asyncio
import os
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from shared.errors import ConfigurationError

ZONE = ZoneInfo("Asia/Shanghai")
AT_A_STRETCH = 60.0  # seconds slept at most: the machine may have been suspended, or its clock set, meanwhile
STEP_CHECK = 0.02  # seconds between looks at a standing clock's file; a running clock is never polled


@dataclass(frozen=True)
class Reading:
    """One content of the clock file."""

    anchor: datetime
    origin: datetime
    speed: float

    @classmethod
    def parse(cls, text: str) -> "Reading":
        """From `anchor origin speed`, separated by spaces or commas; raises ConfigurationError."""
        try:
            anchor, origin, speed = text.replace(",", " ").split()
            reading = cls(datetime.fromisoformat(anchor), datetime.fromisoformat(origin), float(speed))
            if reading.anchor.tzinfo is None or reading.origin.tzinfo is None or reading.speed < 0:
                raise ValueError
        except ValueError:
            raise ConfigurationError(
                "the clock must read 'REAL_ANCHOR ORIGIN SPEED', two ISO instants with zone and a number not below 0"
            ) from None
        return reading

    def text(self) -> str:
        return f"{self.anchor.isoformat()} {self.origin.isoformat()} {self.speed:g}\n"

    def at(self, real: datetime) -> datetime:
        return self.origin + (real - self.anchor) * self.speed


class Clock:
    """Reads `now()` in Asia/Shanghai and sleeps until an instant of its own time."""

    def __init__(self, path: Path | None = None, text: str | None = None) -> None:
        self._path = path
        self._seen: tuple[int, int] | None = None
        now = datetime.now(UTC)
        self._reading = Reading.parse(text) if text else Reading(now, now, 1.0)
        self._refresh()

    def _refresh(self) -> None:
        if self._path is None:
            return
        try:
            stat = os.stat(self._path)
        except FileNotFoundError:
            return
        if (stat.st_ino, stat.st_mtime_ns) != self._seen:
            self._seen = (stat.st_ino, stat.st_mtime_ns)
            self._reading = Reading.parse(self._path.read_text())

    @property
    def speed(self) -> float:
        self._refresh()
        return self._reading.speed

    def now(self) -> datetime:
        """The present instant, aware, in Asia/Shanghai."""
        self._refresh()
        return self._reading.at(datetime.now(UTC)).astimezone(ZONE)

    def seconds_until(self, instant: datetime) -> float:
        """Real seconds to wait for `instant`; infinite on a standing clock that is behind it."""
        left = (instant - self.now()).total_seconds()
        if left <= 0:
            return 0.0
        return left / self.speed if self.speed else float("inf")

    async def until(self, instant: datetime, wake: asyncio.Event | None = None) -> None:
        """Return at `instant`, or earlier when `wake` is set. A stepped clock is looked at every 20 ms."""
        while (left := self.seconds_until(instant)) > 0 and not (wake and wake.is_set()):
            pause = min(left, STEP_CHECK if self.speed == 0 else AT_A_STRETCH)
            if wake is None:
                await asyncio.sleep(pause)
                continue
            try:
                await asyncio.wait_for(wake.wait(), pause)
            except TimeoutError:
                continue


def write(path: Path, reading: Reading) -> None:
    """Replace the clock file atomically."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    draft.write_text(reading.text())
    os.replace(draft, path)


def step(path: Path, to: datetime) -> None:
    """Set the standing clock at `path` to `to`; never backwards."""
    current = Reading.parse(path.read_text())
    if current.speed != 0:
        raise ConfigurationError("this home's clock is running; only a standing clock (speed 0) can be stepped")
    if to < current.origin:
        raise ConfigurationError("the clock cannot be stepped back")
    write(path, Reading(datetime.now(UTC), to, 0.0))


def day_start(instant: datetime, days: int = 0) -> datetime:
    """00:00 in Shanghai of the instant's calendar day, `days` later."""
    local = instant.astimezone(ZONE)
    return datetime(local.year, local.month, local.day, tzinfo=ZONE) + timedelta(days=days)
