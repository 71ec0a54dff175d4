"""Every scenario file on the pure cores of routing and sla."""

import pytest

from services.routing.core.decide import World
from tests.scenarios.play import Scenario, play, scenarios
from tests.scenarios.pure import Pure

ALL = list(scenarios())


@pytest.mark.parametrize("scenario", ALL, ids=str)
def test_it_goes_as_the_regulation_says(scenario: Scenario, world: World) -> None:
    play(scenario, Pure(world, str(scenario)))
