"""`suda.cases` becomes rows, in whatever order, however often and wherever it breaks off."""

import copy
from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.reporting.core.check import rebuild
from services.reporting.handlers import CaseReader
from services.reporting.store import Store
from shared import metrics
from shared.bus import Record
from shared.clock import Clock
from shared.errors import TooMuchPoison, Unavailable
from shared.events import topics
from shared.events.cases import AnyCaseEvent
from shared.settings import Settings
from tests.core.test_reporting_samples import acted, batches, case_id, dispatched, life, opened
from tests.handlers.test_reporting_fakes import Client, Collection, KeptBus

CLOCK = Clock(text="2026-09-18T00:00:00+08:00 2026-09-18T12:00:00+08:00 0")
SETTINGS = Settings()


def records(events: Iterable[AnyCaseEvent], partition: int = 0) -> list[Record]:
    return [
        Record(topics.CASES, partition, offset, event.case_id.encode(), event.to_bytes(), {"ce_id": b"x"})
        for offset, event in enumerate(events)
    ]


class World:
    """One store, and as many reporting processes as a test starts."""

    def __init__(self, transactions: bool = True) -> None:
        self.client, self.bus = Client(transactions), KeptBus()
        database = self.client[SETTINGS.database("reporting")]
        self.rows: Collection = database["cases"]
        self.early: Collection = database["early"]

    def process(self) -> CaseReader:
        return CaseReader(self.bus, Store(self.client, SETTINGS), CLOCK)  # type: ignore[arg-type]

    def plain_rows(self) -> dict[str, Any]:
        return {id: {k: v for k, v in row.items() if k != "partition"} for id, row in self.rows.documents.items()}


async def test_a_batch_of_opened_and_dispatched_costs_exactly_one_insert() -> None:
    world = World()
    reader = world.process()
    await reader.gained({0})
    await reader.handle([])
    world.rows.calls.clear()
    world.early.calls.clear()
    await reader.handle(records(event for n in range(250) for event in (opened(case_id(n)), dispatched(case_id(n)))))
    assert (world.rows.calls, world.early.calls) == (["insert_many"], [])
    assert len(world.rows.documents) == 250


async def test_later_changes_of_known_cases_cost_one_bulk_of_conditional_replaces() -> None:
    world = World()
    reader = world.process()
    await reader.handle(records(event for n in range(9) for event in life(case_id(n))[:3]))
    world.rows.calls.clear()
    await reader.handle(records(life(case_id(n))[3] for n in range(9)))
    assert world.rows.calls == ["bulk_write"]
    assert {row["state"] for row in world.rows.documents.values()} == {"accepted"}


async def test_changes_of_cases_not_remembered_cost_one_find_more() -> None:
    world = World()
    await world.process().handle(records(event for n in range(9) for event in life(case_id(n))[:3]))
    reader = world.process()
    await reader.handle([])
    world.rows.calls.clear()
    await reader.handle(records(life(case_id(n))[3] for n in range(9)))
    assert world.rows.calls == ["find", "bulk_write"]


@given(batches(), st.lists(st.booleans(), min_size=8, max_size=8), st.booleans())
@settings(deadline=None)
async def test_any_batches_leave_the_rows_of_the_replay(
    found: list[list[AnyCaseEvent]], restarts: list[bool], transactions: bool
) -> None:
    world = World(transactions)
    reader = world.process()
    for batch, restart in zip(found, [*restarts, *restarts], strict=False):
        if restart:
            reader = world.process()
        await reader.handle(records(batch))
    assert world.plain_rows() == rebuild(event for batch in found for event in batch)
    assert world.early.documents == {}


@given(batches(), st.lists(st.tuples(st.sampled_from(["cases", "early"]), st.booleans()), max_size=8))
@settings(deadline=None)
async def test_a_batch_that_breaks_off_anywhere_is_done_again_to_the_same_end(
    found: list[list[AnyCaseEvent]], failures: list[tuple[str, bool]]
) -> None:
    world = World()
    reader = world.process()
    for batch in found:
        for place, after in failures:
            collection = world.rows if place == "cases" else world.early
            collection.failing, collection.after = 1, after
            with pytest.raises(Unavailable):
                await reader.handle(records(batch))
                collection.failing = 0
                raise Unavailable("nothing was asked of the part that is away")
        await reader.handle(records(batch))
    assert world.plain_rows() == rebuild(event for batch in found for event in batch)
    assert world.early.documents == {}


async def test_seq_two_before_seq_one_waits_and_is_applied_when_its_predecessor_comes() -> None:
    world, case = World(), case_id()
    reader = world.process()
    await reader.handle(records([dispatched(case)]))
    assert (world.rows.documents, list(world.early.documents)) == ({}, [f"{case}:2"])
    assert world.early.documents[f"{case}:2"]["value"] == dispatched(case).to_bytes()
    await reader.handle(records([opened(case)]))
    assert (world.rows.documents[case]["seq"], world.early.documents) == (2, {})


async def test_what_waited_is_applied_after_a_restart_too() -> None:
    world, case = World(), case_id()
    await world.process().handle(records(life(case)[2:4]))
    await world.process().handle(records(life(case)[:2]))
    assert (world.rows.documents[case]["seq"], world.early.documents) == (4, {})


async def test_a_process_that_died_between_row_and_early_is_made_good_when_partitions_come() -> None:
    world, case = World(), case_id()
    await world.process().handle(records(life(case)[2:4]))
    kept = copy.deepcopy(world.early.documents)
    await world.process().handle(records(life(case)[:2]))
    world.early.documents = kept
    await world.process().handle([])
    assert (world.rows.documents[case]["seq"], world.early.documents) == (4, {})


async def test_a_stale_process_loses_and_ends_with_the_row_that_won() -> None:
    world, case = World(), case_id()
    zombie, owner = world.process(), world.process()
    await zombie.handle(records(life(case)[:3]))
    await owner.handle(records(life(case)[3:6]))
    await zombie.handle(records(life(case)[3:5]))
    assert world.rows.documents[case]["seq"] == 6
    await zombie.handle(records(life(case)[3:8]))
    assert world.plain_rows() == rebuild(life(case))


async def test_without_transactions_rows_are_replaced_one_by_one() -> None:
    world = World(transactions=False)
    reader = world.process()
    for step in range(8):
        await reader.handle(records(life(case_id(n))[step] for n in range(4)))
    assert {row["state"] for row in world.rows.documents.values()} == {"closed"}


async def test_bad_bytes_go_to_the_dlq_and_the_others_go_on() -> None:
    world = World()
    good, other = records([opened(case_id(1)), dispatched(case_id(1))])
    foreign = Record(topics.CASES, 0, 7, case_id(9).encode(), opened(case_id(2)).to_bytes(), {})
    early_opening = Record(topics.CASES, 0, 8, good.key, opened(case_id(1), seq=2).to_bytes(), {})
    await world.process().handle([good, Record(topics.CASES, 0, 5, b"k", b"{", {}), foreign, early_opening, other])
    assert world.rows.documents[case_id(1)]["seq"] == 2
    assert [letter.headers["suda_offset"] for letter in world.bus.sent] == [b"5", b"7", b"8"]
    assert world.bus.sent[0].value == b"{"


async def test_twenty_bad_records_in_a_row_stop_the_consumer() -> None:
    with pytest.raises(TooMuchPoison):
        await World().process().handle([Record(topics.CASES, 0, n, b"k", b"{", {}) for n in range(20)])


async def test_kafka_away_for_a_letter_means_the_batch_is_done_again() -> None:
    world = World()
    world.bus.failing = 1
    reader, bad = world.process(), Record(topics.CASES, 0, 5, b"k", b"{", {})
    with pytest.raises(Unavailable):
        await reader.handle([*records([opened(case_id())]), bad])
    await reader.handle([*records([opened(case_id())]), bad])
    assert (len(world.bus.sent), len(world.rows.documents)) == (1, 1)


def shown(state: str) -> float:
    return metrics.CASES.labels(state)._value.get()  # type: ignore[no-any-return]


async def test_the_gauge_is_what_the_rows_say_however_often_events_come() -> None:
    world, cases = World(), [case_id(n) for n in range(5)]
    reader = world.process()
    await reader.gained({0})
    for _ in range(2):
        await reader.handle(records(event for case in cases for event in life(case)[:4]))
        await reader.handle(records(life(cases[0])[4:]))
    assert (shown("accepted"), shown("closed"), shown("pending")) == (4, 1, 0)
    other = world.process()
    await reader.lost({0})
    assert shown("accepted") == 0
    await other.gained({0})
    assert (shown("accepted"), shown("closed")) == (4, 1)
    await other.lost({0})


async def test_the_gauge_counts_anew_after_a_write_of_which_nobody_knows_how_it_ended() -> None:
    world = World()
    reader = world.process()
    await reader.gained({0})
    world.rows.failing, world.rows.after = 1, True
    with pytest.raises(Unavailable):
        await reader.handle(records([opened(case_id())]))
    await reader.handle(records([opened(case_id())]))
    assert shown("pending") == 1
    await reader.lost({0})


async def test_end_to_end_is_observed_once_per_case() -> None:
    world = World()
    before = metrics.END_TO_END._sum.get(), sum(bucket.get() for bucket in metrics.END_TO_END._buckets)
    for _ in range(3):
        await world.process().handle(records([opened(case_id()), dispatched(case_id())]))
    await world.process().handle(records([acted(case_id(), 3, "note", "noted", "pending")]))
    after = metrics.END_TO_END._sum.get(), sum(bucket.get() for bucket in metrics.END_TO_END._buckets)
    assert (after[0] - before[0], after[1] - before[1]) == (9000, 1)
