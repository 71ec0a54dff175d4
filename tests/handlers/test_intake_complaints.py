"""POST /v1/complaints on fakes: what is taken, what is refused, and what is said about it."""

import asyncio
import json
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest

from shared.events.intake import ComplaintReceived, parse
from shared.privacy.code import read_code
from shared.privacy.keys import Wrapped
from shared.privacy.seal import unseal_all
from tests.handlers.fakes_intake import (
    DIRECTORY,
    JSON,
    KEYRING,
    NOW,
    OFFICE,
    SETTINGS,
    UNKNOWN,
    World,
    complaint,
    world,
)


async def send(made: World, body: Any, **headers: str) -> httpx.Response:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return await made.http.post("/v1/complaints", content=raw, headers=JSON | headers)


def nothing_kept(made: World) -> bool:
    return not made.bus.published and not any(collection.rows for collection in made.client.collections)


async def test_a_complaint_is_answered_with_its_ids_and_a_genuine_query_code() -> None:
    async with world() as made:
        answer = await send(made, complaint())
        body = answer.json()
        assert answer.status_code == 201
        assert set(body) == {"complaint_id", "case_id", "query_code", "received_at"}
        assert body["case_id"] == body["complaint_id"]
        assert read_code(KEYRING, body["query_code"]) == UUID(body["complaint_id"])
        assert body["received_at"] == "2026-03-02T09:30:00+08:00"


async def test_the_event_carries_what_routing_needs_and_seals_the_rest() -> None:
    async with world() as made:
        answer = await send(
            made, complaint(attachments=[{"name": "图.png", "media_type": "image/png", "content": "AAAA"}])
        )
        (record,) = made.bus.published
        event = parse(record.value)
        assert isinstance(event, ComplaintReceived)
        assert record.key == event.case_id.encode() == answer.json()["case_id"].encode()
        assert record.headers["ce_type"] == b"cn.suda.complaint.received.v1"
        assert event.accused.organisation == OFFICE and event.received_on.isoformat() == "2026-03-02"
        assert event.complainant.phone_index and event.complainant.id_index
        (key,) = made.client.keys.rows.values()
        assert key["_id"] == event.key_id and key["case"] == event.case_id
        opened = unseal_all(KEYRING.unwrap(Wrapped(key["version"], key["key"])), event.case_id, event.sealed)
        assert opened["complainant_name"] == "林样例" and opened["accused_person"] == "周样例"
        assert opened["content"] == "窗口先后三次要求补正。" and opened["title"] == "反复要求补正材料"
        assert json.loads(opened["attachment_1"])["name"] == "图.png"


async def test_nothing_of_the_person_is_stored_or_published_in_clear() -> None:
    async with world() as made:
        await send(made, complaint())
        text = made.everything()
        for secret in ("林样例", "周样例", "19900001000", "530102199001010001", "样例路", "补正"):
            assert secret not in text and secret.encode().hex() not in text


async def test_the_same_body_again_is_the_same_complaint_with_the_same_bytes() -> None:
    async with world() as made:
        first, second = await send(made, complaint()), await send(made, complaint())
        assert first.json() == second.json() and second.status_code == 201
        assert "idempotent-replayed" not in first.headers and second.headers["idempotent-replayed"] == "true"
        assert made.bus.published[0] == made.bus.published[1]
        assert len(made.client.keys.rows) == 1, "the key of the second try was swept"


async def test_two_people_who_write_the_same_sentence_are_two_complaints() -> None:
    async with world() as made:
        first = await send(made, complaint())
        second = await send(made, complaint(complainant={"name": "白样例"}))
        assert first.json()["complaint_id"] != second.json()["complaint_id"]


async def test_with_a_key_the_first_answer_stands_even_days_later() -> None:
    async with world() as made:
        first = await send(made, complaint(), **{"idempotency-key": "k-1"})
        made.step(NOW + timedelta(days=3))
        second = await send(made, complaint(), **{"idempotency-key": "k-1"})
        assert first.json() == second.json()


async def test_one_key_for_two_bodies_is_refused_and_not_published() -> None:
    async with world() as made:
        await send(made, complaint(), **{"idempotency-key": "k-1"})
        second = await send(made, complaint(content="另一件事"), **{"idempotency-key": "k-1"})
        assert second.status_code == 422 and "Idempotency-Key" in second.json()["detail"]
        assert len(made.bus.published) == 1


async def test_a_key_never_meets_a_content_hash() -> None:
    async with world() as made:
        by_content = await send(made, complaint())
        by_key = await send(made, complaint(), **{"idempotency-key": "k"})
        assert by_content.json()["complaint_id"] != by_key.json()["complaint_id"]


async def test_identical_requests_at_once_give_one_receipt_and_one_answer() -> None:
    async with world() as made:
        answers = await asyncio.gather(*(send(made, complaint(), **{"idempotency-key": "k"}) for _ in range(20)))
        assert {answer.status_code for answer in answers} == {201}
        assert len({answer.content for answer in answers}) == 1
        assert len(made.client.receipts.rows) == len(made.client.keys.rows) == 1
        assert len({record.value for record in made.bus.published}) == 1


async def test_requests_at_once_share_one_insert() -> None:
    async with world() as made:
        await asyncio.gather(*(send(made, complaint(content=f"第{n}件")) for n in range(50)))
        assert made.client.receipts.calls.count("insert_many") <= 2
        assert len(made.client.receipts.rows) == 50


async def test_with_kafka_away_it_is_503_and_the_same_request_later_is_the_same_complaint() -> None:
    async with world() as made:
        made.bus.away = 1
        first = await send(made, complaint())
        assert first.status_code == 503 and first.headers["retry-after"]
        second = await send(made, complaint())
        assert second.status_code == 201 and len(made.client.receipts.rows) == 1
        (record,) = made.bus.published
        assert parse(record.value).id == second.json()["complaint_id"]


@pytest.mark.parametrize("part", ["receipts", "keys"])
async def test_with_the_store_away_it_is_503_and_nothing_is_published(part: str) -> None:
    async with world() as made:
        getattr(made.client, part).away = 1
        assert (await send(made, complaint())).status_code == 503
        assert not made.bus.published
        assert (await send(made, complaint())).status_code == 201


@pytest.mark.parametrize(
    ("body", "status", "named"),
    [
        (b"{", 400, "JSON"),
        (b"", 400, "JSON"),
        (b"[" * 100_000, 400, "JSON"),
        (b'{"title": "\xff"}', 400, "JSON"),
        (b'{"title": "\\ud800"}', 422, "surrogate"),
        (b"3", 422, "body"),
        (complaint(content="a\x00b"), 422, "content"),
        (complaint(content=" "), 422, "content"),
        (complaint(content="长" * 20_001), 422, "content"),
        (complaint(title="长" * 201), 422, "title"),
        (complaint(channel="fax"), 422, "channel"),
        (complaint(kind="praise"), 422, "kind"),
        (complaint(division="5301"), 422, "division"),
        (complaint(division="999999"), 422, "division"),
        (complaint(division=530102), 422, "division"),
        (complaint(received_by=UNKNOWN), 422, "received_by"),
        (complaint(accused={"organisation": UNKNOWN}), 422, "accused.organisation"),
        (complaint(accused={"window": "找13812345678"}), 422, "accused.window"),
        (complaint(complainant={"phone": "无"}), 422, "complainant.phone"),
        (complaint(occurred_at="2026-03-02T01:30:01Z"), 422, "occurred_at"),
        (complaint(occurred_at="2026-03-01T09:00:00"), 422, "occurred_at"),
        (complaint(occurred_at="0001-01-01T00:00:00+14:00"), 422, "occurred_at"),
        (complaint(received_on="2026-01-01"), 422, "received_on"),
        (complaint(received_at="2026-01-01T00:00:00Z"), 422, "received_at"),
        (complaint(urgent="yes"), 422, "urgent"),
        (
            complaint(attachments=[{"name": "a", "media_type": "image/png", "content": "%"}]),
            422,
            "attachments.0.content",
        ),
        (complaint(attachments=[{"name": "a", "media_type": "image/png", "content": "AA=="}] * 21), 422, "attachments"),
    ],
)
async def test_bad_input_is_named_and_nothing_is_kept(body: Any, status: int, named: str) -> None:
    async with world() as made:
        answer = await send(made, body)
        assert answer.status_code == status
        assert answer.headers["content-type"] == "application/problem+json"
        assert named in answer.json()["detail"] and answer.json()["status"] == status
        assert nothing_kept(made)


async def test_a_refusal_never_repeats_what_was_sent() -> None:
    async with world() as made:
        person = {"name": "林样例" * 30, "phone": "12", "id_number": "5301021990!"}
        answer = await send(made, complaint(complainant=person, division="密区"))
        assert answer.status_code == 422
        assert not any(secret in answer.text for secret in ("林样例", "5301021990", "密区"))


async def test_an_empty_directory_is_named_with_the_mend() -> None:
    async with world(records=()) as made:
        answer = await send(made, complaint())
        assert answer.status_code == 422 and "./suda directory load FILE" in answer.json()["detail"]


async def test_what_was_loaded_a_moment_ago_is_known() -> None:
    async with world(records=()) as made:
        made.load(DIRECTORY[0])
        assert (await send(made, complaint(accused={}))).status_code == 201


async def test_what_was_taken_is_answered_again_though_the_division_was_abolished_since() -> None:
    async with world() as made:
        first = await send(made, complaint(), **{"idempotency-key": "k"})
        made.load(DIRECTORY[0].model_copy(update={"until": NOW.date()}))
        made.step(NOW + timedelta(days=2))
        await made.intake.refresh()
        assert (await send(made, complaint(), **{"idempotency-key": "k"})).json() == first.json()
        assert (await send(made, complaint(), **{"idempotency-key": "new"})).status_code == 422


@pytest.mark.parametrize("type", ["text/plain", "", "application/x-www-form-urlencoded"])
async def test_another_content_type_is_415(type: str) -> None:
    async with world() as made:
        answer = await send(made, complaint(), **{"content-type": type})
        assert answer.status_code == 415 and nothing_kept(made)


async def test_a_body_over_the_limit_is_413_also_without_a_length_and_is_not_read_for_ever() -> None:
    async with world() as made:
        assert (await send(made, b"x" * (SETTINGS.max_body_bytes + 1))).status_code == 413
        given = 0

        async def endless() -> Any:
            nonlocal given
            while True:
                given += 1
                assert given < 100
                yield b"x" * 1_000_000

        answer = await made.http.post("/v1/complaints", content=endless(), headers=JSON)
        assert answer.status_code == 413 and answer.headers["connection"] == "close"
        assert nothing_kept(made)


async def test_the_largest_body_still_fits_into_a_record() -> None:
    async with world() as made:
        room = SETTINGS.max_body_bytes - 1000
        file = {"name": "a.bin", "media_type": "application/octet-stream", "content": "A" * (room - room % 4)}
        answer = await send(made, complaint(attachments=[file]))
        assert answer.status_code == 201
        assert len(made.bus.published[0].value) < SETTINGS.max_record_bytes - 4096


async def test_what_would_not_fit_into_a_record_is_413_before_anything_is_kept() -> None:
    async with world(settings=SETTINGS.model_copy(update={"max_record_bytes": 10_000})) as made:
        answer = await send(made, complaint(content="长" * 5000))
        assert answer.status_code == 413 and nothing_kept(made)


@pytest.mark.parametrize("key", ["", "a b", "x" * 201, "é"])
async def test_a_key_that_is_none_is_refused(key: str) -> None:
    async with world() as made:
        raw = json.dumps(complaint()).encode()
        headers = [(b"content-type", b"application/json"), (b"idempotency-key", key.encode())]
        answer = await made.http.post("/v1/complaints", content=raw, headers=headers)
        assert answer.status_code == 400 and "Idempotency-Key" in answer.json()["detail"]
        assert nothing_kept(made)


async def test_the_trace_is_carried_along_when_it_is_one() -> None:
    async with world() as made:
        trace = f"00-{'a' * 32}-{'b' * 16}-01"
        await send(made, complaint(), traceparent=trace)
        await send(made, complaint(content="二"), traceparent="19900001000")
        assert made.bus.published[0].headers["traceparent"] == trace.encode()
        assert "traceparent" not in made.bus.published[1].headers


async def test_empty_optional_fields_of_a_form_are_as_if_not_sent() -> None:
    async with world() as made:
        first = await send(made, complaint(demand="", door="", source_reference=""))
        assert first.json() == (await send(made, complaint())).json()


async def test_openapi_shows_the_bodies() -> None:
    async with world() as made:
        found = (await made.http.get("/openapi.json")).json()
        assert found["openapi"].startswith("3.1")
        schemas = found["components"]["schemas"]
        assert {"Complaint", "ActBody", "Refuse", "Problem"} <= set(schemas)
        text = json.dumps(found)
        assert all(
            name in schemas for name in set(part.split('"')[0] for part in text.split("#/components/schemas/")[1:])
        )


async def test_health_says_ready_only_with_the_directory_read() -> None:
    made = World()
    assert made.intake.problems()
    await made.intake.start()
    assert not made.intake.problems()
    await made.intake.stop()
    await made.http.aclose()
