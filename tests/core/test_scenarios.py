"""Every scenario file on the pure cores of routing and sla."""

import pytest

from services.routing.core.decide import World
from tests.scenarios.play import INSTRUMENTS, Scenario, play, scenarios
from tests.scenarios.pure import Pure
from tests.scenarios.table import PAGE, Shown, met_by_cases, page, run

ALL = list(scenarios())


@pytest.mark.parametrize("scenario", ALL, ids=str)
def test_it_goes_as_the_regulation_says(scenario: Scenario, world: World) -> None:
    play(scenario, Pure(world, str(scenario)))


@pytest.fixture(scope="module")
def shown(world: World) -> dict[str, Shown]:
    return run(world)


@pytest.mark.parametrize("id", INSTRUMENTS)
def test_every_article_that_a_case_can_meet_is_met(id: str, shown: dict[str, Shown], world: World) -> None:
    rules = list(met_by_cases(world.law.get(id)))
    unseen = {
        f"{section} {entry.id}: {entry.citations[0].short}"
        for section, entry in rules
        if entry.citations[0].short not in shown[id].articles
    }
    assert not unseen


@pytest.mark.parametrize("id", INSTRUMENTS)
def test_every_act_is_done_and_every_duty_begun_and_fulfilled(id: str, shown: dict[str, Shown], world: World) -> None:
    instrument, seen = world.law.get(id), shown[id]
    assert {rule.act for rule in instrument.acts if not rule.common} <= seen.applied
    for duty in instrument.case_obligations:
        assert {(duty.id, "opened"), (duty.id, "discharged")} <= seen.duties, duty.id


def test_the_table_of_articles_is_as_the_scenarios_run(world: World) -> None:
    assert PAGE.read_text(encoding="utf-8") == page(world), "run: python -m tests.scenarios.table"
