"""A day off is made known while cases are open: every deadline it touches is moved, once, whatever dies on the way."""

import shutil
from collections.abc import AsyncIterator, Iterator
from datetime import date, timedelta

import pytest

from shared.events import deadlines, topics
from shared.events.deadlines import DeadlineEvent
from shared.stack import Running
from tests.connected.pipeline import SIXTH, Pipeline, at, meeting, started, until, working_day
from tests.faults.test_timers import UNPROMPTED

pytestmark = pytest.mark.connected


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("projecting")
    shutil.copytree(SIXTH, folder / "law")
    with started(folder / "home", law=folder / "law") as running:
        yield running


@pytest.fixture
async def suda(whole: Running) -> AsyncIterator[Pipeline]:
    async with meeting(whole) as pipeline:
        yield pipeline


def day_off(suda: Pipeline, day: date) -> None:
    """Written into the folder of the regulations; who starts from now on reads it."""
    assert suda.running.settings.law
    file = suda.running.settings.law / "calendar" / f"{day}.yaml"
    file.parent.mkdir(exist_ok=True)
    file.write_text(f"days:\n  - {{day: {day}, counts: false, why: 台风停工}}\n")


async def handovers(suda: Pipeline, cases: list[str], *types: str) -> dict[str, list[DeadlineEvent]]:
    """What was said of each case's hand-over, in the order of the log; what was repeated is the same."""
    found: dict[str, dict[str, DeadlineEvent]] = {case: {} for case in cases}
    for record in await suda.records(topics.DEADLINES):
        event = deadlines.parse(record.value)
        if event.case_id in found and event.obligation == "handover" and event.type in types:
            assert found[event.case_id].setdefault(event.id, event) == event
    return {case: list(said.values()) for case, said in found.items()}


@pytest.mark.parametrize("point", UNPROMPTED)
async def test_killed_while_deadlines_are_projected_anew_each_is_moved_once_and_breaches_on_the_new_day(
    suda: Pipeline, point: str
) -> None:
    day = await suda.morning()
    cases = [(await suda.complain())["case_id"] for _ in range(6)]
    await suda.settle()
    due, later = working_day(day, 2), working_day(day, 3)
    suda.running.stop("sla")
    day_off(suda, due)
    armed = suda.arm(point)
    suda.running.start("sla")
    await until(lambda: not armed.exists(), f"nobody passed “{point}”")
    await suda.settle()
    for said in (await handovers(suda, cases, "reprojected")).values():
        assert [(event.from_day, event.due_day) for event in said] == [(due, later)] and said[0].why
    await suda.step(at(later, 23))
    assert not any((await handovers(suda, cases, "breached")).values())
    await suda.step(at(later, 0) + timedelta(days=1))
    assert all(len(said) == 1 for said in (await handovers(suda, cases, "breached")).values())
    await suda.verify()
