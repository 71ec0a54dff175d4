"""Lives under a regulation that nothing in the code knows of, and that is unlike the others."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from services.routing.core.decide import World
from services.sla.core.watch import Watched, advance, changes
from shared.events.deadlines import DeadlineEvent
from shared.law import load
from tests.core.cases import Story, articles, at, complaint

SEVENTH = Path(__file__).parents[1] / "law" / "seventh"
OFFICE, UNIT, CITY = "11530114XXXXXXX001", "11530114XXXXXXX016", "11530100XXXXXXX001"


@pytest.fixture(scope="module")
def more(world: World) -> World:
    return replace(world, law=load(SEVENTH))


def story(world: World, **more: Any) -> Story:
    given = {"division": "530114", "matter": {}, "accused": {"organisation": UNIT}} | more
    return Story(world, complaint("2026-09-18 10:00", **given))


def deadlines(one: Story) -> list[DeadlineEvent]:
    watched, found = Watched(one.case.id), list[DeadlineEvent]()
    for event in one.events:
        watched = advance(watched, event)
        watched, made = changes(watched, one.world.instrument(one.case), one.world.calendar, event.at)
        found += made
    return found


def opened(one: Story) -> dict[str, str]:
    """The instant each duty is due, as opened last."""
    return {e.obligation: f"{e.due_at.astimezone(at('2026-01-01 00:00').tzinfo):%m-%d %H:%M}" for e in deadlines(one)}


def test_hours_run_from_the_instant_and_a_duty_may_start_with_a_bounce(more: World) -> None:
    one = story(more)
    assert one.case.instrument == "chenggong-2026" and opened(one) == {"handover": "09-18 14:00"}
    one.applied("hand-over", "2026-09-18 11:00", "supervisor", to=UNIT)
    one.applied("bounce", "2026-09-18 12:00", "leader", reason="x")
    assert opened(one)["second-handover"] == "09-18 14:00"
    one.applied("hand-over", "2026-09-18 14:30", "system", "suda", to=UNIT)
    late = [e for e in deadlines(one) if e.type == "discharged" and e.obligation == "second-handover"]
    assert [e.late_days is not None for e in late] == [True]


@pytest.mark.parametrize(
    ("role", "ground", "reason"),
    [
        ("officer", "sensitive", "not-allowed"),
        ("officer", "elsewhere", "not-allowed"),
        ("officer", "silent", "ask-first"),
        ("supervisor", "elsewhere", "missing"),
        ("leader", "sensitive", None),
    ],
)
def test_a_ground_may_need_an_approval_an_asker_or_a_reminder(
    more: World, role: str, ground: str, reason: str | None
) -> None:
    one = story(more)
    if role != "supervisor":
        one.applied("hand-over", "2026-09-18 11:00", "supervisor", to=UNIT)
    event = one.act("refuse", "2026-09-18 12:00", role, ground=ground, reason="x")
    assert getattr(event, "reason", None) == reason and "2" in {number[0] for number in articles(event)}


def test_a_class_has_its_own_time_its_own_channels_and_is_its_leaders_word(more: World) -> None:
    one = story(more, channel="hotline")
    one.applied("hand-over", "2026-09-18 11:30", "supervisor", to=UNIT)
    assert one.rejected("classify", "2026-09-18 12:00", class_="express").reason == "not-allowed"
    one.applied("classify", "2026-09-18 12:10", "leader", class_="express")
    assert opened(one)["express"] == "09-19 11:30"
    web = story(more, id="web")
    web.applied("hand-over", "2026-09-18 11:30", "supervisor", to=UNIT)
    assert web.rejected("classify", "2026-09-18 12:10", "leader", class_="express").reason == "wrong-class"


def test_natural_days_end_on_a_working_day_and_may_be_extended_more_than_once(more: World) -> None:
    one = story(more)
    one.applied("hand-over", "2026-09-18 11:00", "supervisor", to=UNIT)
    one.applied("accept", "2026-09-18 12:00")
    assert opened(one)["plain"] == "09-29 00:00"  # the 25th is a holiday: the 28th, to its end
    told = {"complainant_told_on": "2026-09-21", "obligation": "plain"}
    one.applied("approve-extension", "2026-09-21 10:00", "supervisor", until="2026-09-29", **told)
    one.applied("approve-extension", "2026-09-21 11:00", "supervisor", until="2026-09-30", **told)
    assert opened(one)["plain"] == "10-01 00:00"
    assert opened(one)["inquiry"] == "09-22 00:00"  # another duty that can be extended is left where it was
    unnamed = one.rejected(
        "approve-extension", "2026-09-21 11:30", "supervisor", until="2026-10-08", **told | {"obligation": None}
    )
    assert unnamed.reason == "which" and "inquiry" in unnamed.explanation
    beyond = one.rejected("approve-extension", "2026-09-21 12:00", "supervisor", until="2026-10-20", **told)
    assert beyond.reason == "beyond-limit"


def test_an_act_may_be_for_some_channels_and_a_waiver_spares_the_answer_only(more: World) -> None:
    onsite = story(more, channel="onsite", received_by=UNIT)
    onsite.applied("accept", "2026-09-18 11:00")
    assert onsite.rejected("close", "2026-09-18 12:00", outcome="partly").reason == "not-in-law"
    assert "5(2)" in articles(onsite.applied("close", "2026-09-18 13:00", "leader", outcome="partly"))
    web = story(more, received_by=UNIT, complainant={"anonymous": True})
    web.applied("accept", "2026-09-18 11:00")
    assert web.rejected("close", "2026-09-18 12:00", "leader", outcome="partly").reason == "not-in-law"
    assert web.applied("close", "2026-09-18 13:00", outcome="partly").state == "closed"


def test_the_complainant_may_appeal_and_a_higher_level_may_verify(more: World) -> None:
    one = story(more, received_by=UNIT)
    one.applied("accept", "2026-09-18 11:00")
    assert one.rejected("verify", "2026-09-18 11:30", "inspector", OFFICE, result="confirmed").reason == "not-allowed"
    one.applied("verify", "2026-09-18 12:00", "inspector", CITY, result="confirmed")
    one.applied("answer", "2026-09-18 13:00", text="x")
    one.applied("close", "2026-09-18 14:00", outcome="substantiated")
    one.applied("appeal", "2026-09-21 10:00", "complainant", reason="x")
    assert opened(one)["review"] == "10-09 00:00" and one.case.accused == frozenset()
    one.applied("review", "2026-09-22 10:00", "leader", OFFICE, result="upheld")


def test_a_stranger_does_nothing_and_the_platform_merges(more: World) -> None:
    one = story(more, received_by=UNIT)
    into = {"into": "00000000-0000-5000-8000-000000000009"}
    assert one.rejected("merge", "2026-09-18 11:00", "system", "11530103XXXXXXX012", **into).reason == "out-of-scope"
    assert one.rejected("merge", "2026-09-18 11:00", "system", UNIT, **into).reason == "not-allowed"
    assert one.applied("merge", "2026-09-18 11:00", "system", "suda", **into).state == "absorbed"
