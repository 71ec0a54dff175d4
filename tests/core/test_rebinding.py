"""An unbound case is bound when what governs it is loaded; its clocks start where its history says."""

from pathlib import Path

import pytest

from services.reporting.core.row import replay
from services.routing.core import decide
from services.routing.core.decide import World
from services.sla.core.watch import Watched, advance, changes
from shared.events.base import Actor
from shared.events.cases import Acted, Rejected
from shared.events.intake import Accused, ActRequested, MatterNamed
from shared.law import load
from tests.core.cases import Story, at, complaint

STAND_IN = """
stand_ins:
  - for: suining-2023
    uses: suining-2023
    from: 2025-10-01
    until: 2026-12-31
    decided_by: 样例
    divisions: ["5109"]
    reason: 样例
"""


def asked(case_id: str, role: str = "system", organisation: str = "suda") -> ActRequested:
    return ActRequested(
        act_id="00000000-0000-4000-8000-000000000009", case_id=case_id, act="rebind",
        by=Actor(organisation=organisation, role=role), received_at=at("2026-03-03 09:00"),
    )  # fmt: skip


@pytest.fixture
def unbound(world: World) -> Story:
    """A complaint in Suining after its regulation lapsed."""
    came = complaint("2026-03-02 10:00", division="510903", accused=Accused(), matter=MatterNamed())
    story = Story(world, came)
    assert story.case.instrument is None
    return story


def test_with_a_stand_in_loaded_the_case_is_rebound_with_its_basis(
    world: World, unbound: Story, tmp_path: Path
) -> None:
    (tmp_path / "deployment.yaml").write_text(STAND_IN, encoding="utf-8")
    later = World(load(tmp_path), world.directory, world.calendar)
    decided = decide.act(asked(unbound.case.id), unbound.case, later)
    event = decided.events[0][0]
    assert isinstance(event, Acted) and (event.done, event.instrument) == ("rebound", "suining-2023")
    assert decided.case.instrument == "suining-2023" and event.data["stand_in"]
    row = replay([*unbound.events, event])
    assert row is not None and (row["instrument"], row["basis"]) == ("suining-2023", event.data["basis"])
    watched = Watched(unbound.case.id)
    for one in (*unbound.events, event):
        watched = advance(watched, one)
    _, found = changes(watched, later.law.get("suining-2023"), later.calendar, event.at)
    assert [(e.obligation, e.start_day.isoformat()) for e in found if e.type == "opened"][:1] == [
        ("handover", "2026-03-02")
    ]


def test_while_nothing_is_in_force_it_stays_unbound_and_says_why(world: World, unbound: Story) -> None:
    event = decide.act(asked(unbound.case.id), unbound.case, world).events[0][0]
    assert isinstance(event, Rejected) and event.reason == "not-in-law"


def test_a_bound_case_keeps_its_instrument(world: World) -> None:
    story = Story(world)
    event = decide.act(asked(story.case.id), story.case, world).events[0][0]
    assert isinstance(event, Rejected) and event.reason == "wrong-state"


@pytest.mark.parametrize(("role", "organisation"), [("officer", "suda"), ("system", "11510900XXXXXXX001")])
def test_nobody_but_the_platform_rebinds(world: World, unbound: Story, role: str, organisation: str) -> None:
    event = decide.act(asked(unbound.case.id, role, organisation), unbound.case, world).events[0][0]
    assert isinstance(event, Rejected) and event.reason == "not-allowed"
