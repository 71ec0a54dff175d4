"""Calendar and ladder change under open duties: what is open moves and says why, what was judged stays."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from services.routing.core.decide import World
from services.sla.core.unwatched import Watches
from services.sla.desk import Desk
from services.sla.handlers import Handler
from services.sla.timers import Timers
from shared import clock
from shared.errors import ConfigurationError, Unavailable
from shared.law import Calendar, load
from shared.law.calendar import Override
from shared.law.library import Library
from shared.law.operations import Operations, load_operations
from shared.law.overrides import sealed
from tests.core.cases import Story, at, complaint
from tests.handlers.fakes import FakeBus, case_record
from tests.handlers.test_sla_handlers import FakeStore, Process
from tests.law.test_sixth import SIXTH

STORM = Calendar((Override(day=date(2026, 9, 23), counts=False, why="台风停工", divisions=("5301",)),))


def process(world: World, store: FakeStore, path: Path, calendar: Calendar, operations: Operations) -> Process:
    made = Process(world, store, FakeBus(), path)
    import asyncio

    lock, held = asyncio.Lock(), clock.Clock(path)
    rules = Watches(operations.watches, operations.label)
    desk = Desk(store.journal, world.law, calendar, rules)  # type: ignore[arg-type]
    parts = (made.bus, store, desk)
    made.timers = Timers(*parts, operations, calendar, held, lock, world.directory, world.law)  # type: ignore[arg-type]
    made.handler = Handler(*parts, made.timers, held, lock)  # type: ignore[arg-type]
    return made


@pytest.fixture
def path(tmp_path: Path) -> Path:
    clock.write(tmp_path / "clock", clock.Reading(datetime.now(UTC), at("2026-09-21 12:00"), 0.0))
    return tmp_path / "clock"


async def begun(world: World, path: Path, story: Story) -> FakeStore:
    store = FakeStore()
    first = process(world, store, path, world.calendar, load_operations())
    await first.handler.gained({0})
    await first.handler.handle([case_record(event) for event in story.events])
    return store


async def test_a_local_override_moves_an_open_deadline_and_says_from_to_and_why(world: World, path: Path) -> None:
    store = await begun(world, path, Story(world).handed_over("2026-09-21 10:00"))
    second = process(world, store, path, STORM, load_operations())
    await second.handler.gained({0})
    (moved,) = [event for event in second.events() if not event.period]
    assert (moved.type, moved.obligation) == ("reprojected", "acceptance")
    assert (moved.from_day, moved.due_day) == (date(2026, 9, 24), date(2026, 9, 28))
    assert moved.why and STORM.at("530102").version in moved.why and world.calendar.version in moved.why
    await second.fire("2026-09-28 23:59")
    assert "acceptance breach" not in second.told()
    await second.fire("2026-09-29 00:00")
    assert second.told().count("acceptance breach") == 1


async def test_it_is_done_once_and_a_restart_under_the_same_data_says_nothing(world: World, path: Path) -> None:
    store = await begun(world, path, Story(world).handed_over("2026-09-21 10:00"))
    await process(world, store, path, STORM, load_operations()).handler.gained({0})
    third = process(world, store, path, STORM, load_operations())
    await third.handler.gained({0})
    assert third.events() == [] and len(third.timers.heap) == 1


async def test_dead_between_its_commit_and_its_publication_the_next_owner_carries_it_out(
    world: World, path: Path
) -> None:
    store = await begun(world, path, Story(world).handed_over("2026-09-21 10:00"))
    second = process(world, store, path, STORM, load_operations())
    second.bus.away = 1
    with pytest.raises(Unavailable):
        await second.handler.gained({0})
    third = process(world, store, path, STORM, load_operations())
    await third.handler.gained({0})
    assert third.told() == ["acceptance reprojected"] and store.claims == {}
    await third.fire("2026-09-28 23:59")
    assert "acceptance breach" not in third.told()


@pytest.mark.parametrize(("off", "due"), [((date(2027, 1, 1),), date(2027, 1, 4)), ((), date(2027, 1, 1))])
async def test_when_the_years_calendar_arrives_what_was_provisional_is_so_no_longer(
    world: World, path: Path, off: tuple[date, ...], due: date
) -> None:
    clock.step(path, at("2026-12-30 11:00"))
    store = await begun(world, path, Story(world, complaint("2026-12-30 10:00")))
    arrived = Calendar(tuple(Override(day=day, counts=False, why="元旦") for day in off), frozenset({2027}))
    second = process(world, store, path, arrived, load_operations())
    await second.handler.gained({0})
    (moved,) = second.events()
    assert (moved.type, moved.from_day, moved.due_day) == ("reprojected", date(2027, 1, 1), due)
    assert moved.provisional is False and moved.why
    await second.fire(f"{due} 23:59:59")
    assert [
        event.rung for event in second.events() if event.obligation == "handover" and event.type == "breached"
    ] == []
    await second.fire(f"{due + timedelta(days=1)} 00:00")
    assert [event.rung for event in second.events() if event.type == "breached"][:1] == ["breach"]


async def test_another_place_is_not_touched(world: World, path: Path) -> None:
    dali = complaint("2026-09-21 10:00", division="532901", accused={"organisation": "11532901XXXXXXX012"})
    store = await begun(world, path, Story(world, dali))
    second = process(world, store, path, STORM, load_operations())
    await second.handler.gained({0})
    assert second.events() == [] and len(second.timers.heap) == 1


async def test_a_breach_that_was_declared_stays(world: World, path: Path) -> None:
    store = FakeStore()
    first = process(world, store, path, world.calendar, load_operations())
    await first.handler.gained({0})
    await first.handler.handle([case_record(event) for event in Story(world).handed_over("2026-09-21 10:00").events])
    await first.fire("2026-09-28 08:00")
    assert "acceptance breach" in first.told()
    second = process(world, store, path, STORM, load_operations())
    await second.handler.gained({0})
    assert [event.type for event in second.events()] == []
    await second.fire("2026-10-30 08:00")
    assert "acceptance breach" not in second.told() and "acceptance level-above" in second.told()


async def test_a_breach_that_was_declared_stays_whatever_is_done_on_the_case_afterwards(
    world: World, path: Path
) -> None:
    store, story = FakeStore(), Story(world).handed_over("2026-09-21 10:00")
    first = process(world, store, path, world.calendar, load_operations())
    await first.handler.gained({0})
    await first.handler.handle([case_record(event) for event in story.events])
    await first.fire("2026-09-25 00:00")
    second = process(world, store, path, STORM, load_operations())  # under which it is due on the 28th
    await second.handler.gained({0})
    story.applied("note", "2026-09-28 09:00", text="x")
    await second.handler.handle([case_record(story.events[-1])])
    assert second.events() == []
    story.accepted("2026-09-28 10:00")
    await second.handler.handle([case_record(story.events[-1])])
    done = next(event for event in second.events() if event.obligation == "acceptance")
    assert (done.type, done.due_day, done.late_days) == ("discharged", date(2026, 9, 24), 1)
    assert done.calendar is None and done.why and "acceptance breach-withdrawn" not in second.told()


async def test_two_deployments_with_different_calendars_say_each_move_under_an_id_of_its_own(
    world: World, path: Path
) -> None:
    store, said = await begun(world, path, Story(world).handed_over("2026-09-21 10:00")), []
    for minute, calendar in enumerate((STORM, world.calendar, STORM, world.calendar)):
        clock.step(path, at(f"2026-09-21 12:0{minute}"))
        one = process(world, store, path, calendar, load_operations())
        await one.handler.gained({0})
        said += one.events()
    assert [event.due_day.day for event in said] == [28, 24, 28, 24]
    assert len({event.id for event in said}) == 4


async def test_after_the_move_the_case_goes_on_under_the_new_day(world: World, path: Path) -> None:
    story = Story(world).handed_over("2026-09-21 10:00")
    store = await begun(world, path, story)
    second = process(world, store, path, STORM, load_operations())
    await second.handler.gained({0})
    story.accepted("2026-09-28 10:00")
    await second.handler.handle([case_record(story.events[-1])])
    done = next(event for event in second.events() if event.type == "discharged")
    assert (done.due_day, done.late_days) == (date(2026, 9, 28), None)
    assert [event.type for event in second.events() if event.obligation == "resolution"] == ["opened"]


def amended(world: World) -> World:
    """With another law's period for one place: two working days for Yunnan's acceptance, where the text has three."""
    old = world.law.get("yunnan-2022")
    shorter = old.obligation("acceptance").period.model_copy(update={"length": 2})
    duties = tuple(
        duty.model_copy(update={"period": shorter}) if duty.id == "acceptance" else duty for duty in old.obligations
    )
    there = old.governs.model_copy(update={"divisions": ("530102",)})
    local = sealed(old, {"obligations": duties, "governs": there, "variant": True})
    return replace(world, law=Library((*world.law.editions, local)))


async def test_a_process_that_has_not_loaded_the_edition_yet_is_put_right_by_one_that_has(
    world: World, path: Path
) -> None:
    newer = amended(world)
    store = await begun(world, path, Story(newer).handed_over("2026-09-21 10:00"))
    second = process(newer, store, path, world.calendar, load_operations())
    await second.handler.gained({0})
    (moved,) = [event for event in second.events() if not event.period]
    assert (moved.type, moved.from_day, moved.due_day) == ("reprojected", date(2026, 9, 24), date(2026, 9, 23))
    third = process(newer, store, path, world.calendar, load_operations())
    await third.handler.gained({0})
    assert third.events() == []


async def test_another_ladder_is_climbed_from_now_on(world: World, path: Path) -> None:
    store = await begun(world, path, Story(world).handed_over("2026-09-21 10:00"))
    ladders = dict(load_operations().ladders)
    ladders["counted"] = tuple(rung for rung in ladders["counted"] if rung.name != "warning-before")
    changed = load_operations().model_copy(update={"ladders": ladders})
    changed.__dict__.pop("digest", None)
    second = process(world, store, path, world.calendar, changed)
    await second.handler.gained({0})
    (moved,) = second.events()
    assert (moved.type, moved.from_day, moved.due_day) == ("reprojected", moved.due_day, date(2026, 9, 24))
    await second.fire("2026-09-25 00:00")
    assert second.told() == ["acceptance reprojected", "acceptance warning-last-day", "acceptance breach"]


def unwatched() -> Operations:
    """The operational rules without a watch."""
    changed = load_operations().model_copy(update={"watches": ()})
    changed.__dict__.pop("digest", None)
    return changed


@pytest.mark.parametrize("moved", [False, True])
async def test_a_watch_that_is_no_rule_any_more_climbs_the_ladder_it_has_and_ends_with_its_case(
    world: World, path: Path, moved: bool
) -> None:
    story = Story(world, complaint("2026-09-21 10:00", division="999999", accused={}, matter={}))
    store = await begun(world, path, story)
    if moved:  # what stands open of it is no opening, but a re-projection
        ladders = dict(load_operations().ladders)
        ladders["administration"] = ladders["administration"][1:]
        shorter = load_operations().model_copy(update={"ladders": ladders})
        shorter.__dict__.pop("digest", None)
        await process(world, store, path, world.calendar, shorter).handler.gained({0})
    without = process(world, store, path, world.calendar, unwatched())
    await without.handler.gained({0})
    await without.handler.handle([case_record(event) for event in story.events])  # and an old event comes again
    await without.fire("2026-09-24 00:00")
    assert without.told()[-1] == "unbound-watch breach"
    story.applied("withdraw", "2026-09-24 10:00", "complainant")
    await without.handler.handle([case_record(story.events[-1], 5)])
    over = without.events()[-1]
    assert (over.type, over.obligation, over.title, over.owes, over.instrument) == (
        "superseded", "unbound-watch", "未绑定办件的跟进", "administration", "operations"
    )  # fmt: skip
    assert len(without.timers.heap) == 0


async def test_a_case_whose_instrument_is_not_there_any_more_ends_the_process_with_the_mend(
    world: World, path: Path
) -> None:
    sixth = replace(world, law=load(SIXTH))
    story = Story(sixth, complaint("2026-09-21 10:00", division="990102", accused={}, matter={}))
    store = await begun(sixth, path, story)
    without = process(world, store, path, world.calendar, load_operations())
    with pytest.raises(ConfigurationError, match="bound to linhai-2026, which is not loaded: have SUDA_LAW name"):
        await without.handler.gained({0})
    story.applied("withdraw", "2026-09-21 11:00", "complainant")
    with pytest.raises(ConfigurationError, match="SUDA_LAW"):
        await without.handler.handle([case_record(story.events[-1], 5)])
    again = process(sixth, store, path, world.calendar, load_operations())
    await again.handler.gained({0})
    await again.handler.handle([case_record(story.events[-1], 5)])
    assert again.told()[-1] == "handover superseded"
