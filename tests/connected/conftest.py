"""One stack for all connected tests: each leaves it healthy behind."""

from collections.abc import AsyncIterator, Iterator

import pytest

from shared.stack import Running
from tests.connected.pipeline import Pipeline, meeting, started


@pytest.fixture(scope="package")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with started(tmp_path_factory.mktemp("whole") / "home") as running:
        yield running


@pytest.fixture
async def suda(whole: Running) -> AsyncIterator[Pipeline]:
    async with meeting(whole) as pipeline:
        yield pipeline
