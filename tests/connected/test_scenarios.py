"""Every scenario file over HTTP on the real parts: the same outcome as on the pure cores, and a record that holds."""

import asyncio
from dataclasses import dataclass
from typing import Any

import pytest

from services.cli.verify import proof
from shared.clock import day_start
from tests.connected.pipeline import meeting, started
from tests.scenarios.over_http import OverHttp
from tests.scenarios.play import Scenario, moves, scenarios

pytestmark = [pytest.mark.connected, pytest.mark.timeout(900)]
ALL = list(scenarios())


@dataclass(frozen=True)
class Played:
    """What came of all scenarios: by scenario the first difference, and what `suda verify` found at the end."""

    wrong: dict[str, str]
    report: dict[str, Any]


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Played:
    agenda = [move for scenario in ALL for move in moves(scenario)]
    first = day_start(min(move.at for move in agenda))

    async def play(running: Any) -> Played:
        async with meeting(running) as suda:
            wrong = await OverHttp(suda).play(agenda)
        return Played(wrong, await proof(running))

    with started(tmp_path_factory.mktemp("scenarios") / "home", origin=first, law=None) as running:
        return asyncio.run(play(running))


@pytest.mark.parametrize("scenario", ALL, ids=str)
def test_it_goes_over_http_as_on_the_pure_cores(scenario: Scenario, played: Played) -> None:
    difference = played.wrong.get(str(scenario))
    assert difference is None, difference


def test_nothing_was_lost_doubled_or_missed_meanwhile(played: Played) -> None:
    assert played.report["verified"], [check for check in played.report["checks"] if not check["holds"]]
    assert played.report["counts"]["dead_letters"] == 0
