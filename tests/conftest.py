"""The world that cores and handlers are tested in: the built-in law, the sample directory, the real calendar."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from services.routing.core.decide import World
from shared.directory.files import read
from shared.directory.tree import Directory
from shared.law import Calendar, load

# A loaded machine is slow, not wrong: no test may fail for that.
settings.register_profile("suda", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("suda")

SAMPLES = Path(__file__).parents[1] / "deploy" / "samples"


class SampleWorld(World):
    """Told in a word where a property fails and prints what it was given."""

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        printer.text("world")


@pytest.fixture(scope="session")
def world() -> World:
    directory = Directory()
    for offset, record in enumerate(read(SAMPLES / "directory.yaml")):
        directory.apply(record, offset)
    return SampleWorld(load(), directory, Calendar.load())
