"""`suda.deadlines` becomes a set of documents; the gauge is the fold of them."""

from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.reporting.core import deadlines
from services.reporting.core.scope import Scope
from services.reporting.deadline_handlers import DeadlineReader
from services.reporting.store import Store
from shared import metrics
from shared.bus import Record
from shared.clock import Clock
from shared.errors import Unavailable
from shared.events import topics
from shared.events.deadlines import DeadlineEvent, deadline_id
from shared.settings import Settings
from tests.core.test_reporting_deadlines import IN_TIME, LONGER, TOO_LATE, some_events
from tests.core.test_reporting_samples import case_id, deadline
from tests.handlers.test_reporting_fakes import Client, Collection, KeptBus

SETTINGS = Settings()
CASE = case_id()


def records(events: Iterable[DeadlineEvent]) -> list[Record]:
    return [
        Record(topics.DEADLINES, 0, offset, event.case_id.encode(), event.to_bytes())
        for offset, event in enumerate(events)
    ]


class World:
    def __init__(self) -> None:
        self.client, self.bus = Client(), KeptBus()
        self.documents: Collection = self.client[SETTINGS.database("reporting")]["deadline_events"]
        self.store = Store(self.client, SETTINGS)  # type: ignore[arg-type]

    async def process(self) -> DeadlineReader:
        reader = DeadlineReader(self.bus, self.store, Clock())
        await reader.gained({0})
        return reader

    def gauge(self) -> Counter[tuple[str, str]]:
        held = deadlines.counts(deadlines.statuses(self.documents.documents.values()))
        shown = {labels: metrics.DEADLINES_HELD.labels(*labels)._value.get() for labels in held}
        assert shown == held
        return held


async def test_a_batch_that_opens_deadlines_costs_exactly_one_insert() -> None:
    world = World()
    reader = await world.process()
    world.documents.calls.clear()
    await reader.handle(records(deadline(case_id(n), "opened") for n in range(100)))
    assert world.documents.calls == ["insert_many"]
    assert world.gauge() == {("acceptance", "open"): 100}


async def test_a_discharge_moves_the_gauge_from_open_to_met() -> None:
    world = World()
    reader = await world.process()
    await reader.handle(records([deadline(CASE, "opened")]))
    await reader.handle(records([deadline(CASE, "discharged", seq=3, at=IN_TIME)]))
    assert world.gauge() == {("acceptance", "met"): 1}
    assert metrics.DEADLINES_HELD.labels("acceptance", "open")._value.get() == 0


async def test_a_duty_opened_again_counts_as_open_also_after_a_restart() -> None:
    world = World()
    reader = await world.process()
    await reader.handle(records([deadline(CASE, "opened"), deadline(CASE, "superseded", seq=3)]))
    assert world.gauge() == {("acceptance", "superseded"): 1}
    reader = await world.process()  # which remembers nothing
    await reader.handle(records([deadline(CASE, "opened", seq=4, id=deadline_id(CASE, "acceptance", 1, "opened@4"))]))
    assert world.gauge() == {("acceptance", "open"): 1}
    assert metrics.DEADLINES_HELD.labels("acceptance", "superseded")._value.get() == 0


async def test_the_whole_event_is_kept() -> None:
    world = World()
    await (await world.process()).handle(records([deadline(CASE, "opened", debtor=None, latest_day=LONGER["due_day"])]))
    (found,) = world.documents.documents.values()
    assert (found["case"], found["latest_day"], found["citations"][0]["article"]) == (CASE, "2026-10-09", "8")
    assert found["due_at"] == "2026-09-24T00:00:00.000000+08:00"


@given(some_events(), st.data())
@settings(deadline=None)
async def test_any_batches_repetitions_and_restarts_leave_the_same_documents(
    events: list[DeadlineEvent], data: st.DataObject
) -> None:
    """Openings come first, as they do in the log; all else in any order."""
    world, whole = World(), sorted(events, key=lambda event: event.type != "opened")
    reader = await world.process()
    openings = sum(event.type == "opened" for event in whole)
    cut = data.draw(st.integers(openings, len(whole)))
    for batch in (whole[:openings], whole[openings:cut], whole, whole[cut:] + whole[:cut]):
        if data.draw(st.booleans()):
            reader = await world.process()
        await reader.handle(records(batch + batch[:3]))
        world.gauge()
    assert set(world.documents.documents) == {event.id for event in events}
    stored = await world.store.deadlines([case_id(1), case_id(2)])
    assert deadlines.statuses(stored) == deadlines.statuses(map(deadlines.document, events))


@given(some_events())
@settings(deadline=None)
async def test_the_store_counts_outcomes_as_the_fold_does(events: list[DeadlineEvent]) -> None:
    world = World()
    await (await world.process()).handle(records(events))
    expected = deadlines.counts(deadlines.statuses(map(deadlines.document, events)))
    assert await world.store.outcomes(Scope(everything=True)) == expected
    assert await world.store.outcomes_of({0}) == expected
    assert await world.store.outcomes(Scope()) == Counter()


async def test_bad_bytes_go_to_the_dlq_and_the_others_go_on() -> None:
    world = World()
    bad = Record(topics.DEADLINES, 0, 5, CASE.encode(), b'{"id": 1}')
    await (await world.process()).handle([bad, *records([deadline(CASE, "opened")])])
    assert len(world.documents.documents) == 1
    assert b"Field required" in world.bus.sent[0].headers["suda_reason"] or world.bus.sent[0].headers["suda_reason"]


async def test_an_insert_that_broke_off_is_done_again_and_counted_once() -> None:
    world = World()
    reader = await world.process()
    batch = records([deadline(CASE, "opened"), deadline(CASE, "breached", at=TOO_LATE)])
    world.documents.failing, world.documents.after = 1, True
    with pytest.raises(Unavailable):
        await reader.handle(batch)
    await reader.handle(batch)
    assert world.gauge() == {("acceptance", "late"): 1}


async def test_a_withdrawn_breach_is_no_longer_late() -> None:
    world = World()
    reader = await world.process()
    await reader.handle(records([deadline(CASE, "opened"), deadline(CASE, "breached", at=TOO_LATE)]))
    reader = await world.process()
    late = datetime(2026, 9, 25, tzinfo=UTC)
    await reader.handle(records([deadline(CASE, "breach-withdrawn", seq=3, at=late)]))
    assert world.gauge() == {("acceptance", "withdrawn-breach"): 1}
    assert metrics.DEADLINES_HELD.labels("acceptance", "late")._value.get() == 0
