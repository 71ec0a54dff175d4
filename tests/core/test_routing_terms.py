"""What the scenarios do not say: shapes against the law's demands, places and bodies, levels of checking."""

from dataclasses import replace
from typing import Any

import pytest
from pydantic import ValidationError

from services.intake.core.acts import DATA
from services.routing.core.binding import bound
from services.routing.core.decide import World
from services.routing.core.relations import checker
from services.routing.core.standing import not_governed, venue
from shared.directory.files import read
from shared.directory.tree import Directory
from shared.events.intake import Accused, MatterNamed
from shared.law.vocabulary import INTERNAL
from tests.conftest import SAMPLES
from tests.core.cases import Story, at, complaint

TAX = "11530100XXXXXXX020"
DAY = at("2026-09-18 10:00").date()


def test_every_field_an_instrument_asks_for_is_in_the_shape_of_its_act(world: World) -> None:
    for instrument in world.law.instruments.values():
        for rule in instrument.acts:
            if rule.act in INTERNAL:
                continue
            names = {field.alias or name for name, field in DATA[rule.act].model_fields.items()}
            assert set(rule.requires) | set(rule.given) <= names, (instrument.id, rule.id)
            for name, words in rule.given.items():
                for word in words:
                    DATA[rule.act].read({name: word})


def test_a_topic_that_no_text_knows_is_refused_at_the_door() -> None:
    with pytest.raises(ValidationError):
        DATA["report"].read({"topic": "gossip"})


@pytest.fixture
def elsewhere(world: World) -> World:
    """The tax office of Kunming not stationed in any centre."""
    directory = Directory()
    for offset, record in enumerate(read(SAMPLES / "directory.yaml")):
        moved = record.model_copy(update={"venue": None}) if record.code == TAX else record
        directory.apply(moved, offset)
    return replace(world, directory=directory)


def test_a_vertically_managed_body_is_out_and_its_window_in_a_service_centre_is_in(
    world: World, elsewhere: World
) -> None:
    """Yunnan 2."""
    came = complaint(division="530100", accused=Accused(organisation="昆明市税务局"), matter=MatterNamed())
    assert bound(came, world.law, world.directory).instrument == "yunnan-2022"
    assert bound(came, elsewhere.law, elsewhere.directory).instrument is None
    other = complaint(division="530100", matter=MatterNamed(code="YL50001"), accused=Accused())
    story = Story(elsewhere, other)
    event = story.rejected("hand-over", "2026-09-21 10:00", "supervisor", to=TAX)
    assert event.reason == "not-governed" and {"10", "2"} <= {citation.article for citation in event.citations}


def test_the_place_is_the_centres_kind(world: World) -> None:
    found = {
        code: venue(world.directory.organisation(code, DAY), world.directory, DAY)
        for code in ("12370400XXXXXXX002", "11370400XXXXXXX012", "11370400XXXXXXX011", TAX)
    }
    assert list(found.values()) == ["citizens-centre", "citizens-centre", None, "service-centre"]
    outside = world.directory.organisation("11370400XXXXXXX011", DAY)
    assert outside and not_governed(outside, world.law.get("zaozhuang-2020"), world.directory, DAY, "370400")


@pytest.mark.parametrize(
    ("unit", "by"),
    [
        ("11410503XXXXXXX012", "11410500XXXXXXX001"),  # a district's unit: the city
        ("11410503XXXXXXX001", "11410500XXXXXXX001"),  # the district's own bureau: the city too
        ("11410500XXXXXXX011", "11410500XXXXXXX001"),  # the city's unit: the city
        ("11419001XXXXXXX016", "11419001XXXXXXX001"),  # a county directly under the province: itself
        ("11410000XXXXXXX003", "11410000XXXXXXX001"),  # a provincial body: the province
        (None, None),
    ],
)
def test_replies_are_checked_at_the_level_that_the_text_names(world: World, unit: str | None, by: str | None) -> None:
    """Henan 6(2)."""
    assert checker(unit, world.law.get("henan-2020"), world.directory, DAY) == by


@pytest.mark.parametrize("data", [{"served_on": "2026-09-23"}, {"served_on": "some day"}, {"served_on": None}])
def test_a_notice_is_served_on_a_day_that_has_been(world: World, data: dict[str, Any]) -> None:
    event = Story(world).handed_over().rejected("accept", "2026-09-22 10:00", served_by="phone", **data)
    assert event.reason in ("future-day", "no-such-day", "missing")
