"""POST /v1/cases/{case_id}/acts on fakes: who may ask, what is sealed, and what a waiting caller hears."""

import json
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from shared.bus import Outgoing, Record
from shared.events import topics
from shared.events.base import Citation, headers
from shared.events.cases import Acted, Rejected
from shared.events.intake import ActRequested, parse
from shared.privacy.keys import Wrapped
from shared.privacy.seal import unseal_all
from tests.handlers.fakes_intake import JSON, KEYRING, NOW, OFFICE, World, complaint, world

ACCEPT = {"act": "accept", "data": {"served_by": "phone", "served_on": "2026-03-02"}}
REFUSE = {
    "act": "refuse",
    "data": {"ground": "repeated", "reason": "林样例已就同一事项投诉", "served_on": "2026-03-02"},
}


async def opened(made: World) -> str:
    answer = await made.http.post("/v1/complaints", json=complaint())
    made.bus.published.clear()
    return str(answer.json()["case_id"])


async def ask(made: World, case: str, body: Any, bearer: dict[str, str] | None = None, **more: str) -> httpx.Response:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    sent = JSON | (made.bearer(user="u1") if bearer is None else bearer) | more
    return await made.http.post(f"/v1/cases/{case}/acts", content=raw, headers=sent)


def decision(record: Outgoing, event: type[Acted] | type[Rejected], **more: Any) -> Record:
    asked = parse(record.value)
    assert isinstance(asked, ActRequested)
    cite = Citation(instrument="yunnan-2022", article="8")
    common = {"event_id": str(uuid4()), "case_id": asked.case_id, "seq": 3, "at": NOW, "cause": asked.id}
    made = event(**common, act=asked.act, by=asked.by, state="accepted", citations=(cite,), **more)
    found = headers(id=made.event_id, type="cn.suda.case.x.v1", subject=asked.case_id, time=NOW, cause=asked.id)
    return Record(topics.CASES, 0, 0, record.key, made.to_bytes(), found)


async def test_an_act_goes_to_the_topic_with_who_asks_for_it() -> None:
    async with world() as made:
        case = await opened(made)
        answer = await ask(made, case, ACCEPT)
        (record,) = made.bus.published
        event = parse(record.value)
        assert answer.status_code == 202 and answer.json() == {"act_id": event.id}
        assert isinstance(event, ActRequested)
        assert (event.by.organisation, event.by.role, event.by.user) == (OFFICE, "officer", "u1")
        assert event.data == {"served_by": "phone", "served_on": "2026-03-02"} and not event.sealed
        assert record.key == case.encode() and record.headers["ce_id"] == event.id.encode()


async def test_what_is_said_is_sealed_with_the_key_of_the_case() -> None:
    async with world() as made:
        case = await opened(made)
        await ask(made, case, REFUSE)
        event = parse(made.bus.published[0].value)
        assert isinstance(event, ActRequested)
        assert event.data == {"ground": "repeated", "served_on": "2026-03-02"}
        (key,) = made.client.keys.rows.values()
        opened_text = unseal_all(KEYRING.unwrap(Wrapped(key["version"], key["key"])), case, event.sealed)
        assert opened_text == {"reason": REFUSE["data"]["reason"]}  # type: ignore[index]
        assert "林样例" not in made.everything()


async def test_the_key_of_a_case_is_asked_for_once() -> None:
    async with world() as made:
        case = await opened(made)
        made.client.keys.calls.clear()
        for _ in range(3):
            await ask(made, case, REFUSE)
        assert made.client.keys.calls == ["find"]


async def test_in_a_case_whose_key_was_erased_nothing_more_can_be_said() -> None:
    async with world() as made:
        case = await opened(made)
        made.client.keys.rows.clear()
        answer = await ask(made, case, REFUSE)
        assert answer.status_code == 410 and not made.bus.published
        assert (await ask(made, case, ACCEPT)).status_code == 202, "what says nothing needs no key"


@pytest.mark.parametrize("value", [None, "Bearer", "Bearer x.y.z", "Basic abc", "Bearer \xff"])
async def test_without_a_valid_token_it_is_401_before_anything_is_looked_up(value: str | None) -> None:
    async with world() as made:
        case = await opened(made)
        made.client.receipts.calls.clear()
        sent = [(b"content-type", b"application/json")]
        if value is not None:
            sent.append((b"authorization", value.encode("latin-1")))
        answer = await made.http.post(f"/v1/cases/{case}/acts", content=b"{}", headers=sent)
        assert answer.status_code == 401 and answer.headers["www-authenticate"] == "Bearer"
        assert not made.bus.published and not made.client.receipts.calls


@pytest.mark.parametrize("case", ["x", str(uuid4()), "%00", "..", "1" * 5000])
async def test_a_case_nobody_received_is_404(case: str) -> None:
    async with world() as made:
        await opened(made)
        answer = await ask(made, case, ACCEPT)
        assert answer.status_code == 404 and not made.bus.published


async def test_an_act_is_no_case() -> None:
    async with world() as made:
        act = (await ask(made, await opened(made), ACCEPT)).json()["act_id"]
        assert (await ask(made, act, ACCEPT)).status_code == 404


async def test_a_complainant_reaches_their_own_case_only() -> None:
    async with world() as made:
        case = await opened(made)
        own, other = (made.bearer("complainant", "", case_id=id) for id in (UUID(case), uuid4()))
        assert (await ask(made, case, {"act": "withdraw", "data": {}}, own)).status_code == 202
        assert (await ask(made, case, {"act": "withdraw", "data": {}}, other)).status_code == 404
        event = parse(made.bus.published[0].value)
        assert isinstance(event, ActRequested) and event.by.case_id == case


@pytest.mark.parametrize(
    ("body", "status", "named"),
    [
        (b"{", 400, "JSON"),
        ({"act": "dance"}, 422, "act"),
        ({"act": "accept", "data": {"verdict": "x"}}, 422, "data.verdict"),
        ({"act": "accept", "data": {"served_by": "pigeon"}}, 422, "data.served_by"),
        ({"act": "accept", "data": {"served_on": "yesterday"}}, 422, "data.served_on"),
        ({"act": "accept", "data": {"served_on": "9999-12-31"}}, 422, "data.served_on"),
        ({"act": "hand-over", "data": {"to": "五华区市监局"}}, 422, "data.to"),
        ({"act": "refuse", "data": {"ground": "13812345678"}}, 422, "data.ground"),
        ({"act": "note", "data": {"text": "a\x00"}}, 422, "data.text"),
        ({"act": "accept", "data": []}, 422, "data"),
        ({"act": "accept", "data": {}, "by": "me"}, 422, "by"),
    ],
)
async def test_bad_data_is_named_and_nothing_is_published(body: Any, status: int, named: str) -> None:
    async with world() as made:
        answer = await ask(made, await opened(made), body)
        assert answer.status_code == status and named in answer.json()["detail"]
        assert not made.bus.published and not made.client.act_receipts.rows


async def test_the_same_key_from_the_same_user_is_the_same_act() -> None:
    async with world() as made:
        case = await opened(made)
        first = await ask(made, case, REFUSE, **{"idempotency-key": "a"})
        second = await ask(made, case, REFUSE, **{"idempotency-key": "a"})
        assert first.json() == second.json() and second.headers["idempotent-replayed"] == "true"
        assert made.bus.published[0] == made.bus.published[1]
        other_body = await ask(made, case, ACCEPT, **{"idempotency-key": "a"})
        assert other_body.status_code == 422 and len(made.bus.published) == 2
        other_user = await ask(made, case, REFUSE, made.bearer(user="u2"), **{"idempotency-key": "a"})
        assert other_user.json() != first.json()


async def test_without_a_key_the_same_act_twice_is_two_acts() -> None:
    async with world() as made:
        case = await opened(made)
        assert (await ask(made, case, ACCEPT)).json() != (await ask(made, case, ACCEPT)).json()


async def test_whoever_waits_hears_that_it_was_applied_and_on_which_article() -> None:
    async with world() as made:
        case = await opened(made)
        made.bus.answer = lambda record: decision(record, Acted, done="accepted")
        answer = await ask(made, case, ACCEPT, prefer="respond-async, wait=5")
        assert answer.status_code == 200
        body = answer.json()
        assert (body["outcome"], body["reason"]) == ("applied", None)
        assert body["citations"] == [{"instrument": "yunnan-2022", "article": "8"}]


async def test_whoever_waits_hears_why_it_was_rejected() -> None:
    async with world() as made:
        case = await opened(made)
        made.bus.answer = lambda record: decision(record, Rejected, reason="wrong-state", explanation="已受理")
        body = (await ask(made, case, ACCEPT, prefer="wait=5")).json()
        assert (body["outcome"], body["reason"], body["explanation"]) == ("rejected", "wrong-state", "已受理")


async def test_out_of_scope_is_404_as_if_there_were_no_such_case() -> None:
    async with world() as made:
        case = await opened(made)
        made.bus.answer = lambda record: decision(record, Rejected, reason="out-of-scope", explanation="x")
        waited = await ask(made, case, ACCEPT, prefer="wait=5")
        missing = await ask(made, str(uuid4()), ACCEPT)
        assert waited.status_code == 404 and waited.json() == missing.json()


async def test_a_repeated_act_hears_the_repeated_decision() -> None:
    async with world() as made:
        case = await opened(made)
        made.bus.answer = lambda record: decision(record, Acted, done="accepted")
        first = await ask(made, case, ACCEPT, prefer="wait=5", **{"idempotency-key": "a"})
        second = await ask(made, case, ACCEPT, prefer="wait=5", **{"idempotency-key": "a"})
        assert first.json() == second.json() and second.status_code == 200


async def test_when_the_time_is_over_it_is_202_and_nobody_is_left_waiting() -> None:
    async with world() as made:
        case = await opened(made)
        answer = await ask(made, case, ACCEPT, prefer="wait=1")
        assert answer.status_code == 202 and set(answer.json()) == {"act_id"}
        assert not made.intake.waiters._waiting


async def test_events_nobody_can_read_disturb_no_waiter() -> None:
    async with world() as made:
        case = await opened(made)

        def garbled(record: Outgoing) -> Record:
            good = decision(record, Acted, done="accepted")
            return Record(good.topic, 0, 0, good.key, b"\xff", good.headers)

        made.bus.answer = garbled
        assert (await ask(made, case, ACCEPT, prefer="wait=1")).status_code == 202
        made.bus.answer = lambda record: decision(record, Acted, done="accepted")
        assert (await ask(made, case, ACCEPT, prefer="wait=5")).status_code == 200


async def test_with_kafka_away_an_act_is_503_and_may_be_sent_again() -> None:
    async with world() as made:
        case = await opened(made)
        made.bus.away = 1
        assert (await ask(made, case, ACCEPT, **{"idempotency-key": "a"})).status_code == 503
        assert (await ask(made, case, ACCEPT, **{"idempotency-key": "a"})).status_code == 202
        assert len(made.bus.published) == 1
