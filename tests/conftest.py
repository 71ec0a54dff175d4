"""The world that cores and handlers are tested in: the built-in law, the sample directory, the real calendar."""

from pathlib import Path

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


@pytest.fixture(scope="session")
def world() -> World:
    directory = Directory()
    for offset, record in enumerate(read(SAMPLES / "directory.yaml")):
        directory.apply(record, offset)
    return World(load(), directory, Calendar.load())
