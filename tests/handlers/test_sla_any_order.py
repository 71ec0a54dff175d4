"""Random lives under all five instruments, in any order of arrival and any batches, repeated: the deadlines are those
of a replay from scratch, rungs come in order and once, and no extension passes what the law allows.
"""

import asyncio
import tempfile
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.routing.core.decide import World
from services.sla.core import timers
from services.sla.core.unwatched import Watches
from services.sla.core.watch import Watched, advance, changes
from shared import clock
from shared.events import deadlines
from shared.events.deadlines import DeadlineEvent
from shared.law.operations import load_operations
from tests.core.cases import Story
from tests.handlers.fakes import FakeBus, case_record
from tests.handlers.lives import BEGIN, PLACES, extending, play
from tests.handlers.test_sla_handlers import FakeStore, Process

OPERATIONS = load_operations()
RULES = Watches(OPERATIONS.watches, OPERATIONS.label)


def from_scratch(world: World, story: Story) -> dict[str, DeadlineEvent]:
    watched, found = Watched(story.case.id), dict[str, DeadlineEvent]()
    for event in story.events:
        opened = story.case.opened
        law = world.law.get(opened.instrument, opened.law_digest) if opened.instrument else None
        calendar = world.calendar.at(opened.division)
        watched, made = changes(advance(watched, event), law, calendar, event.at, RULES)
        found |= {one.id: one for one in made}
    return found


async def arrive(world: World, story: Story, seed: int, path: Path) -> tuple[Process, dict[str, DeadlineEvent]]:
    """The case's events, shuffled, cut into batches, some repeated, through handlers of processes that come and go."""
    chance, store, bus = Random(seed), FakeStore(), FakeBus()
    process = Process(world, store, bus, path)
    records = [case_record(event) for event in story.events]
    records += chance.sample(records, len(records) // 2)
    chance.shuffle(records)
    while records:
        size = chance.randrange(1, 5)
        batch, records = records[:size], records[size:]
        if chance.random() < 0.3:
            process = Process(world, store, bus, path)
            await process.handler.gained({0})
        await process.handler.handle(batch)
    return process, {event.id: event for event in process.events() if not event.rung and not event.period}


@pytest.mark.parametrize("place", PLACES)
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(seed=st.integers(0, 2**32), steps=st.integers(0, 14))
def test_in_any_order_and_batches_the_deadlines_are_those_of_a_replay(
    world: World, place: str, seed: int, steps: int
) -> None:
    story = play(world, place, seed, steps)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "clock"
        clock.write(path, clock.Reading(datetime.now(UTC), story.events[0].at, 0.0))
        process, found = asyncio.run(arrive(world, story, seed, path))
        assert found == from_scratch(world, story)
        assert process.store.waiting == {} and process.store.claims == {}
        asyncio.run(rung_by_rung(process, path))


async def rung_by_rung(process: Process, path: Path) -> None:
    """A quarter later: every rung of what is open, once, in order, none before its instant; of what was late only the
    breach."""
    owed = {}
    for stored in process.store.open.values():
        duty, ladder = deadlines.parse(stored["opened"]), timers.rungs(stored)
        done = process.handler._desk.known(duty.case_id).emitted[duty.obligation, duty.generation].status != "open"  # type: ignore[union-attr]
        owed |= {rung.claim(): (rung, duty) for rung in ladder if rung.kind == "breach" or not done}
    later = process.handler._clock.now() + timedelta(days=90)
    clock.step(path, later)
    while process.timers.next_due is not None and process.timers.next_due <= later:
        await process.timers._fire_due()
    rungs = [event for event in process.events() if event.rung]
    assert len({event.id for event in rungs}) == len(rungs)
    assert owed.keys() == {
        name for name, claim in process.store.rungs.items() if not deadlines.parse(claim["v"]).period
    }
    assert all(rung.at > duty.at for rung, duty in owed.values() if rung.kind == "warning")
    due = [event.rung_due for event in rungs if event.rung_due]
    assert due == sorted(due) and all(
        event.fired and event.rung_due and event.rung_due <= event.fired for event in rungs
    )
    last = {}  # how each duty stands at the end: what was superseded may have begun again
    for event in sorted(process.events(), key=lambda e: e.seq):
        if event.rung is None:
            last[event.obligation, event.generation] = event
    ended = {key: e for key, e in last.items() if e.type in ("discharged", "superseded")}
    for rung in rungs:  # a duty that was done at its due instant is late, and its breach is of that very instant
        done = ended.get((rung.obligation, rung.generation))
        assert done is None or rung.at < done.at or (rung.type == "breached" and rung.at == done.at)


@pytest.mark.parametrize("place", BEGIN)
@settings(max_examples=30)
@given(seed=st.integers(0, 2**32), steps=st.integers(1, 16))
def test_an_extension_comes_once_before_the_first_due_day_and_within_the_limit(
    world: World, place: str, seed: int, steps: int
) -> None:
    dues: dict[tuple[str, int], date] = {}
    extended: set[tuple[str, int]] = set()
    for event in from_scratch(world, extending(world, place, seed, steps)).values():
        key = (event.obligation, event.generation)
        if event.type == "extended":
            assert key not in extended and event.from_day is not None
            assert event.at.astimezone(clock.ZONE).date() <= event.from_day < event.due_day
            extended.add(key)
        if event.type in ("opened", "extended"):
            assert event.latest_day is None or event.due_day <= event.latest_day
            assert event.due_day >= dues.get(key, event.due_day)
            dues[key] = event.due_day


@pytest.mark.parametrize("place", BEGIN)
def test_the_lives_that_ask_for_more_time_are_granted_it_now_and_then(world: World, place: str) -> None:
    granted = [seed for seed in range(30) if any(
        getattr(event, "done", None) == "extension-approved" for event in extending(world, place, seed, 12).events
    )]  # fmt: skip
    assert len(granted) >= 3
