"""The orders of events that broke earlier drafts, each forced on the real parts, each ending with `verify`."""

import asyncio
import time
from collections import Counter
from datetime import timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest
from aiokafka import AIOKafkaProducer

from services.routing.core.chain import Decided
from services.routing.core.decide import World, act, open_case
from shared.bus import Outgoing, Record
from shared.directory.topic import fold
from shared.dlq import coordinates
from shared.events import topics
from shared.events.base import Actor
from shared.events.intake import ActRequested, ComplaintReceived, IntakeEvent, parse
from shared.law import Calendar, load
from shared.store import connect
from tests.connected.pipeline import ADMINISTRATION, AGENCY, SERVED, Pipeline, at, metric, until, working_day

pytestmark = [pytest.mark.connected, pytest.mark.timeout(600)]


async def inputs(suda: Pipeline, case: str) -> list[IntakeEvent]:
    """What lies on suda.intake of this case."""
    return [parse(record.value) for record in await suda.records(topics.INTAKE) if record.key == case.encode()]


async def decided(suda: Pipeline, case: str) -> list[bytes]:
    """What routing must make of the case's inputs: the core's own decisions, by seq."""
    directory, _ = await fold(suda.bus.read_all(topics.DIRECTORY))
    world = World(load(suda.running.settings.law), directory, Calendar.load())
    made: Decided | None = None
    values: list[bytes] = []
    for event in await inputs(suda, case):
        if isinstance(event, ComplaintReceived):
            made = open_case(event, world)
        else:
            assert made is not None
            made = act(event, made.case, world)
        values += [value for _, value in made.events]
    return values


async def early_rows(suda: Pipeline) -> dict[str, int]:
    return {name: len(await suda.documents(name, "early")) for name in ("sla", "reporting")}


async def test_events_published_in_any_order_end_as_if_in_order(suda: Pipeline) -> None:
    suda.running.pause("routing")
    case = (await suda.complain())["case_id"]
    for name, who, org, data in (
        ("hand-over", "supervisor", ADMINISTRATION, {"to": AGENCY}),
        ("accept", "officer", AGENCY, SERVED),
    ):
        assert (await suda.post_act(case, name, who, org, **data)).status_code == 202  # type: ignore[arg-type]
    values = await decided(suda, case)
    assert len(values) == 4

    async def publish(*seqs: int) -> None:
        await suda.bus.publish([Outgoing(topics.CASES, case.encode(), values[seq - 1]) for seq in seqs])
        ends = await suda.bus.ends(topics.CASES)
        for group in (topics.SLA_GROUP, topics.REPORTING_CASES_GROUP):
            await asyncio.wait_for(suda.bus.reached(group, topics.CASES, ends), 60)

    await publish(4, 2)
    assert await early_rows(suda) == {"sla": 2, "reporting": 2}
    page = (await suda.http.get(f"{suda.running.url('sla')}/metrics")).text
    assert metric(page, "suda_early_rows", service="sla") == 2
    assert (await suda.get(f"/v1/cases/{case}", suda.bearer())).status_code == 404
    await asyncio.to_thread(suda.running.kill, "sla")  # what came early outlives a process
    await asyncio.to_thread(suda.running.wait_ready, "sla")
    await publish(2, 1)
    assert await early_rows(suda) == {"sla": 1, "reporting": 1}
    assert (await suda.case(case))["state"] == "pending"
    await publish(3)
    assert await early_rows(suda) == {"sla": 0, "reporting": 0}
    suda.running.resume("routing")
    await suda.settle()
    found = await suda.case(case)
    assert [entry["seq"] for entry in found["timeline"]] == [1, 2, 3, 4] and found["state"] == "accepted"
    assert {one["obligation"]: one["status"] for one in found["deadlines"]} == {
        "handover": "met", "acceptance": "met", "resolution": "open",
    }  # fmt: skip
    on_topic = {record.value for record in await suda.records(topics.CASES) if record.key == case.encode()}
    assert on_topic == set(values), "routing decides the same bytes"
    await suda.verify()


async def dies(suda: Pipeline, service: str, point: str, work: Any) -> None:
    """Arm the point, do the work, and wait until the service died there and lives again."""
    before = suda.running.record(service).pid
    armed = suda.arm(point)
    await work()
    await until(lambda: not armed.exists(), f"{service} dies at “{point}”")
    await suda.born_again(service, before)


async def values_of(suda: Pipeline, topic: str, case: str) -> Counter[bytes]:
    return Counter(record.value for record in await suda.records(topic) if record.key == case.encode())


@pytest.mark.parametrize(
    ("service", "point", "topic"),
    [
        ("routing", "routing: journal, publish", topics.CASES),
        ("sla", "sla: journal, publish", topics.DEADLINES),
        ("sla", "sla: publish, watch", topics.DEADLINES),
    ],
)
async def test_what_died_between_journal_and_publish_publishes_the_journalled_bytes(
    suda: Pipeline, service: str, point: str, topic: str
) -> None:
    taken: dict[str, Any] = {}

    async def work() -> None:
        taken.update(await suda.complain())

    await dies(suda, service, point, work)
    case = taken["case_id"]
    await suda.settle()
    journalled = {
        bytes(entry["v"])
        for commit in await suda.documents(service, "journal")
        if commit["case"] == case
        for entry in commit["events"]
    }
    assert journalled and set(await values_of(suda, topic, case)) == journalled
    day = suda.now.date()
    await suda.step(at(working_day(day, 2) + timedelta(days=1)))  # and the duty is watched
    rungs = Counter(event.rung for event in await suda.deadlines(case) if event.rung)
    assert rungs["breach"] == 1
    await suda.verify()


@pytest.mark.parametrize(("point", "times"), [("timers: claim, publish", 1), ("timers: publish, confirm", 2)])
async def test_a_rung_claimed_by_a_process_that_died_is_published_with_the_same_bytes(
    suda: Pipeline, point: str, times: int
) -> None:
    day = await suda.morning()
    case = await suda.assigned()
    await suda.settle()
    await suda.step(at(working_day(day, 3)))

    async def work() -> None:
        suda.turn(at(working_day(day, 3) + timedelta(days=1), 0))

    await dies(suda, "sla", point, work)
    await suda.settle()
    breaches = [event for event in await suda.deadlines(case) if event.type == "breached"]
    assert len(breaches) == times and len({event.to_bytes() for event in breaches}) == 1
    assert await suda.documents("sla", "claims") == []
    assert [one["status"] for one in (await suda.case(case))["deadlines"] if one["obligation"] == "acceptance"] == [
        "late"
    ]
    await suda.verify()


@pytest.mark.parametrize("before", ["the complaint", "the due instant"])
async def test_a_late_act_that_sla_sees_before_its_timer_is_a_breach_all_the_same(suda: Pipeline, before: str) -> None:
    day = await suda.morning()
    if before == "the complaint":
        suda.running.pause("sla")
    case = (await suda.complain())["case_id"]
    if before == "the due instant":
        await suda.settle()
        suda.running.pause("sla")
    due = at(working_day(day, 2) + timedelta(days=1), 0)
    suda.turn(due + timedelta(hours=10))  # both warnings are due by now, too
    await suda.apply(case, "hand-over", "supervisor", ADMINISTRATION, to=AGENCY)
    suda.running.resume("sla")
    await suda.settle()
    found = [event for event in await suda.deadlines(case) if event.obligation == "handover"]
    assert [event.rung_due for event in found if event.type == "breached"] == [due]
    assert [event.late_days for event in found if event.type == "discharged"] == [1]
    assert not [row for row in await suda.documents("sla", "open") if row["_id"].startswith(f"{case}:handover")]
    await suda.verify()


async def test_a_rung_claimed_while_kafka_hangs_is_published_without_a_restart(suda: Pipeline) -> None:
    day = await suda.morning()
    case = await suda.assigned()
    await suda.settle()
    due = at(working_day(day, 3) + timedelta(days=1), 0)
    await suda.step(at(working_day(day, 3)))
    pid = suda.running.pid("sla")
    claims = len(await suda.documents("sla", "rungs"))
    log = suda.running.home / "logs" / "sla.log"
    said = log.read_text().count("rungs wait")
    suda.running.pause("store")  # the barrier is passed, the claim is not answered
    suda.turn(due)
    since: list[float] = []

    async def past_the_barrier() -> bool:
        url = suda.running.url("sla")
        firing = bool((await suda.http.get(f"{url}/v1/timers")).json()["firing"])
        since.extend([time.monotonic()] * (firing and not since))
        age = metric((await suda.http.get(f"{url}/metrics")).text, "suda_barrier_age_seconds")
        return bool(since) and time.monotonic() - since[0] > 2.5 and age == 0  # a barrier's age is told every second

    await until(past_the_barrier, "the rung waits for the store alone")
    suda.running.pause("kafka")
    suda.running.resume("store")

    async def claimed() -> bool:
        return len(await suda.documents("sla", "rungs")) > claims

    try:
        await until(claimed, "the rung is claimed", 30)
        await until(lambda: log.read_text().count("rungs wait") > said, "its publication times out", 30)
    finally:
        suda.running.resume("kafka")
    await suda.settle()
    assert suda.running.pid("sla") == pid
    assert len({e.to_bytes() for e in await suda.deadlines(case) if e.type == "breached"}) == 1
    await suda.verify()


async def test_a_retry_while_the_first_send_is_still_in_flight_makes_one_case(suda: Pipeline) -> None:
    await suda.complain()
    key = str(uuid4())
    suda.running.pause("kafka")
    try:
        first = await suda.post_complaint(key, title="一次")
        assert first.status_code == 503
        second = asyncio.create_task(suda.post_complaint(key, title="一次"))  # both wait for the same broker now
        _, pending = await asyncio.wait({second}, timeout=0.5)
        assert pending
    finally:
        suda.running.resume("kafka")
    answer = await second
    while answer.status_code == 503:
        answer = await suda.post_complaint(key, title="一次")
    assert answer.status_code == 201
    case = answer.json()["case_id"]
    sent = await values_of(suda, topics.INTAKE, case)
    assert len(sent) == 1, "whatever was sent is the same bytes"
    assert sent.total() >= 2, "the first send arrived after all"
    await suda.settle()
    assert [row["case_id"] for row in await suda.all_cases()].count(case) == 1
    assert len(set(await values_of(suda, topics.CASES, case))) == 2
    await suda.verify()


async def test_a_process_that_was_paused_past_its_session_doubles_no_seq_and_loses_no_act(suda: Pipeline) -> None:
    await suda.morning()
    cases = [await suda.assigned() for _ in range(12)]
    await asyncio.to_thread(suda.running.start, "routing-2")
    try:
        await suda.settle()
        for sleeper in ("routing", "routing-2"):
            warm = [await suda.post_act(c, "note", "officer", AGENCY, text="一", wait=30) for c in cases]
            assert {answer.json()["outcome"] for answer in warm} == {"applied"}  # both hold cases in their caches
            suda.running.pause(sleeper)
            asked = [await suda.post_act(c, "note", "officer", AGENCY, text="二") for c in cases]
            assert {answer.status_code for answer in asked} == {202}
            # the other one takes over and decides all of it, while the sleeper holds batches and stale cases
            ends = await suda.bus.ends(topics.INTAKE)
            await asyncio.wait_for(suda.bus.reached(topics.ROUTING_GROUP, topics.INTAKE, ends), 120)
            more = [await suda.post_act(c, "note", "officer", AGENCY, text="三") for c in cases]
            suda.running.resume(sleeper)
            more += [await suda.post_act(c, "note", "officer", AGENCY, text="四") for c in cases]
            assert {answer.status_code for answer in more} == {202}
            await suda.settle()
        for case in cases:
            found = await suda.case(case)
            notes = [entry for entry in found["timeline"] if entry["what"] == "noted" or entry.get("act") == "note"]
            assert len(notes) == len({note["cause"] for note in notes}) == 8
            by_seq: dict[int, set[str]] = {}
            for event in await suda.events(case):
                by_seq.setdefault(event.seq, set()).add(event.cause)
            assert all(len(causes) == 1 for causes in by_seq.values()) and max(by_seq) == 11
        await suda.verify()
    finally:
        suda.running.resume("routing-2")
        await asyncio.to_thread(suda.running.stop, "routing-2")


async def _letter(suda: Pipeline, key: str) -> Record:
    (found,) = {coordinates(r.headers): r for r in await suda.records(topics.DLQ) if r.key == key.encode()}.values()
    return found


async def test_a_raw_oversized_record_poisons_nothing(suda: Pipeline) -> None:
    key, value = str(uuid4()), b'{"type": "' + b"x" * 1_900_000 + b'"}'  # what the topic takes, over our own limit
    pids = {name: suda.running.pid(name) for name in ("routing", "sla", "reporting")}
    async with AIOKafkaProducer(bootstrap_servers=suda.running.kafka, max_request_size=2_500_000) as foreign:
        for topic in topics.CASE_BEARING:
            await foreign.send_and_wait(topic, value, key=key.encode())
    case = await suda.assigned()
    await suda.settle()
    letters = {coordinates(r.headers): r for r in await suda.records(topics.DLQ) if r.key == key.encode()}
    assert Counter(id.split("/")[0] + " " + id.split("/")[3] for id in letters) == {
        "suda.intake routing": 1, "suda.cases sla": 1, "suda.cases reporting": 1, "suda.deadlines reporting": 1,
    }  # fmt: skip
    assert {record.value for record in letters.values()} == {value}
    assert (await suda.case(case))["state"] == "assigned"
    assert pids == {name: suda.running.pid(name) for name in pids}, "a process ended over it"
    await suda.verify()


async def test_a_record_that_is_small_only_while_compressed_poisons_nothing(suda: Pipeline) -> None:
    key, value = str(uuid4()), b"x" * 20_000_000
    pids = {name: suda.running.pid(name) for name in ("routing", "sla", "reporting")}
    async with AIOKafkaProducer(
        bootstrap_servers=suda.running.kafka, max_request_size=30_000_000, compression_type="gzip"
    ) as foreign:
        for topic in topics.CASE_BEARING:
            await foreign.send_and_wait(topic, value, key=key.encode(), headers=[("big", b"\xff" * 1_000_000)])
    case = await suda.assigned()
    await suda.settle()
    letters = {coordinates(r.headers): r for r in await suda.records(topics.DLQ) if r.key == key.encode()}
    assert len(letters) == 4
    assert all(value.startswith(record.value) for record in letters.values())
    assert (await suda.case(case))["state"] == "assigned"
    assert pids == {name: suda.running.pid(name) for name in pids}, "a process ended over it"
    await suda.verify()


async def test_an_input_whose_event_would_be_oversized_is_a_letter_and_the_case_goes_on(suda: Pipeline) -> None:
    case = await suda.assigned()
    await suda.settle()
    act_id, room = str(uuid4()), suda.running.settings.max_record_bytes - 5000
    asked = ActRequested(
        act_id=act_id,
        case_id=case,
        act="note",
        by=Actor(organisation=AGENCY, role="officer"),
        received_at=suda.now,
        sealed={"text": ""},
    )
    asked = asked.model_copy(update={"sealed": {"text": "x" * (room - len(asked.to_bytes()))}})
    await _receipt(suda, act_id, case, asked)
    await suda.bus.publish([Outgoing(topics.INTAKE, case.encode(), asked.to_bytes())])
    await suda.apply(case, "accept", "officer", AGENCY, **SERVED)
    await suda.settle()
    letter = await _letter(suda, case)
    assert letter.value == asked.to_bytes() and b"limit" in letter.headers["suda_reason"]
    assert (await suda.case(case))["state"] == "accepted"
    await suda.verify()


async def _receipt(suda: Pipeline, act_id: str, case: str, asked: ActRequested) -> None:
    """As intake keeps it before it publishes: `verify` wants one of every input."""
    client = connect(suda.running.settings)
    try:
        receipts = client[suda.running.settings.database("intake")]["act_receipts"]
        await receipts.insert_one({"_id": act_id, "case": case, "value": asked.to_bytes()})
    finally:
        await client.close()


async def test_an_oversized_complaint_is_refused_before_anything_is_kept(suda: Pipeline) -> None:
    before = await suda.bus.ends(topics.INTAKE)
    files = [{"name": f"{n}.bin", "media_type": "application/octet-stream", "content": "A" * 40_000} for n in range(20)]
    answer = await suda.post_complaint(attachments=files)
    assert answer.status_code == 413
    assert await suda.bus.ends(topics.INTAKE) == before
    fits: httpx.Response = await suda.post_complaint(attachments=files[:9])
    assert fits.status_code == 201
    await suda.settle()
    assert (await suda.case(fits.json()["case_id"]))["attachments"] == 9
