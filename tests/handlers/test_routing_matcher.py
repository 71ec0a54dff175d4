"""The matcher's batches beside routing's: a merge asked for once, whatever comes again and in whatever order."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pytest

from services.routing.core.affair import Affair
from services.routing.core.decide import World
from services.routing.desk import Desk
from services.routing.handlers import Handler
from services.routing.matcher import Matcher
from services.routing.store import MOST, Openings, Sent, Waiting
from shared.bus import Outgoing, Record
from shared.clock import Clock
from shared.errors import Unavailable
from shared.events import cases, topics
from shared.events.base import Actor
from shared.events.cases import Acted, AnyCaseEvent, Dispatched, Rejected
from shared.events.intake import ActRequested, ComplainantMarks, ComplaintReceived, parse
from tests.core.cases import ADMINISTRATION, at, complaint
from tests.handlers.fakes import FakeBus, FakeJournal
from tests.handlers.fakes_routing import FakeClient, FakeDatabase, FakeSettings

WANG = ComplainantMarks(id_index="a" * 64, phone_index="b" * 64)
OTHER = ComplainantMarks(id_index="e" * 64)
UNIT = "11530102XXXXXXX012"


class Parts:
    """One routing with its matcher on a journal and a store that may outlive it; what it sends comes back to it."""

    def __init__(self, world: World, journal: FakeJournal | None = None, client: FakeClient | None = None) -> None:
        self.world, self.bus = world, FakeBus()
        self.journal, self.client = journal or FakeJournal(), client or FakeClient()
        base: Any = FakeDatabase(self.client)
        clock, settings = Clock(Path("/nowhere/clock")), FakeSettings()
        sent = Sent(base, settings)  # type: ignore[arg-type]
        self.handler = Handler(
            self.bus,
            self.journal,
            Desk(self.journal, world),
            clock,
            1_000_000,
            sent=sent.keep,  # type: ignore[arg-type]
        )
        self.matcher = Matcher(
            self.bus,
            self.journal,
            world,
            clock,
            Openings(base, settings),
            sent,
            Waiting(base, settings),  # type: ignore[arg-type]
        )
        self._read = {topics.INTAKE: 0, topics.CASES: 0}

    async def take(self, *events: ComplaintReceived | ActRequested) -> None:
        await self.bus.publish([Outgoing(topics.INTAKE, e.case_id.encode(), e.to_bytes()) for e in events])
        await self.settle()

    async def settle(self) -> None:
        """Give each side what the other published until nothing moves."""
        moved = True
        while moved:
            moved = False
            for topic, handle in ((topics.INTAKE, self.handler.handle), (topics.CASES, self.matcher.handle)):
                found = [record for record in self.bus.records if record.topic == topic]
                new = found[self._read[topic] :]
                self._read[topic] = len(found)
                if new:
                    moved = True
                    await handle([Record(topic, 0, n, r.key, r.value, r.headers) for n, r in enumerate(new)])

    async def again(self) -> None:
        """Everything once more, to both."""
        for topic, handle in ((topics.INTAKE, self.handler.handle), (topics.CASES, self.matcher.handle)):
            await handle(
                [
                    Record(topic, 0, n, r.key, r.value, r.headers)
                    for n, r in enumerate(self.bus.records)
                    if r.topic == topic
                ]
            )
        await self.settle()

    def events(self, case: str) -> list[AnyCaseEvent]:
        found = {event.seq: event for event in map(cases.parse, self.bus.on(topics.CASES)) if event.case_id == case}
        return [found[seq] for seq in sorted(found)]

    def done(self, case: str) -> list[str]:
        return [event.done for event in self.events(case) if isinstance(event, Acted)]

    def asked(self, act: str) -> list[ActRequested]:
        found = (parse(value) for value in self.bus.on(topics.INTAKE))
        return [event for event in found if isinstance(event, ActRequested) and event.act == act]


def came(id: str, received: str = "2026-09-18 10:00", **fields: Any) -> ComplaintReceived:
    return complaint(received, id=id, **({"complainant": WANG, "project_no": "P1"} | fields))


def direct(id: str, received: str = "2026-09-18 10:00", **fields: Any) -> ComplaintReceived:
    """Received by the unit itself: assigned at once, so the law allows merging."""
    return came(id, received, received_by=UNIT, **fields)


def hand_over(case: str) -> ActRequested:
    return ActRequested(
        act_id=case[:-4] + "0001", case_id=case, act="hand-over", received_at=at("2026-09-21 10:00"), data={"to": UNIT},
        by=Actor(organisation=ADMINISTRATION, role="supervisor"),
    )  # fmt: skip


async def test_a_certain_pair_is_merged_and_the_survivor_takes_over(world: World) -> None:
    parts, one, other = Parts(world), direct("a"), direct("b", "2026-09-19 10:00")
    await parts.take(one, other)
    assert parts.done(other.case_id) == ["merged"] and parts.done(one.case_id) == ["took-over"]


async def test_whatever_order_they_arrive_in_the_earlier_stays(world: World) -> None:
    one, other = direct("a"), direct("b", "2026-09-19 10:00")
    for order in ((one, other), (other, one)):
        parts = Parts(world)
        for each in order:
            await parts.take(each)
        assert parts.done(other.case_id) == ["merged"], [e.case_id for e in order]


async def test_delivered_again_everything_is_asked_with_the_same_id_and_applied_once(world: World) -> None:
    parts, one, other = Parts(world), direct("a"), direct("b", "2026-09-19 10:00")
    await parts.take(one, other)
    events = len(parts.events(one.case_id)), len(parts.events(other.case_id))
    await parts.again()
    await parts.again()
    assert (len(parts.events(one.case_id)), len(parts.events(other.case_id))) == events
    for act in ("merge", "absorb"):
        assert len({each.to_bytes() for each in parts.asked(act)}) == 1


async def test_a_merge_kept_before_a_send_failed_goes_out_with_the_same_bytes(world: World) -> None:
    journal, client = FakeJournal(), FakeClient()
    first = Parts(world, journal, client)
    records = [Outgoing(topics.INTAKE, e.case_id.encode(), e.to_bytes()) for e in (direct("a"), direct("b"))]
    await first.bus.publish(records)
    await first.handler.handle([Record(topics.INTAKE, 0, n, r.key, r.value) for n, r in enumerate(records)])
    published = [Record(topics.CASES, 0, n, None, value) for n, value in enumerate(first.bus.on(topics.CASES))]
    first.bus.away = 1
    with pytest.raises(Unavailable):
        await first.matcher.handle(published)
    second = Parts(world, journal, client)
    await second.matcher.handle(published)
    assert [act.to_bytes() for act in second.asked("merge")] == [
        bytes(document["value"]) for document in client.collection("sent").documents.values()
    ]


async def test_the_follow_up_is_kept_in_the_commit_and_sent_again_with_it(world: World) -> None:
    parts, one, other = Parts(world), direct("a"), direct("b", "2026-09-19 10:00")
    await parts.take(one, other)
    again = Parts(world, parts.journal, parts.client)
    merge = parts.asked("merge")[0]
    await again.handler.handle([Record(topics.INTAKE, 0, 0, merge.case_id.encode(), merge.to_bytes())])
    assert [act.to_bytes() for act in again.asked("absorb")] == [parts.asked("absorb")[0].to_bytes()]


async def test_where_the_state_does_not_allow_it_yet_it_is_suggested_and_merged_when_it_does(world: World) -> None:
    parts, one, other = Parts(world), came("a"), came("b", "2026-09-19 10:00")
    await parts.take(one, other)
    assert parts.done(other.case_id) == ["noted"]
    await parts.take(hand_over(other.case_id))
    assert parts.done(other.case_id) == ["noted", "handed-over", "merged"]


async def test_different_complainants_leave_no_trace_on_one_another(world: World) -> None:
    parts, one = Parts(world), direct("a")
    other = direct("b", complainant=ComplainantMarks(id_index="c" * 64))
    await parts.take(one, other, direct("c", complainant=ComplainantMarks()))
    assert parts.done(one.case_id) == parts.done(other.case_id) == []
    assert not parts.client.collection("sent").documents


async def test_many_by_one_complainant_all_go_into_the_earliest(world: World) -> None:
    parts = Parts(world)
    made = [direct(f"n{number}", f"2026-09-18 {10 + number}:00") for number in range(5)]
    await parts.take(*reversed(made))
    merged = [each.case_id for each in made if "merged" in parts.done(each.case_id)]
    assert made[0].case_id not in merged and len(merged) == 4


async def test_a_number_by_which_many_complain_is_nobodys_own_and_costs_nothing_more(world: World) -> None:
    parts = Parts(world)
    await parts.take(*(direct(f"n{number}", project_no=f"P{number}") for number in range(40)))
    assert len(parts.client.collection("openings").documents) == 2 * MOST
    finds = parts.client.collection("openings").finds
    await parts.take(direct("again", project_no="P1"))
    assert parts.done(direct("again").case_id) == []
    assert parts.client.collection("openings").finds == finds


async def test_a_new_complainant_costs_no_read_also_with_several_in_one_batch(world: World) -> None:
    parts = Parts(world)
    await parts.take(direct("a"), direct("b", "2026-09-19 10:00"))
    assert parts.client.collection("openings").finds == 0


async def test_a_gap_that_a_broken_insert_left_does_not_stop_the_matcher(world: World) -> None:
    parts, one, other = Parts(world), direct("a"), direct("b", "2026-09-19 10:00")
    await parts.take(one)
    kept = parts.client.collection("openings").documents
    for id in list(kept):
        kept[id.replace(":1", ":3")] = kept.pop(id)
    await parts.take(other)
    await parts.again()  # the batch that was cut off comes again
    assert parts.done(other.case_id) == ["merged"]


async def test_a_merge_into_a_case_that_never_was_is_undone(world: World) -> None:
    parts, one = Parts(world), direct("a", complainant=ComplainantMarks())
    await parts.take(one)
    stray = ActRequested(
        act_id=one.case_id[:-4] + "0001", case_id=one.case_id, act="merge", by=Actor(organisation=UNIT, role="officer"),
        received_at=at("2026-09-18 11:00"), data={"into": came("never").case_id},
    )  # fmt: skip
    await parts.take(stray)
    assert parts.done(one.case_id) == ["merged", "unmerged"]
    assert parts.events(one.case_id)[-1].state == "assigned"


async def test_a_merge_into_a_case_that_is_over_is_undone(world: World) -> None:
    parts, one, gone = Parts(world), direct("a", complainant=ComplainantMarks()), direct("b", complainant=OTHER)
    await parts.take(one, gone)
    over = ActRequested(
        act_id=gone.case_id[:-4] + "0001", case_id=gone.case_id, act="withdraw", received_at=at("2026-09-18 11:00"),
        by=Actor(organisation="", role="complainant", case_id=gone.case_id),
    )  # fmt: skip
    into = ActRequested(
        act_id=one.case_id[:-4] + "0002", case_id=one.case_id, act="merge", by=Actor(organisation=UNIT, role="officer"),
        received_at=at("2026-09-18 12:00"), data={"into": gone.case_id},
    )  # fmt: skip
    await parts.take(over)
    await parts.take(into)
    assert isinstance(parts.events(gone.case_id)[-1], Rejected)
    assert parts.done(one.case_id) == ["merged", "unmerged"]


async def test_one_find_for_the_affairs_of_a_batch_and_none_for_complaints_without(world: World) -> None:
    asked: list[set[str]] = []
    affair = Affair.model_validate({"project_no": "P1", "accepted_by": "11530102XXXXXXX018"})

    async def find(numbers: Iterable[str]) -> Mapping[str, Affair]:
        asked.append(set(numbers))
        return {"P1": affair}

    journal, bus = FakeJournal(), FakeBus()
    handler = Handler(
        bus,
        journal,
        Desk(journal, world),
        Clock(Path("/nowhere/clock")),
        1_000_000,
        affairs=find,  # type: ignore[arg-type]
    )
    batch = [came("a"), came("b", project_no="P2"), came("c", project_no=None)]
    records = [Record(topics.INTAKE, 0, n, e.case_id.encode(), e.to_bytes()) for n, e in enumerate(batch)]
    await handler.handle(records)
    assert asked == [{"P1", "P2"}]
    found = [event for event in map(cases.parse, bus.on(topics.CASES)) if isinstance(event, Dispatched)]
    assert [event.steps[0].asked for event in found] == ["affair", "affair", "matter"]
    assert found[0].accountable == "11530102XXXXXXX018" != found[2].accountable
    affair = Affair.model_validate({"project_no": "P1", "accepted_by": UNIT})
    bus.records.clear()
    await handler.handle(records)  # decided once: what was imported since changes nothing
    assert [cases.parse(v) for v in bus.on(topics.CASES)][1] == found[0]
