"""The world that cores and handlers are tested in: the built-in law, the sample directory, the real calendar."""

from pathlib import Path

import pytest

from services.routing.core.decide import World
from shared.directory.files import read
from shared.directory.tree import Directory
from shared.law import Calendar, load

SAMPLES = Path(__file__).parents[1] / "deploy" / "samples"


@pytest.fixture(scope="session")
def world() -> World:
    directory = Directory()
    for offset, record in enumerate(read(SAMPLES / "directory.yaml")):
        directory.apply(record, offset)
    return World(load(), directory, Calendar.load())
