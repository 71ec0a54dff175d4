"""Sla's publishing, broken off anywhere: what was claimed or committed is told once what was away is back, in order."""

import asyncio
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from services.routing.core.decide import World
from services.sla.gauges import measure
from services.sla.store import Store
from shared import clock, metrics
from shared.errors import Unavailable
from shared.journal import Commit
from shared.privacy.tokens import Subject
from shared.settings import Settings
from tests.core.cases import Story, at
from tests.handlers.fakes import FakeBus, case_record
from tests.handlers.fakes_routing import FakeCollection
from tests.handlers.test_sla_handlers import Process
from tests.handlers.test_sla_handlers import path as path
from tests.handlers.test_sla_handlers import sla as sla
from tests.handlers.test_sla_periods import AGENCY, of

BREACH = "handover breach"


async def retried(process: Process, when: str) -> None:
    """As `Timers.run` does it: the clock is stepped, and what is away is asked again."""
    clock.step(process._path, at(when))
    for _ in range(5):
        try:
            await process.timers._fire_due()
        except Unavailable:
            continue


async def test_rungs_claimed_and_not_published_are_found_again_in_order_of_time_and_not_of_their_names() -> None:
    class ById(FakeCollection):
        """Answers `$in` in the order of its index, as MongoDB does."""

        def find(self, query: Any, fields: Any = None) -> Any:
            if "partitions" in query:
                return FakeCollection.Cursor(list(self.documents.values()))
            return super().find({"_id": {"$in": sorted(query["_id"]["$in"])}}, fields)

    made: dict[str, Any] = {name: ById() for name in ("journal", "open", "rungs", "claims", "early", "periods")}
    client: Any = {Settings().database("sla"): made}
    store = Store(client, Settings())
    names = [f"case:handover:1@2026-09-21:{rung}" for rung in ("warning-last-day", "breach", "supervision", "above")]
    await store.claim("batch", {0}, [{"_id": name} for name in names])
    ((_, claimed),) = await store.unconfirmed({0})
    assert [rung["_id"] for rung in claimed] == names


async def test_a_rung_claimed_after_its_partition_went_is_noted_for_its_next_owner(
    world: World, sla: Process, monkeypatch: pytest.MonkeyPatch
) -> None:
    await sla.handler.handle([case_record(event) for event in Story(world).events])
    noted, claim, look = list[set[int]](), sla.store.claim, sla.store.journal.get

    async def claimed(batch: str, partitions: set[int], rungs: list[dict[str, Any]]) -> set[str]:
        noted.append(partitions)
        return await claim(batch, partitions, rungs)

    async def looked(ids: Iterable[str]) -> list[Commit]:
        await sla.handler.lost({0})
        return await look(ids)

    monkeypatch.setattr(sla.store, "claim", claimed)
    monkeypatch.setattr(sla.store.journal, "get", looked)
    await sla.fire("2026-09-22 00:00")
    assert noted == [{0}]


async def test_a_rung_whose_process_died_after_claiming_it_is_published_by_the_one_that_finds_it_claimed(
    world: World, sla: Process, path: Path
) -> None:
    await sla.handler.handle([case_record(event) for event in Story(world).events])
    owner = Process(world, sla.store, FakeBus(), path)
    await owner.handler.gained({0})  # the first one sleeps, wakes, claims, and dies before it publishes
    sla.bus.away = 1
    with pytest.raises(Unavailable):
        await sla.fire("2026-09-22 00:00")
    await owner.fire("2026-09-22 00:00")
    assert owner.told().count(BREACH) == 1 and sla.store.claims == {}


async def test_a_partition_that_went_between_look_and_claim_is_looked_at_again(
    world: World, sla: Process, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    story, claim = Story(world), sla.store.claim
    await sla.handler.handle([case_record(event) for event in story.events])
    successor, left = Process(world, sla.store, sla.bus, path), [1]

    async def claimed_after_it_went(batch: str, partitions: set[int], rungs: list[dict[str, Any]]) -> set[str]:
        if left and any(rung["_id"].endswith(":breach") for rung in rungs):
            left.pop()
            await sla.handler.lost({0})
            await successor.handler.gained({0})
            story.handed_over("2026-09-21 23:59")
            await successor.handler.handle([case_record(story.events[-1], 3)])
        return await claim(batch, partitions, rungs)

    monkeypatch.setattr(sla.store, "claim", claimed_after_it_went)
    await sla.fire("2026-09-22 00:00")
    assert (sla.told().count(BREACH), sla.told().count(f"{BREACH}-withdrawn")) == (1, 1)


async def test_reports_opened_while_kafka_is_away_are_published_and_watched_when_it_is_back(sla: Process) -> None:
    await sla.handler.gained({0})
    sla.bus.away = 1
    await retried(sla, "2026-10-01 00:00")
    assert [event.type for event in of(sla, "quarterly-report", AGENCY)] == ["opened"]
    await sla.fire("2026-10-16 00:00")
    assert of(sla, "quarterly-report", AGENCY)[-1].type == "breached" and sla.store.claims == {}


async def test_a_filing_that_was_kept_and_not_published_is_published_before_it_is_acknowledged(sla: Process) -> None:
    await sla.handler.gained({0})
    await sla.fire("2026-10-01 00:00")
    (opened,) = of(sla, "quarterly-report", AGENCY)
    sla.bus.away = 1
    with pytest.raises(Unavailable):
        await sla.timers.filings.file(opened.case_id, Subject(AGENCY, "officer"))
    await sla.timers.filings.file(opened.case_id, Subject(AGENCY, "officer"))
    assert [event.type for event in of(sla, "quarterly-report", AGENCY)] == ["opened", "discharged"]
    assert sla.store.claims == {}


async def test_a_breach_taken_back_while_kafka_is_away_is_said_to_be_when_it_is_back(sla: Process) -> None:
    await sla.handler.gained({0})
    await sla.fire("2026-10-16 00:00")
    breach = of(sla, "quarterly-report", AGENCY)[-1]
    discharged = breach.model_copy(update={"type": "discharged", "seq": 2, "at": at("2026-10-15 23:59")})
    sla.bus.away = 1
    with pytest.raises(Unavailable):
        await sla.timers.filings.take_back(discharged)
    await retried(sla, "2026-10-16 00:00")
    assert [event.type for event in of(sla, "quarterly-report", AGENCY)][-2:] == ["breached", "breach-withdrawn"]
    assert sla.store.claims == {}


async def test_the_barrier_has_been_waited_for_since_the_first_attempt_and_not_since_the_last(
    world: World, sla: Process, monkeypatch: pytest.MonkeyPatch
) -> None:
    await sla.handler.handle([case_record(event) for event in Story(world).events])
    attempts, age, began = list[float](), metrics.BARRIER_AGE.collect, time.monotonic()

    async def away(partitions: set[int] | None) -> None:
        attempts.append(next(iter(age())).samples[0].value)
        if len(attempts) == 1:
            await asyncio.sleep(0.05)  # as long as Kafka does not answer
        raise Unavailable("Kafka does not tell")

    monkeypatch.setattr(sla.bus, "settled_for_timers", away)
    await retried(sla, "2026-09-22 00:00")
    assert len(attempts) == 5 and 0.05 <= attempts[-1] <= time.monotonic() - began
    monkeypatch.undo()
    await sla.fire("2026-09-22 00:00")
    assert next(iter(age())).samples[0].value == 0


async def test_what_is_no_longer_watched_is_no_longer_counted(world: World, sla: Process) -> None:
    story, now = Story(world), at("2026-09-22 00:00")
    await sla.handler.handle([case_record(event) for event in story.events])
    clock.step(sla._path, now)
    story.handed_over("2026-09-22 00:00")
    await sla.handler.handle([case_record(story.events[-1])])
    await sla.fire("2026-09-22 00:00")  # its breach was the last that was still to come of it
    measure(sla.timers, now)
    assert metrics.OPEN_OBLIGATIONS._value.get() == len(sla.timers.heap)


async def test_a_breach_that_is_taken_back_is_counted_as_such(world: World, sla: Process) -> None:
    counted = metrics.DEADLINES.labels("handover", "breach-withdrawn")
    before, story = counted._value.get(), Story(world)
    await sla.handler.handle([case_record(event) for event in story.events])
    await sla.fire("2026-09-22 00:00")
    story.handed_over("2026-09-21 23:59")
    await sla.handler.handle([case_record(story.events[-1])])
    assert counted._value.get() == before + 1


async def test_a_clock_that_was_set_back_a_little_still_has_the_breach_taken_back(world: World, sla: Process) -> None:
    story = Story(world)
    await sla.handler.handle([case_record(event) for event in story.events])
    await sla.fire("2026-09-22 00:00")
    clock.write(sla._path, clock.Reading(at("2026-09-22 00:00"), at("2026-09-21 23:59:58"), 0.0))
    story.handed_over("2026-09-21 23:59:57")
    await sla.handler.handle([case_record(story.events[-1])])
    assert f"{BREACH}-withdrawn" in sla.told()
