"""The golden files hold what was published of every event type and version: it is read, and written, byte for byte."""

import pytest

from services.routing.core.decide import World
from shared.events.base import Frozen
from tests.golden.write import TOPICS, kind, lines, produced

LINES = [(topic, line) for topic in TOPICS for line in lines(topic)]


@pytest.mark.parametrize(("topic", "line"), LINES, ids=lambda value: value if isinstance(value, str) else "")
def test_what_was_published_is_still_read_and_written_to_the_same_bytes(topic: str, line: bytes) -> None:
    event: Frozen = TOPICS[topic].parse(line)
    assert event.to_bytes() == line


def test_every_type_that_is_produced_has_a_golden_line(world: World) -> None:
    golden = {(topic, kind(topic, line)) for topic, line in LINES}
    missing = {(topic, kind(topic, value)) for topic, value in produced(world)} - golden
    assert not missing, "run: python -m tests.golden.write, which only appends"


def test_a_later_version_may_add_fields_that_today_are_passed_over() -> None:
    for topic, line in LINES:
        newer = line[:-1] + b',"a_field_of_next_year":{"x":[1]}}'
        assert TOPICS[topic].parse(newer) == TOPICS[topic].parse(line)
