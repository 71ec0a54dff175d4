"""Routing's batches: decided once, published as often as needed, whoever else decides at the same time."""

from pathlib import Path

import pytest

from services.routing.core.decide import World
from services.routing.desk import Desk
from services.routing.handlers import Handler
from shared.bus import Record
from shared.clock import Clock
from shared.dlq import coordinates
from shared.errors import TooMuchPoison, Unavailable
from shared.events import cases, topics
from shared.events.base import Actor
from shared.events.intake import ActRequested, ComplaintReceived
from tests.core.cases import ADMINISTRATION, at, complaint
from tests.handlers.fakes import FakeBus, FakeJournal, input_record


def routing(world: World, journal: FakeJournal, bus: FakeBus, largest: int = 1_000_000) -> Handler:
    """One routing process on a journal and a bus that others may share."""
    return Handler(bus, journal, Desk(journal, world), Clock(Path("/nowhere/clock")), largest)  # type: ignore[arg-type]


def note(came: ComplaintReceived, number: int, text: str = "sm4gcm:x") -> ActRequested:
    return ActRequested(
        act_id=f"00000000-0000-4000-8000-{number:012d}", case_id=came.case_id, act="note",
        by=Actor(organisation=ADMINISTRATION, role="supervisor"), received_at=at("2026-09-18 11:00"),
        sealed={"text": text},
    )  # fmt: skip


def seqs(bus: FakeBus) -> list[int]:
    return [cases.parse(value).seq for value in bus.on(topics.CASES)]


async def test_a_complaint_and_its_acts_in_one_batch_are_decided_in_order(world: World) -> None:
    bus, journal, came = FakeBus(), FakeJournal(), complaint()
    await routing(world, journal, bus).handle(
        [input_record(came), input_record(note(came, 1)), input_record(note(came, 2))]
    )
    assert seqs(bus) == [1, 2, 3, 4]
    assert sorted(commit.seq for commit in journal.commits.values()) == [1, 3, 4]


async def test_an_input_that_comes_again_is_not_decided_again_and_its_bytes_are_published_again(world: World) -> None:
    bus, journal, came = FakeBus(), FakeJournal(), complaint()
    first, second = routing(world, journal, bus), routing(world, journal, FakeBus())
    batch = [input_record(came), input_record(note(came, 1))]
    await first.handle(batch)
    again = FakeBus()
    second._bus = again  # type: ignore[assignment]
    await second.handle(batch)
    assert again.on(topics.CASES) == bus.on(topics.CASES)
    assert len(journal.commits) == 2


async def test_what_was_committed_before_a_send_failed_goes_out_with_the_same_bytes(world: World) -> None:
    bus, journal, came = FakeBus(), FakeJournal(), complaint()
    bus.away = 1
    handler = routing(world, journal, bus)
    with pytest.raises(Unavailable):
        await handler.handle([input_record(came)])
    await handler.handle([input_record(came)])
    assert bus.on(topics.CASES) == [e.value for commit in journal.commits.values() for e in commit.entries]


async def test_a_process_with_an_old_view_cannot_win_and_loses_no_act(world: World) -> None:
    journal, came = FakeJournal(), complaint()
    one, other = FakeBus(), FakeBus()
    paused, active = routing(world, journal, one), routing(world, journal, other)
    await paused.handle([input_record(came)])
    await active.handle([input_record(note(came, 1))])
    await paused.handle([input_record(note(came, 2)), input_record(note(came, 3))])
    assert sorted(seqs(one) + seqs(other)) == [1, 2, 3, 4, 5]
    causes = [cases.parse(value).cause for value in one.on(topics.CASES) + other.on(topics.CASES)]
    assert len(set(causes)) == 4


async def test_an_act_on_a_case_that_was_never_opened_is_a_dead_letter_and_the_others_go_on(world: World) -> None:
    bus, journal, came = FakeBus(), FakeJournal(), complaint()
    stray = note(complaint(id="never sent"), 7)
    await routing(world, journal, bus).handle([input_record(stray, 41), input_record(came, 42)])
    letters = [record for record in bus.records if record.topic == topics.DLQ]
    assert [coordinates(letter.headers) for letter in letters] == ["suda.intake/0/41/routing"]
    assert letters[0].value == stray.to_bytes() and seqs(bus) == [1, 2]


async def test_unreadable_bytes_and_a_foreign_key_are_dead_letters(world: World) -> None:
    bus, came = FakeBus(), complaint()
    wrong = [
        Record(topics.INTAKE, 0, 1, b"k", b"\xff\xfe"),
        Record(topics.INTAKE, 0, 2, b"another", came.to_bytes()),
        Record(topics.INTAKE, 0, 3, None, b"{}"),
    ]
    await routing(world, FakeJournal(), bus).handle([*wrong, input_record(came, 4)])
    assert len(bus.on(topics.DLQ)) == 3 and seqs(bus) == [1, 2]


async def test_an_input_whose_event_would_be_over_the_record_limit_is_a_dead_letter_before_it_is_committed(
    world: World,
) -> None:
    bus, journal, came = FakeBus(), FakeJournal(), complaint()
    big = note(came, 1, text="sm4gcm:" + "x" * 40_000)
    await routing(world, journal, bus, largest=40_000).handle(
        [input_record(came), input_record(big), input_record(note(came, 2))]
    )
    assert len(bus.on(topics.DLQ)) == 1 and seqs(bus) == [1, 2, 3]


async def test_twenty_bad_records_in_a_row_stop_the_consumer(world: World) -> None:
    bus = FakeBus()
    bad = [Record(topics.INTAKE, 0, offset, b"k", b"nonsense") for offset in range(20)]
    with pytest.raises(TooMuchPoison):
        await routing(world, FakeJournal(), bus).handle(bad)
    assert len(bus.on(topics.DLQ)) == 20
