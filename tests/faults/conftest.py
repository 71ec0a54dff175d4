"""One stack for all that is broken here; each test ends with it healthy."""

from collections.abc import AsyncIterator, Iterator

import pytest

from shared.stack import Running
from tests.connected.pipeline import Pipeline, meeting, started


@pytest.fixture(scope="package")
def breakable(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with started(tmp_path_factory.mktemp("breakable") / "home") as running:
        yield running


@pytest.fixture
async def suda(breakable: Running) -> AsyncIterator[Pipeline]:
    async with meeting(breakable) as pipeline:
        yield pipeline
