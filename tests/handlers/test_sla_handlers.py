"""Sla's batches and timers: gaps waited for, repetitions repeated, each rung once, none early, breaches taken back."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from services.routing.core.decide import World
from services.sla.core.unwatched import Watches
from services.sla.desk import Desk
from services.sla.handlers import Handler
from services.sla.timers import Timers
from shared import clock, metrics
from shared.bus import Record
from shared.errors import Unavailable
from shared.events import deadlines, topics
from shared.events.deadlines import DeadlineEvent
from shared.law import load
from shared.law.operations import load_operations
from tests.core.cases import Story, at, complaint
from tests.handlers.fakes import FakeBus, FakeJournal, case_record
from tests.law.test_sixth import SIXTH


class FakeStore:
    """Sla's store in dictionaries."""

    def __init__(self) -> None:
        self.journal = FakeJournal()
        self.open: dict[str, dict[str, Any]] = {}
        self.rungs: dict[str, dict[str, Any]] = {}
        self.claims: dict[str, dict[str, Any]] = {}
        self.waiting: dict[str, dict[str, Any]] = {}
        self.periods: dict[str, dict[str, Any]] = {}

    async def open_rows(self, rows: list[dict[str, Any]]) -> None:
        for row in rows:
            self.open.setdefault(row["_id"], row)

    async def drop_rows(self, ids: Any) -> None:
        for id in ids:
            self.open.pop(id, None)

    async def each_watched(self, partitions: set[int]) -> AsyncIterator[list[dict[str, Any]]]:
        yield list(self.open.values())

    async def note(self, batch: str, partitions: set[int], commits: list[str]) -> None:
        self.claims[batch] = {"commits": commits}

    async def noted(self, partitions: set[int]) -> list[tuple[str, list[str]]]:
        return [(batch, note["commits"]) for batch, note in self.claims.items() if "commits" in note]

    async def seen(self, marks: list[dict[str, Any]]) -> None:
        for mark in marks:
            self.periods.setdefault(mark["_id"], mark)

    async def marks(self) -> dict[str, dict[str, Any]]:
        return dict(self.periods)

    async def rows(self, ids: Any) -> dict[str, dict[str, Any]]:
        return {id: self.open[id] for id in ids if id in self.open}

    async def claimed(self, ids: Any) -> set[str]:
        return {id for id in ids if id in self.rungs}

    async def claim(self, batch: str, partitions: set[int], rungs: list[dict[str, Any]]) -> set[str]:
        self.claims[batch] = {"rungs": [rung["_id"] for rung in rungs]}
        taken = {rung["_id"] for rung in rungs if rung["_id"] in self.rungs}
        self.rungs |= {rung["_id"]: rung for rung in rungs if rung["_id"] not in taken}
        return taken

    async def confirm(self, batches: Any) -> None:
        for batch in batches:
            self.claims.pop(batch, None)

    async def unconfirmed(self, partitions: set[int]) -> list[tuple[str, list[dict[str, Any]]]]:
        return [
            (b, [self.rungs[r] for r in note["rungs"] if r in self.rungs])
            for b, note in self.claims.items()
            if "rungs" in note
        ]

    async def claimed_rungs(self, ids: list[str]) -> list[dict[str, Any]]:
        return [self.rungs[id] for id in ids if id in self.rungs]

    async def put_early(self, rows: list[dict[str, Any]]) -> None:
        self.waiting |= {row["_id"]: row for row in rows}

    async def early(self) -> list[dict[str, Any]]:
        return list(self.waiting.values())

    async def drop_early(self, ids: Any) -> None:
        for id in ids:
            self.waiting.pop(id, None)


class Process:
    """One sla process on a store and a bus that others may share, with a clock that stands."""

    def __init__(self, world: World, store: FakeStore, bus: FakeBus, path: Path) -> None:
        self.store, self.bus, self._path = store, bus, path
        held = clock.Clock(path)
        lock = asyncio.Lock()
        rules = Watches(load_operations().watches, load_operations().label)
        desk = Desk(store.journal, world.law, world.calendar, rules)  # type: ignore[arg-type]
        parts: Any = (bus, store, desk)
        operations = load_operations()
        self.timers = Timers(*parts, operations, world.calendar, held, lock, world.directory, world.law)
        self.timers._owned = {0}
        self.handler = Handler(*parts, self.timers, held, lock)

    async def fire(self, when: str) -> None:
        """Step the clock and let the timers run until nothing that is due is left."""
        clock.step(self._path, at(when))
        while self.timers.next_due is not None and self.timers.next_due <= at(when):
            await self.timers._fire_due()

    def events(self) -> list[DeadlineEvent]:
        return [deadlines.parse(value) for value in self.bus.on(topics.DEADLINES)]

    def told(self) -> list[str]:
        return [f"{event.obligation} {event.rung or event.type}" for event in self.events()]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    clock.write(tmp_path / "clock", clock.Reading(datetime.now(UTC), at("2026-09-18 10:00"), 0.0))
    return tmp_path / "clock"


@pytest.fixture
def sla(world: World, path: Path) -> Process:
    return Process(world, FakeStore(), FakeBus(), path)


async def test_an_event_before_its_predecessor_waits_and_is_applied_when_that_comes(world: World, sla: Process) -> None:
    story = Story(world).handed_over()
    opened, dispatched, handed = (case_record(event) for event in story.events)
    await sla.handler.handle([handed])
    await sla.handler.handle([dispatched])
    assert sla.told() == [] and len(sla.store.waiting) == 2
    await sla.handler.handle([opened])
    assert sla.told() == ["handover opened", "handover discharged", "acceptance opened"]
    assert sla.store.waiting == {}


async def test_early_events_survive_a_restart(world: World, sla: Process, path: Path) -> None:
    story = Story(world)
    await sla.handler.handle([case_record(story.events[1])])
    second = Process(world, sla.store, FakeBus(), path)
    await second.handler.gained({0})
    await second.handler.handle([case_record(story.events[0])])
    assert second.told() == ["handover opened"] and sla.store.waiting == {}


async def test_what_waits_in_a_partition_that_goes_is_its_next_owners_to_count(
    world: World, sla: Process, path: Path
) -> None:
    story = Story(world)
    await sla.handler.handle([case_record(story.events[1])])
    assert metrics.EARLY_ROWS.labels("sla")._value.get() == 1
    await sla.handler.lost({0})
    await sla.handler.gained({1})
    assert metrics.EARLY_ROWS.labels("sla")._value.get() == 0


async def test_what_is_no_event_of_its_case_is_a_dead_letter_and_its_case_goes_on(world: World, sla: Process) -> None:
    story = Story(world).handed_over()
    opened, dispatched, handed = (case_record(event) for event in story.events)
    wrong = {
        "another key": Record(topics.CASES, 0, 1, b"another", handed.value),
        "no key": Record(topics.CASES, 0, 2, None, opened.value),
        "no first event": Record(topics.CASES, 0, 3, opened.key, handed.value.replace(b'"seq":3', b'"seq":1')),
        "no case id": Record(topics.CASES, 0, 4, b"x", opened.value.replace(opened.key or b"", b"x")),
        "no day": Record(topics.CASES, 0, 5, opened.key, handed.value.replace(b'"to":', b'"until":"soon","to":')),
    }
    await sla.handler.handle([*wrong.values(), opened, dispatched])
    assert {letter.headers["suda_offset"] for letter in sla.bus.records if letter.topic == topics.DLQ} == {
        str(record.offset).encode() for record in wrong.values()
    }
    await sla.handler.handle([handed])
    assert sla.told() == ["handover opened", "handover discharged", "acceptance opened"]


async def test_repeated_events_publish_the_recorded_output_again_and_nothing_new(
    world: World, sla: Process, path: Path
) -> None:
    records = [case_record(event) for event in Story(world).handed_over().events]
    await sla.handler.handle(records)
    again = Process(world, sla.store, FakeBus(), path)
    await again.handler.handle(records)
    assert again.bus.on(topics.DEADLINES) == sla.bus.on(topics.DEADLINES)
    assert len(sla.store.journal.commits) == 1


async def test_a_batch_that_comes_again_is_asked_for_together_however_many_cases_it_names(
    world: World, sla: Process, path: Path
) -> None:
    stories = [Story(world, complaint(id=f"{number}")).handed_over() for number in range(20)]
    records = [case_record(event) for story in stories for event in story.events]
    await sla.handler.handle(records)
    await sla.fire("2026-10-30 00:00")
    again = Process(world, sla.store, FakeBus(), path)
    sla.store.journal.read = 0
    await again.handler.handle(records)
    assert sla.store.journal.read <= 3
    told = sla.bus.on(topics.DEADLINES)
    assert sorted(again.bus.on(topics.DEADLINES)) == sorted(told[: len(again.bus.on(topics.DEADLINES))])
    assert len(again.timers.heap) == len(sla.timers.heap)


async def test_dead_between_journal_and_publish_the_next_one_publishes_the_same_bytes(
    world: World, sla: Process, path: Path
) -> None:
    records = [case_record(event) for event in Story(world).events]
    sla.bus.away = 1
    with pytest.raises(Unavailable):
        await sla.handler.handle(records)
    successor = Process(world, sla.store, FakeBus(), path)
    await successor.handler.handle(records)
    written = [entry.value for commit in sla.store.journal.commits.values() for entry in commit.entries]
    assert successor.bus.on(topics.DEADLINES) == written
    assert len(sla.store.open) == 1 and successor.timers.next_due is not None


async def test_the_rungs_of_a_duty_fire_once_each_in_order_and_never_early(world: World, sla: Process) -> None:
    await sla.handler.handle([case_record(event) for event in Story(world).events])
    await sla.fire("2026-09-21 23:59:59")
    assert sla.told() == ["handover opened", "handover warning-before", "handover warning-last-day"]
    await sla.fire("2026-09-22 00:00")
    assert sla.told()[-1] == "handover breach"
    await sla.fire("2026-10-30 00:00")
    rungs = [event for event in sla.events() if event.rung]
    assert len({event.id for event in rungs}) == len(rungs)
    assert [event.rung_due for event in rungs] == sorted(event.rung_due for event in rungs if event.rung_due)
    assert all(event.fired and event.rung_due and event.fired >= event.rung_due for event in rungs)


async def test_what_was_done_in_time_never_fires(world: World, sla: Process) -> None:
    await sla.handler.handle([case_record(event) for event in Story(world).handed_over("2026-09-19 10:00").events])
    await sla.fire("2026-09-22 12:00")
    assert not [event for event in sla.events() if event.obligation == "handover" and event.rung]


async def test_an_extended_duty_breaches_at_its_new_due_day_and_not_at_the_old_one(world: World, sla: Process) -> None:
    story = Story(world).handed_over("2026-09-21 10:00").accepted("2026-09-22 10:00")
    told_on = {"complainant_told_on": "2026-09-28"}
    story.applied("approve-extension", "2026-09-28 10:00", "leader", until="2026-10-20", **told_on)
    await sla.handler.handle([case_record(event) for event in story.events])
    await sla.fire("2026-10-20 23:59")
    assert "resolution breach" not in sla.told()
    await sla.fire("2026-10-21 00:00")
    assert sla.told().count("resolution breach") == 1


async def test_a_discharge_in_time_that_arrives_after_the_breach_takes_it_back(world: World, sla: Process) -> None:
    story = Story(world)
    await sla.handler.handle([case_record(event) for event in story.events])
    await sla.fire("2026-09-22 00:00")
    story.handed_over("2026-09-21 23:59")
    await sla.handler.handle([case_record(story.events[-1])])
    assert "handover breach" in sla.told() and "handover breach-withdrawn" in sla.told()
    await sla.fire("2026-09-30 00:00")
    assert not [event for event in sla.events() if event.obligation == "handover" and event.type == "escalated"]


@pytest.mark.parametrize(("act", "told"), [("2026-09-21 23:59", 1), ("2026-09-22 00:00", 0)])
async def test_a_process_stopped_between_look_and_claim_takes_back_what_its_successor_saw_done_in_time(
    world: World, path: Path, monkeypatch: pytest.MonkeyPatch, act: str, told: int
) -> None:
    monkeypatch.setattr("services.sla.firing.LOOK_HOLDS", -1.0)  # as if it had slept longer than a session lasts
    store, bus, story = FakeStore(), FakeBus(), Story(world)
    stopped, successor = Process(world, store, bus, path), Process(world, store, bus, path)
    await stopped.handler.handle([case_record(event) for event in story.events])
    claim, story_goes_on = store.claim, [story]

    async def claimed_after_waking(batch: str, partitions: set[int], rungs: list[dict[str, Any]]) -> set[str]:
        if story_goes_on and any(rung["_id"].endswith(":handover:1@2026-09-21:breach") for rung in rungs):
            story_goes_on.pop().handed_over(act)
            await successor.handler.handle([case_record(story.events[-1], 3)])
        return await claim(batch, partitions, rungs)

    monkeypatch.setattr(store, "claim", claimed_after_waking)
    await stopped.fire("2026-09-22 00:00")
    assert not story_goes_on and stopped.told().count("handover breach") == 1
    assert stopped.told().count("handover breach-withdrawn") == told


@pytest.mark.parametrize("rung", ["breach", "level-above"])
async def test_a_discharge_in_time_takes_the_breach_back_at_whatever_rung_it_comes(
    world: World, sla: Process, rung: str
) -> None:
    story = Story(world)
    await sla.handler.handle([case_record(event) for event in story.events])
    await sla.fire({"breach": "2026-09-22 00:00", "level-above": "2026-09-23 12:00"}[rung])
    assert sla.told()[-1] == f"handover {rung}"
    story.handed_over("2026-09-21 23:59")
    await sla.handler.handle([case_record(story.events[-1])])
    await sla.fire("2026-11-30 00:00")
    of_it = [event for event in sla.events() if event.obligation == "handover"]
    assert [event.type for event in of_it[of_it.index(next(e for e in of_it if e.rung == rung)) + 1 :]] == [
        "discharged", "breach-withdrawn"
    ]  # fmt: skip
    assert (of_it[-1].due_day.isoformat(), of_it[-1].due_at) == ("2026-09-21", at("2026-09-22 00:00"))


async def test_a_withdrawal_in_time_that_arrives_after_the_breach_takes_it_back(world: World, sla: Process) -> None:
    story = Story(world)
    await sla.handler.handle([case_record(event) for event in story.events])
    await sla.fire("2026-09-22 00:00")
    story.applied("withdraw", "2026-09-21 23:59", "complainant")
    await sla.handler.handle([case_record(story.events[-1])])
    assert sla.told()[-2:] == ["handover superseded", "handover breach-withdrawn"]


async def test_a_period_in_hours_is_watched_to_the_minute_and_its_breach_taken_back_on_the_same_day(
    world: World, path: Path
) -> None:
    sixth = replace(world, law=load(SIXTH))
    sla = Process(sixth, FakeStore(), FakeBus(), path)
    story = Story(sixth, complaint("2026-09-18 10:30", division="990102", accused={}, matter={}))
    await sla.handler.handle([case_record(event) for event in story.events])
    await sla.fire("2026-09-18 14:29:59")
    assert sla.told() == ["handover opened", "handover warning-hours"]
    await sla.fire("2026-09-18 14:30")
    story.applied("withdraw", "2026-09-18 14:29", "complainant")
    await sla.handler.handle([case_record(story.events[-1])])
    assert [one for one in sla.told() if one.startswith("handover")][2:] == [
        "handover breach", "handover superseded", "handover breach-withdrawn"
    ]  # fmt: skip


@pytest.mark.parametrize("act", ["hand-over", "withdraw"])
@pytest.mark.parametrize("together", [True, False])
@pytest.mark.parametrize("restarted", [True, False])
async def test_what_was_over_too_late_before_anybody_looked_breaches_once_and_climbs_no_further(
    world: World, path: Path, act: str, together: bool, restarted: bool
) -> None:
    """After a downtime: the same as if every rung had fired at its hour, but for those that warn of what is over."""
    clock.step(path, at("2026-09-29 10:00"))
    story = Story(world)
    if act == "hand-over":
        story.handed_over("2026-09-23 10:00")  # was due on the 21st
    else:
        story.applied("withdraw", "2026-09-23 10:00", "complainant")
    store, records = FakeStore(), [case_record(event) for event in story.events]
    sla = Process(world, store, FakeBus(), path)
    await sla.handler.gained({0})
    for run in [records] if together else [records[:2], records[2:]]:
        await sla.handler.handle(run)
    if restarted:
        sla = Process(world, store, FakeBus(), path)
        await sla.handler.gained({0})
    await sla.fire("2026-09-29 12:00")
    rungs = [event for event in sla.events() if event.rung and event.obligation == "handover"]
    assert [(event.rung, event.rung_due) for event in rungs] == [("breach", at("2026-09-22 00:00"))]


async def test_a_late_discharge_takes_nothing_back(world: World, sla: Process) -> None:
    story = Story(world)
    await sla.handler.handle([case_record(event) for event in story.events])
    await sla.fire("2026-09-22 00:00")
    story.handed_over("2026-09-22 00:00")
    await sla.handler.handle([case_record(story.events[-1])])
    assert "handover breach-withdrawn" not in sla.told()


async def test_a_claim_that_was_not_confirmed_is_published_again_by_the_next_owner_with_the_same_bytes(
    world: World, sla: Process, path: Path
) -> None:
    await sla.handler.handle([case_record(event) for event in Story(world).events])
    sla.bus.away = 1
    with pytest.raises(Unavailable):
        await sla.fire("2026-09-22 00:00")
    assert len(sla.store.claims) == 1
    successor = Process(world, sla.store, FakeBus(), path)
    await successor.handler.gained({0})
    await successor.fire("2026-09-22 00:00")
    assert successor.bus.on(topics.DEADLINES) == [rung["v"] for rung in sla.store.rungs.values()]
    assert sla.store.claims == {}


@pytest.mark.parametrize("fires", ["the one that applied it", "one that did not"])
async def test_a_rung_is_told_to_whoever_is_accountable_now(world: World, path: Path, fires: str) -> None:
    first, second = "11510900XXXXXXX013", "11510900XXXXXXX015"
    clock.write(path, clock.Reading(datetime.now(UTC), at("2025-09-15 10:00"), 0.0))
    sla = Process(world, FakeStore(), FakeBus(), path)
    came = complaint("2025-09-15 10:00", division="510900", matter={}, accused={"organisation": first})
    story = Story(world, came)
    story.applied("hand-over", "2025-09-15 11:00", "supervisor", to=first)
    await sla.handler.handle([case_record(event) for event in story.events])
    other = Process(world, sla.store, FakeBus(), path)
    await other.handler.gained({0})
    story.applied("transfer", "2025-09-15 12:00", "supervisor", to=second, reason="x")
    await sla.handler.handle([case_record(story.events[-1])])
    told = sla if fires == "the one that applied it" else other
    await told.fire("2025-09-18 00:00")
    (breach,) = [event for event in told.events() if event.rung == "breach" and event.obligation == "acceptance"]
    assert (breach.debtor, breach.expected_by, breach.due_day.day) == (second, second, 17)  # and nothing started anew


async def test_two_processes_that_hold_the_same_duty_fire_each_rung_once(
    world: World, sla: Process, path: Path
) -> None:
    await sla.handler.handle([case_record(event) for event in Story(world).events])
    zombie = Process(world, sla.store, FakeBus(), path)
    await zombie.handler.gained({0})
    await sla.fire("2026-09-22 00:00")
    await zombie.fire("2026-09-22 00:00")
    assert [event.rung for event in zombie.events()] == []
    assert len([event for event in sla.events() if event.rung == "breach"]) == 1
