"""`verify` on deadlines: what was said under another calendar is named, what was brought under the loaded compared."""

import asyncio
import tempfile
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.cli.proof import deadlines as proof
from services.cli.proof.evidence import Evidence
from services.routing.core.decide import World
from services.sla.core.unwatched import Watches
from shared import clock
from shared.events import deadlines, topics
from shared.events.deadlines import DeadlineEvent
from shared.law import Calendar
from shared.law.calendar import Override
from shared.law.library import Library
from shared.law.operations import load_operations
from tests.core.cases import Story, at, complaint
from tests.handlers.fakes import case_record
from tests.handlers.lives import PLACES, play
from tests.handlers.test_sla_handlers import FakeStore
from tests.handlers.test_sla_projection import STORM, amended, process

RULES = Watches(load_operations().watches, load_operations().label)
NAMED = "set under other data, or re-projected"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    clock.write(tmp_path / "clock", clock.Reading(datetime.now(UTC), at("2026-09-21 12:00"), 0.0))
    return tmp_path / "clock"


class Life:
    """One case followed by processes under one calendar after the other, and what `verify` would see of it."""

    def __init__(self, world: World, path: Path, story: Story | None = None) -> None:
        self.world, self.path, self.store = world, path, FakeStore()
        self.story = story or Story(world).handed_over("2026-09-21 10:00")
        self.upto: int | None = None  # how much of the story has happened; None: all of it
        self.told, self.said = 0, dict[str, tuple[DeadlineEvent, bytes]]()

    async def under(self, calendar: Calendar, until: str) -> None:
        """A process of this calendar starts, takes what the story has got to, and fires until then."""
        one = process(self.world, self.store, self.path, calendar, load_operations())
        await one.handler.gained({0})
        await one.handler.handle([case_record(event) for event in self.story.events[self.told : self.upto]])
        self.told = len(self.story.events) if self.upto is None else self.upto
        await one.fire(until)
        self.said |= {
            deadlines.parse(value).id: (deadlines.parse(value), value) for value in one.bus.on(topics.DEADLINES)
        }

    def found(self, change: Callable[[DeadlineEvent], DeadlineEvent] = lambda event: event) -> Evidence:
        """The evidence, each deadline event changed first."""
        found = Evidence(clock.Clock(self.path).now())
        values = zip(self.story.events, self.story.values, strict=True)
        found.events[self.story.case.id] = {event.seq: (event, value) for event, value in values}
        found.deadlines = {id: (change(event), value) for id, (event, value) in self.said.items() if not event.period}
        return found


def judge(found: Evidence, law: Library, calendar: Calendar) -> tuple[list[str], dict[str, list[str]], list[str]]:
    """Findings, cases named, and what stands as judged."""
    again = proof.recompute(found, law, calendar, RULES)
    wrong = proof.deadlines(found, again) + proof.breaches(found, again)
    return wrong, again.other, proof.judged_otherwise(found, again)


async def test_how_far_a_period_can_be_extended_is_brought_under_a_new_year_too(world: World, path: Path) -> None:
    """Due before the year's end, extensible beyond it: the day it was due does not move, the latest one does."""
    clock.step(path, at("2026-12-10 12:00"))
    story = Story(world, complaint("2026-12-09 10:00")).handed_over("2026-12-09 11:00").accepted("2026-12-10 10:00")
    life = Life(world, path, story)
    await life.under(world.calendar, "2026-12-10 12:00")
    arrived = Calendar((Override(day=date(2027, 1, 1), counts=False, why="元旦"),), frozenset({2027}))
    await life.under(arrived, "2026-12-10 13:00")
    [moved] = [event for event, _ in life.said.values() if event.type == "reprojected"]
    assert (moved.from_day, moved.due_day, moved.latest_day) == (
        date(2026, 12, 24),
        date(2026, 12, 24),
        date(2027, 1, 8),
    )
    assert moved.why and judge(life.found(), world.law, arrived)[0] == []


async def test_under_one_calendar_everything_is_compared_exactly(world: World, path: Path) -> None:
    life = Life(world, path)
    await life.under(world.calendar, "2026-09-28 12:00")
    assert judge(life.found(), world.law, world.calendar) == ([], {}, [])
    wrong, _, _ = judge(life.found(changed("opened", "acceptance", debtor="X")), world.law, world.calendar)
    assert len(wrong) == 1 and "differs" in wrong[0]


async def test_a_deadline_that_was_brought_is_named_and_must_stand_exactly_where_the_loaded_calendar_puts_it(
    world: World, path: Path
) -> None:
    life = Life(world, path)
    await life.under(world.calendar, "2026-09-22 12:00")
    await life.under(STORM, "2026-09-28 12:00")
    case = life.story.case.id
    assert judge(life.found(), world.law, STORM) == ([], {NAMED: [case]}, [])
    for field in ({"due_day": date(2026, 9, 29)}, {"due_at": at("2026-09-29 00:01")}, {"provisional": True}):
        wrong, _, _ = judge(life.found(changed("reprojected", "acceptance", **field)), world.law, STORM)
        assert any("was not re-projected" in sentence for sentence in wrong), field


async def test_what_comes_after_the_move_is_compared_field_by_field(world: World, path: Path) -> None:
    life = Life(world, path)
    await life.under(world.calendar, "2026-09-22 12:00")
    life.story.accepted("2026-09-28 10:00")
    await life.under(STORM, "2026-09-29 12:00")
    assert judge(life.found(), world.law, STORM)[0] == []
    for name, field in (("acceptance", {"late_days": 2}), ("resolution", {"due_day": date(2026, 10, 20)})):
        kind = "discharged" if name == "acceptance" else "opened"
        assert judge(life.found(changed(kind, name, **field)), world.law, STORM)[0], name


async def test_of_what_was_said_before_the_move_all_but_the_days_is_compared(world: World, path: Path) -> None:
    life = Life(world, path)
    await life.under(world.calendar, "2026-09-22 12:00")
    await life.under(STORM, "2026-09-22 13:00")
    assert judge(life.found(changed("opened", "acceptance", due_day=date(2026, 9, 25))), world.law, STORM)[0] == []
    wrong, _, _ = judge(life.found(changed("opened", "acceptance", owes="administration")), world.law, STORM)
    assert len(wrong) == 1 and "differs" in wrong[0]


async def test_a_breach_that_stands_as_judged_is_listed_and_must_not_be_lost(world: World, path: Path) -> None:
    life = Life(world, path)
    await life.under(world.calendar, "2026-09-25 12:00")
    life.story.accepted("2026-09-28 10:00")
    await life.under(STORM, "2026-09-29 12:00")
    wrong, named, otherwise = judge(life.found(), world.law, STORM)
    assert wrong == [] and named == {NAMED: [life.story.case.id]}
    assert len(otherwise) == 2 and all("2026-09-28" in sentence for sentence in otherwise)  # breach and discharge
    lost = life.found()
    lost.deadlines = {id: pair for id, pair in lost.deadlines.items() if pair[0].type != "breached"}
    assert any("no breach stands" in sentence for sentence in judge(lost, world.law, STORM)[0])


async def test_a_case_whose_law_is_not_loaded_as_it_was_is_counted_and_named_and_not_judged(
    world: World, path: Path
) -> None:
    life = Life(world, path)
    await life.under(world.calendar, "2026-09-28 12:00")
    mended = Library(tuple(each.model_copy(update={"digest": each.digest + "x"}) for each in world.law.editions))
    wrong, named, _ = judge(life.found(changed("opened", "acceptance", debtor="X")), mended, world.calendar)
    assert wrong == [] and list(named.values()) == [[life.story.case.id]]


async def test_what_was_said_of_a_watch_that_is_no_rule_any_more_is_named_and_not_held_against_the_loaded_rules(
    world: World, path: Path
) -> None:
    story = Story(world, complaint("2026-09-21 10:00", division="999999", accused={}, matter={}))
    life = Life(world, path, story)
    await life.under(world.calendar, "2026-09-30 12:00")
    again = proof.recompute(life.found(), world.law, world.calendar, Watches())
    assert proof.deadlines(life.found(), again) == [] == proof.breaches(life.found(), again)
    assert list(again.other) == ["unbound-watch is no operational rule any more"]


async def test_what_a_process_without_the_edition_said_is_named_and_what_put_it_right_compared(
    world: World, path: Path
) -> None:
    newer = amended(world)
    life = Life(world, path, Story(newer).handed_over("2026-09-21 10:00"))
    await life.under(world.calendar, "2026-09-22 12:00")
    life.world = newer
    await life.under(world.calendar, "2026-09-29 12:00")
    assert judge(life.found(), newer.law, world.calendar) == ([], {NAMED: [life.story.case.id]}, [])
    wrong, _, _ = judge(
        life.found(changed("reprojected", "acceptance", due_day=date(2026, 9, 24))), newer.law, world.calendar
    )
    assert any("was not re-projected" in sentence for sentence in wrong)


async def test_a_breach_of_what_was_over_in_time_is_found(world: World, path: Path) -> None:
    life = Life(world, path)
    life.story.applied("withdraw", "2026-09-22 10:00", "complainant")
    await life.under(world.calendar, "2026-09-28 12:00")
    assert judge(life.found(), world.law, world.calendar)[0] == []
    gone = next(event for event, _ in life.said.values() if event.type == "superseded")
    wrong = life.found()
    breach = gone.model_copy(update={"id": "x", "type": "breached", "at": gone.due_at})
    wrong.deadlines["x"] = (breach, b"")
    wrong.now += timedelta(days=1)
    assert any("a breach stands" in sentence for sentence in judge(wrong, world.law, world.calendar)[0])


def closed(chance: Random, since: date) -> Calendar:
    """A calendar of its own: of the next weeks every other day is another one, a working day more seldom."""
    days = {since + timedelta(days=n): chance.random() < 0.4 for n in range(1, 30) if chance.random() < 0.5}
    return Calendar(tuple(Override(day=day, counts=counts, why="样例") for day, counts in sorted(days.items())))


@pytest.mark.parametrize("place", PLACES)
@settings(max_examples=5)
@given(seed=st.integers(0, 2**32), steps=st.integers(0, 14))
def test_however_calendars_follow_one_another_everything_holds_under_the_last(
    world: World, place: str, seed: int, steps: int
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "clock"
        story, chance = play(world, place, seed, steps), Random(seed)
        clock.write(path, clock.Reading(datetime.now(UTC), story.events[0].at, 0.0))
        life = Life(world, path, story)
        calendars = [world.calendar, *(closed(chance, story.events[0].at.date()) for _ in range(2))]
        found, calendar = asyncio.run(lived(life, calendars, chance))
        wrong, _, _ = judge(found, world.law, calendar)
        assert wrong == []


async def lived(life: Life, calendars: list[Calendar], chance: Random) -> tuple[Evidence, Calendar]:
    """Event by event, under one calendar and then another, and everything fired that is due on the way."""
    everything, calendar = life.story.events, calendars[0]
    while life.told < len(everything):
        calendar = chance.choice(calendars)
        life.upto = min(len(everything), life.told + chance.randrange(1, 4))
        clock.step(life.path, max(clock.Clock(life.path).now(), everything[life.upto - 1].at))
        await life.under(calendar, clock.Clock(life.path).now().strftime("%Y-%m-%d %H:%M:%S"))
    await life.under(calendar, (clock.Clock(life.path).now() + timedelta(days=40)).strftime("%Y-%m-%d %H:%M:%S"))
    return life.found(), calendar


def changed(kind: str, obligation: str, **fields: Any) -> Callable[[DeadlineEvent], DeadlineEvent]:
    """Such an event said otherwise."""

    def change(event: DeadlineEvent) -> DeadlineEvent:
        if (event.type, event.obligation) != (kind, obligation):
            return event
        return event.model_copy(update=fields)

    return change
