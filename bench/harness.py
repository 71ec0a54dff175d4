"""The harness: the table of stages, a temporary home, what machine it was, and how figures are put together.

A stage gets its size (None: its default) and somewhere to say how far it is, and returns its figures as JSON values.
It runs in a home of its own, made for it and removed after it, never in the user's.
"""

import importlib
import os
import platform
import signal
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

from shared.errors import ConfigurationError

Say = Callable[[str], None]
Figures = dict[str, Any]


class Stage(NamedTuple):
    """Where a stage is, its one line, and the targets: the figures that must not be below, or above, a number."""

    place: str
    help: str
    at_least: Mapping[str, float] = {}
    at_most: Mapping[str, float] = {}

    def met(self, figures: Figures) -> bool:
        above = all(figures[name] >= number for name, number in self.at_least.items())
        return above and all(figures[name] <= number for name, number in self.at_most.items())


STAGES = {
    "pipeline": Stage(
        "bench.pipeline:run",
        "complaints/s through all services, against a relay of the same bytes (3 minutes)",
        at_least={"ratio": 0.35},
    ),
    "timers": Stage(
        "bench.timers:run",
        "rungs told per second, against a relay of the same documents; restart, memory, cost of opening (6 minutes)",
        at_least={"ratio": 0.4, "in_order": True},
        at_most={"open_one_growth": 1.25},
    ),
    "acts": Stage(
        "bench.acts:run",
        "acts/s through routing alone, against a relay of the same bytes, with few and with many cases (8 minutes)",
        at_least={"ratio": 0.4, "crowded": 0.9},
    ),
    "law": Stage(
        "bench.law:run",
        "binding plus all deadlines of a case, and loading all instruments (10 seconds)",
        at_most={"us_per_case": 60, "seconds_to_load": 0.5},
    ),
}


def measure(name: str, size: int | None, say: Say) -> Figures:
    """Run one stage to its end. Raises ConfigurationError for an unknown name."""
    if name not in STAGES:
        raise ConfigurationError(f"there is no stage '{name}'; there are: {', '.join(STAGES)}")
    stage = STAGES[name]
    module, _, function = stage.place.partition(":")
    began = time.monotonic()
    figures: Figures = getattr(importlib.import_module(module), function)(size, say)
    return {
        "stage": name,
        **figures,
        "targets": {"at_least": dict(stage.at_least), "at_most": dict(stage.at_most)},
        "met": stage.met(figures),
        "seconds": round(time.monotonic() - began, 1),
        "machine": machine(),
    }


@contextmanager
def home(name: str) -> Iterator[Path]:
    """A folder for the time of a stage; also an end by SIGTERM or a closed terminal leaves nothing behind."""

    def end(number: int, _: object) -> None:
        sys.exit(128 + number)

    before = {number: signal.signal(number, end) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        with tempfile.TemporaryDirectory(prefix=f"suda-bench-{name}-") as folder:
            yield Path(folder)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def machine() -> Figures:
    """What the figures were measured on; absolute ones mean nothing without it."""
    return {
        "cpus": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "processor": platform.machine(),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "load_1min": round(os.getloadavg()[0], 2),
        "packages": {name: version(name) for name in ("aiokafka", "faststream", "pymongo", "pydantic")},
    }


def spread(values: Sequence[float], digits: int = 1) -> Figures:
    """Median and range of repeated measurements."""
    return {
        "median": round(statistics.median(values), digits),
        "min": round(min(values), digits),
        "max": round(max(values), digits),
    }
