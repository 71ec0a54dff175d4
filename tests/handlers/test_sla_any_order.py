"""Random lives under all five instruments, in any order of arrival and any batches, repeated: the deadlines are those
of a replay from scratch, rungs come in order and once, and no extension passes what the law allows.
"""

import asyncio
import tempfile
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.routing.core.decide import World
from services.sla.core.unwatched import Watches
from services.sla.core.watch import Watched, advance, changes
from shared import clock
from shared.events.deadlines import DeadlineEvent
from shared.law.operations import load_operations
from tests.core.cases import Story, complaint
from tests.handlers.fakes import FakeBus, case_record
from tests.handlers.test_sla_handlers import FakeStore, Process

OPERATIONS = load_operations()
RULES = Watches(OPERATIONS.watches, OPERATIONS.label)
ACCUSED = {"51": {"organisation": "11510900XXXXXXX013"}, "37": {"organisation": "11370400XXXXXXX013"}}
PLACES: dict[str, dict[str, Any]] = {
    "yunnan-2022": {"received": "2026-09-18 10:00"},
    "suining-2023": {"received": "2025-09-22 10:00", "division": "510900", "accused": ACCUSED["51"]},
    "zaozhuang-2020": {"received": "2026-09-18 10:00", "division": "370400", "accused": ACCUSED["37"]},
    "henan-2020": {"received": "2026-09-18 10:00", "division": "410503", "channel": "platform"},
    "qinghai-2022": {"received": "2026-09-18 10:00", "division": "630102", "kind": "bad-review"},
}  # fmt: skip
ACTS = (
    "hand-over accept refuse classify request-extension approve-extension verify reply contact review-reply "
    "check-quality answer close file-rectification visit send-back withdraw appeal review note transfer"
).split()
ROLES = ("officer", "leader", "supervisor", "complainant", "inspector")


def play(world: World, place: str, seed: int, steps: int) -> Story:
    """A life: each act some hours after the one before, by somebody, applied or rejected as the law says."""
    chance, given_ = Random(seed), dict(PLACES[place])
    story = Story(
        world,
        complaint(
            given_.pop("received"), **({"matter": {}, "accused": {}} | given_ if place != "yunnan-2022" else given_)
        ),
    )
    now, law = story.events[0].at, world.law.get(place)
    for _ in range(steps):
        now += timedelta(hours=chance.choice([0, 1, 5, 20, 30, 70, 200]))
        today = now.date()
        data: dict[str, Any] = {
            "to": story.case.accountable or "11530102XXXXXXX012",
            "served_by": "phone",
            "served_on": today.isoformat(),
            "ground": chance.choice([*law.grounds, law.classes[0]]).id,
            "class_": chance.choice(law.classes).id,
            "until": (today + timedelta(days=chance.randrange(1, 30))).isoformat(),
            "complainant_told_on": today.isoformat(),
            "administration_told_on": today.isoformat(),
            "outcome": chance.choice(["substantiated", "partly", "invalid"]),
            "result": chance.choice(["pass", "fail", "confirmed", "refuted", "upheld"]),
            "reason": "x",
            "text": "x",
            "measures": "x",
            "signed_by": "x",
        }
        story.act(chance.choice(ACTS), now.strftime("%Y-%m-%d %H:%M"), chance.choice(ROLES), **data)
    return story


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
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
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
    """A quarter later: every rung of what is open, once, in due order, none before its instant."""
    later = process.handler._clock.now() + timedelta(days=90)
    clock.step(path, later)
    while process.timers.next_due is not None and process.timers.next_due <= later:
        await process.timers._fire_due()
    rungs = [event for event in process.events() if event.rung]
    assert len({event.id for event in rungs}) == len(rungs)
    due = [event.rung_due for event in rungs if event.rung_due]
    assert due == sorted(due) and all(
        event.fired and event.rung_due and event.rung_due <= event.fired for event in rungs
    )
    last = {}  # how each duty stands at the end: what was superseded may have begun again
    for event in sorted(process.events(), key=lambda e: e.seq):
        if event.rung is None:
            last[event.obligation, event.generation] = event
    ended = {key: e for key, e in last.items() if e.type in ("discharged", "superseded")}
    assert not [
        e for e in rungs if (e.obligation, e.generation) in ended and ended[e.obligation, e.generation].at <= e.at
    ]


@pytest.mark.parametrize("place", PLACES)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(seed=st.integers(0, 2**32), steps=st.integers(0, 16))
def test_an_extension_comes_once_before_the_first_due_day_and_within_the_limit(
    world: World, place: str, seed: int, steps: int
) -> None:
    dues: dict[tuple[str, int], date] = {}
    extended: set[tuple[str, int]] = set()
    for event in from_scratch(world, play(world, place, seed, steps)).values():
        key = (event.obligation, event.generation)
        if event.type == "extended":
            assert key not in extended and event.from_day is not None
            assert event.at.astimezone(clock.ZONE).date() <= event.from_day < event.due_day
            extended.add(key)
        if event.type in ("opened", "extended"):
            assert event.latest_day is None or event.due_day <= event.latest_day
            assert event.due_day >= dues.get(key, event.due_day)
            dues[key] = event.due_day
