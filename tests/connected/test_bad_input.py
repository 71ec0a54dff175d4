"""What bad input gets, and what parts that are away: never an acknowledged loss, never a 500, nothing waits for it."""

import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import httpx
import pytest
from aiokafka import AIOKafkaProducer

from services.cli.directory import from_topic
from shared.bus import Outgoing
from shared.dlq import coordinates
from shared.events import topics
from tests.connected.pipeline import (
    ADMINISTRATION,
    AGENCY,
    PATIENCE,
    SEND_TIMEOUT,
    Pipeline,
    body,
    meeting,
    metric,
    until,
)

pytestmark = pytest.mark.connected
TWENTY_MB = 20_000_000


def cli(suda: Pipeline, *arguments: str) -> bytes:
    """What `suda …` answers on stdout."""
    done = subprocess.run(
        [sys.executable, "-m", "services.cli.main", *arguments],
        env={**os.environ, **suda.running.environment},
        capture_output=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


def refused(answer: httpx.Response, status: int, named: str) -> None:
    """A problem of this status that names the field or the mend."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    found = answer.json()
    assert found["status"] == status and found["title"]
    assert named in found["detail"] or named in {error["field"] for error in found.get("errors", [])}, found


BAD_COMPLAINTS: dict[str, tuple[Any, int, str]] = {
    "malformed": (b'{"channel": "web", ', 400, "EOF"),
    "not utf-8": (b'{"channel": "\xff\xfe"}', 400, ""),
    "an array": ([], 422, "body"),
    "an unknown field": (body(colour="red"), 422, "colour"),
    "an unknown inner field": (body(complainant={"nickname": "x"}), 422, "complainant.nickname"),
    "an over-long title": (body(title="长" * 201), 422, "title"),
    "an over-long content": (body(content="长" * 20_001), 422, "content"),
    "an over-long name": (body(complainant={"name": "长" * 61}), 422, "complainant.name"),
    "an unknown division": (body(division="999999"), 422, "division"),
    "a division of letters": (body(division="abc"), 422, "division"),
    "an unknown organisation": (body(received_by="1153010299999999XX"), 422, "received_by"),
    "an unknown channel": (body(channel="pigeon"), 422, "channel"),
    "a number for a text": (body(content=1), 422, "content"),
    "no content": ({k: v for k, v in body().items() if k != "content"}, 422, "content"),
    "a future instant": (body(occurred_at="2099-01-01T00:00:00+08:00"), 422, "occurred_at"),
    "a phone in clear": (body(accused={"window": "19900001000"}), 422, "accused.window"),
}


@pytest.mark.parametrize("name", BAD_COMPLAINTS)
async def test_a_bad_complaint_is_refused_by_its_field_and_nothing_is_published(suda: Pipeline, name: str) -> None:
    content, status, named = BAD_COMPLAINTS[name]
    raw = content if isinstance(content, bytes) else json.dumps(content).encode()
    before = await suda.bus.ends(topics.INTAKE)
    url = f"{suda.running.url('intake')}/v1/complaints"
    answer = await suda.http.post(url, content=raw, headers={"content-type": "application/json"})
    refused(answer, status, named)
    assert await suda.bus.ends(topics.INTAKE) == before


BAD_ACTS: dict[str, tuple[Any, int, str]] = {
    "malformed": (b"{", 400, "EOF"),
    "an unknown act": ({"act": "bribe"}, 422, "act"),
    "an unknown field": ({"act": "accept", "data": {"by": "pigeon"}}, 422, "data.by"),
    "a day that is none": ({"act": "accept", "data": {"served_on": "2026-02-30"}}, 422, "data.served_on"),
    "an over-long text": ({"act": "note", "data": {"text": "长" * 20_001}}, 422, "data.text"),
}


@pytest.mark.parametrize("name", BAD_ACTS)
async def test_a_bad_act_is_refused_by_its_field_and_nothing_is_published(suda: Pipeline, name: str) -> None:
    content, status, named = BAD_ACTS[name]
    case = (await suda.complain("one-case-for-bad-acts"))["case_id"]
    raw = content if isinstance(content, bytes) else json.dumps(content).encode()
    before = await suda.bus.ends(topics.INTAKE)
    url = f"{suda.running.url('intake')}/v1/cases/{case}/acts"
    headers = suda.bearer("officer", AGENCY) | {"content-type": "application/json"}
    refused(await suda.http.post(url, content=raw, headers=headers), status, named)
    refused(await suda.http.post(url, json={"act": "accept"}), 401, "bearer")
    unknown = f"{suda.running.url('intake')}/v1/cases/{uuid4()}/acts"
    refused(await suda.http.post(unknown, json={"act": "accept"}, headers=headers), 404, "scope")
    assert await suda.bus.ends(topics.INTAKE) == before


@pytest.mark.parametrize("announced", [True, False], ids=["with Content-Length", "chunked"])
@pytest.mark.parametrize("path", ["/v1/complaints", "/v1/imports/hotline"])
async def test_twenty_megabytes_are_refused_whether_announced_or_not(
    suda: Pipeline, path: str, announced: bool
) -> None:
    before = await suda.bus.ends(topics.INTAKE)

    async def endless() -> AsyncIterator[bytes]:
        for _ in range(TWENTY_MB // 100_000):
            yield b" " * 100_000

    headers = suda.bearer() | {"content-type": "application/json"}
    content: Any = b" " * TWENTY_MB if announced else endless()
    answer = await suda.http.post(f"{suda.running.url('intake')}{path}", content=content, headers=headers)
    refused(answer, 413, "send less")
    assert await suda.bus.ends(topics.INTAKE) == before
    assert (await suda.post_complaint()).status_code == 201


GARBAGE = (b"", b"\xff\xfe\x00 no json", b"{}", b'{"type": "opened"}', b"[" * 5000, json.dumps(body()).encode())


async def letters(suda: Pipeline) -> dict[str, bytes]:
    return {coordinates(r.headers): r.value for r in await suda.records(topics.DLQ)}


@pytest.mark.parametrize(
    ("topic", "services"),
    [
        (topics.INTAKE, {"routing"}),
        (topics.CASES, {"sla", "reporting"}),
        (topics.DEADLINES, {"reporting"}),
    ],
)
async def test_what_cannot_be_read_lies_in_the_dlq_as_it_was_and_the_others_go_on(
    suda: Pipeline, topic: str, services: set[str]
) -> None:
    before = await letters(suda)
    key = str(uuid4()).encode()
    number = suda.bus.partition(key)
    start = (await suda.bus.ends(topic))[number]
    await suda.bus.publish([Outgoing(topic, key, value) for value in GARBAGE])
    async with AIOKafkaProducer(bootstrap_servers=suda.running.kafka) as foreign:
        await foreign.send_and_wait(topic, None, key=key, headers=[("odd", b"\xff")])
    taken = await suda.complain()
    await suda.settle()
    fresh = {id: value for id, value in (await letters(suda)).items() if id not in before}
    expected = dict(enumerate((*GARBAGE, b""), start))
    for service in services:
        mine = {int(id.split("/")[2]): value for id, value in fresh.items() if id.endswith(f"/{service}")}
        assert mine == expected, f"{service} has other letters"
    assert {id.split("/")[3] for id in fresh} == services
    assert (await suda.case(taken["case_id"]))["state"] == "pending"
    pages = [(await suda.http.get(f"{suda.running.url(service)}/metrics")).text for service in services]
    assert all(metric(page, "suda_dead_letters_total", topic=topic) >= len(expected) for page in pages)
    await suda.verify()


async def test_what_is_no_record_of_the_directory_is_passed_over_and_logged(suda: Pipeline) -> None:
    good = await suda.bus.ends(topics.DIRECTORY)
    await suda.bus.publish([Outgoing(topics.DIRECTORY, b"organisation/nonsense", value) for value in GARBAGE])
    async with AIOKafkaProducer(bootstrap_servers=suda.running.kafka) as foreign:
        await foreign.send_and_wait(topics.DIRECTORY, b"\xff", key=b"\xff\xfe")

    async def logged() -> bool:
        seen = [
            "passed over" in (suda.running.home / "logs" / f"{name}.log").read_text(errors="replace")
            for name in ("intake", "routing", "reporting")
        ]
        return all(seen)

    await until(logged, "intake, routing and reporting log that a record was passed over")
    directory, faults = await from_topic(suda.running.settings)
    assert len(directory) and len(faults) >= len(GARBAGE)
    assert sum((await suda.bus.ends(topics.DIRECTORY)).values()) > sum(good.values())
    for name in ("routing", "intake"):  # and a new process reads past them
        await asyncio.to_thread(suda.running.restart, name)
    taken = await suda.complain()
    await suda.settle()
    assert (await suda.case(taken["case_id"]))["organisation"] == AGENCY


async def test_an_act_that_came_before_its_case_is_a_letter_and_is_applied_once_when_replayed(suda: Pipeline) -> None:
    pid, armed = suda.running.pid("intake"), suda.arm("intake: receipt, publish")
    with pytest.raises(httpx.TransportError):
        await suda.post_complaint("cut-off-before-it-was-published")
    assert not armed.exists()
    await suda.born_again("intake", pid)
    known = {record.key for record in await suda.records(topics.INTAKE)}
    receipts = [one["_id"] for one in await suda.documents("intake", "receipts")]
    (case,) = [one for one in receipts if one.encode() not in known]
    key = "acted-too-early"
    assert (await suda.post_act(case, "hand-over", "supervisor", ADMINISTRATION, key=key, to=AGENCY)).status_code == 202
    await suda.settle()
    listed = json.loads(cli(suda, "dlq", "list", "--json"))
    (one,) = [letter for letter in listed["letters"] if letter["key"] == case]
    assert one["service"] == "routing" and "was opened before" in one["reason"]
    shown = cli(suda, "dlq", "show", one["id"], "--raw")
    assert shown == (await letters(suda))[one["id"]] and json.loads(shown)["act"] == "hand-over"
    taken = await suda.complain("cut-off-before-it-was-published")
    assert taken["case_id"] == case
    for _ in range(2):
        assert json.loads(cli(suda, "dlq", "replay", one["id"], "--json")) == {"replayed": 1}
    await suda.settle()
    found = await suda.case(case)
    assert [entry["what"] for entry in found["timeline"]] == ["opened", "dispatched", "handed-over"]
    await suda.verify()


async def exactly_one_case(suda: Pipeline, key: str, title: str) -> None:
    """The same key is acknowledged now, and made one case."""
    taken: dict[str, Any] = {}

    async def acknowledged() -> bool:
        answer = await suda.post_complaint(key, title=title)
        assert answer.status_code in (201, 503), answer.text
        taken.update(answer.json() if answer.status_code == 201 else {})
        return answer.status_code == 201

    await until(acknowledged, "the same key is acknowledged")
    await suda.settle()
    inputs = [record for record in await suda.records(topics.INTAKE) if record.key == taken["case_id"].encode()]
    assert len({record.value for record in inputs}) == 1
    events = {event.event_id for event in await suda.events(taken["case_id"])}
    assert len(events) == 2
    assert [row["case_id"] for row in await suda.all_cases()].count(taken["case_id"]) == 1


async def unavailable(suda: Pipeline, key: str, title: str) -> None:
    """503 with problem details, within the time-out."""
    began = time.monotonic()
    answer = await suda.post_complaint(key, title=title)
    refused(answer, 503, "sent again")
    assert answer.headers["retry-after"]
    assert time.monotonic() - began < 3 * SEND_TIMEOUT


@pytest.mark.parametrize("part", ["kafka", "store"])
async def test_a_part_that_hangs_is_answered_503_and_the_same_key_makes_one_case(suda: Pipeline, part: str) -> None:
    await suda.complain()
    key = str(uuid4())
    suda.running.pause(part)
    try:
        await unavailable(suda, key, f"{part} hangs")
    finally:
        suda.running.resume(part)
    await exactly_one_case(suda, key, f"{part} hangs")
    await suda.verify()


@pytest.mark.parametrize("part", ["kafka", "store"])
async def test_a_part_that_is_away_is_answered_503_and_the_same_key_makes_one_case(suda: Pipeline, part: str) -> None:
    await suda.complain()
    key = str(uuid4())
    await asyncio.to_thread(suda.running.stop, part)
    try:
        await unavailable(suda, key, f"{part} is away")
    finally:
        await asyncio.to_thread(suda.running.start, part)
    async with meeting(suda.running) as later:
        await exactly_one_case(later, key, f"{part} is away")
        await later.verify()


def test_sla_with_another_number_of_partitions_than_the_topics_ends_with_the_mend(suda: Pipeline) -> None:
    """Under another number its rows would lie in partitions that nobody watches."""
    done = subprocess.run(
        [sys.executable, "-m", "services.sla.app"],
        env={**os.environ, **suda.running.environment, "SUDA_PARTITIONS": "7", "SUDA_SLA_PORT": "0"},
        capture_output=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == 78
    assert b"set SUDA_PARTITIONS back" in done.stderr and b"Traceback" not in done.stderr
