"""A case's whole life over HTTP under yunnan-2022, on real parts, by a clock that is stepped."""

import csv
import io
import json
from datetime import timedelta
from typing import Any

import httpx
import pytest

from shared.events import topics
from shared.events.deadlines import DeadlineEvent
from tests.connected.pipeline import (
    ADMINISTRATION,
    AGENCY,
    CALENDAR,
    DIVISION,
    OTHER_ADMINISTRATION,
    OTHER_AGENCY,
    SERVED,
    Pipeline,
    at,
    metric,
    until,
    working_day,
)

pytestmark = pytest.mark.connected


def articles(answer: dict[str, Any]) -> set[tuple[str, str | None]]:
    assert {citation["instrument"] for citation in answer["citations"]} <= {"yunnan-2022"}
    return {(citation["article"], citation.get("item")) for citation in answer["citations"]}


def deadline(case: dict[str, Any], obligation: str) -> dict[str, Any]:
    found = [one for one in case["deadlines"] if one["obligation"] == obligation]
    assert len(found) == 1, case["deadlines"]
    return dict(found[0])


async def test_a_complaint_lives_from_the_web_form_to_its_closing_within_the_extended_period(suda: Pipeline) -> None:
    day = await suda.morning()
    taken = await suda.complain(title="反复要求补正", demand="请一次性告知")
    case, code = taken["case_id"], taken["query_code"]
    before = (await suda.get(f"/v1/complaints/{code}")).json()
    assert before["state"] in ("received", "pending")

    handed = await suda.apply(case, "hand-over", "supervisor", ADMINISTRATION, to=AGENCY)
    assert ("10", None) in articles(handed)
    await suda.apply(case, "accept", "officer", AGENCY, **SERVED)
    await suda.apply(case, "classify", "officer", AGENCY, class_="off-site")
    last, latest = working_day(day, 10), working_day(day, 20)
    await suda.apply(case, "request-extension", "officer", AGENCY, until=latest.isoformat(), reason="情况复杂")
    granted = {"until": latest.isoformat(), "complainant_told_on": day.isoformat()}
    extended = await suda.apply(case, "approve-extension", "leader", AGENCY, **granted)
    assert ("13", "2") in articles(extended)

    await suda.step(at(last + timedelta(days=3)))
    await suda.apply(case, "answer", "officer", AGENCY, text="已核实并当面致歉。", **SERVED)
    await suda.apply(case, "close", "leader", AGENCY, outcome="substantiated", measures="公开一次性告知清单")
    await suda.settle()

    found = await suda.case(case)
    assert [entry["what"] for entry in found["timeline"]] == [
        "opened", "dispatched", "handed-over", "accepted", "classified", "extension-requested", "extension-approved",
        "answered", "closed",
    ]  # fmt: skip
    assert (found["state"], found["outcome"], found["class"]) == ("closed", "substantiated", "off-site")
    assert {one["obligation"]: one["status"] for one in found["deadlines"]} == {
        "handover": "met",
        "acceptance": "met",
        "resolution": "met",
    }
    resolution = deadline(found, "resolution")
    assert resolution["extended"] and resolution["due_day"] == latest.isoformat()
    assert resolution["first_due_day"] == last.isoformat()
    assert not {event.type for event in await suda.deadlines(case)} & {"breached", "escalated"}
    after = (await suda.get(f"/v1/complaints/{code}")).json()
    assert after["state"] == "closed" and after["answer"] == "已核实并当面致歉。"
    assert after["organisation"].startswith("昆明市五华区市场监督管理局")
    assert "accepted" in after["dates"] and "林样例" not in json.dumps(after, ensure_ascii=False)


def orders(suda: Pipeline, *numbers: str, division: str = DIVISION) -> list[dict[str, str]]:
    called = suda.now.strftime("%Y-%m-%d %H:%M:%S")
    person = {"来电人": "赵某样", "联系电话": "19900002000", "被投诉单位": "昆明市五华区市场监督管理局"}
    return [
        {"工单编号": number, "来电时间": called, "行政区划": division, "诉求类型": "投诉", "诉求内容": f"第{number}件"}
        | person
        for number in numbers
    ]


def table(rows: list[dict[str, str]]) -> bytes:
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


@pytest.mark.parametrize("media_type", ["text/csv", "application/json"])
async def test_work_orders_of_the_hotline_become_cases_once_however_often_they_are_imported(
    suda: Pipeline, media_type: str
) -> None:
    word = media_type[-3:]
    rows = orders(suda, f"T-{word}-1", f"T-{word}-2") + orders(suda, f"T-{word}-3", division="000000")
    content = table(rows) if media_type == "text/csv" else json.dumps(rows, ensure_ascii=False).encode()
    answers = []
    for _ in range(2):
        answer = await suda.http.post(
            f"{suda.running.url('intake')}/v1/imports/hotline",
            content=content,
            headers=suda.bearer() | {"content-type": media_type},
        )
        assert answer.status_code == 200, answer.text
        answers.append(answer.json())
    assert [(a["imported"], a["repeated"], a["refused"]) for a in answers] == [(2, 0, 1), (0, 2, 1)]
    assert [error["field"] for error in answers[0]["errors"]] == ["行政区划"]
    await suda.settle()
    found = [row for row in await suda.all_cases() if (row["source_reference"] or "").startswith(f"T-{word}-")]
    assert sorted(row["source_reference"] for row in found) == [f"T-{word}-1", f"T-{word}-2"]
    assert {(row["channel"], row["door"], row["state"], row["organisation"]) for row in found} == {
        ("hotline", "12345", "pending", AGENCY)
    }


@pytest.mark.parametrize(
    ("ground", "item"), [("unclear", "1"), ("already-accepted", "2"), ("other-remedy", "3"), ("repeated", "4")]
)
async def test_a_refusal_on_each_ground_of_article_8_cites_it_to_officer_and_complainant(
    suda: Pipeline, ground: str, item: str
) -> None:
    taken = await suda.complain()
    case = taken["case_id"]
    await suda.apply(case, "hand-over", "supervisor", ADMINISTRATION, to=AGENCY)
    refused = await suda.apply(case, "refuse", "officer", AGENCY, ground=ground, reason="已告知救济途径。", **SERVED)
    assert ("8", item) in articles(refused) and ("11", None) in articles(refused)
    await suda.settle()
    page = (await suda.get(f"/v1/complaints/{taken['query_code']}")).json()
    assert page["state"] == "refused" and page["refusal"]["ground"] == ground
    assert ("8", item) in articles(page["refusal"])
    assert deadline(await suda.case(case), "acceptance")["status"] == "met"


async def test_what_the_law_does_not_allow_is_rejected_with_the_reason_and_the_article(suda: Pipeline) -> None:
    day = await suda.morning()
    case = await suda.assigned()
    no_ground = await suda.reject(case, "refuse", "officer", AGENCY, ground="too-busy", reason="忙", **SERVED)
    assert no_ground["reason"] == "no-such-ground" and "unclear" in no_ground["explanation"]
    assert (await suda.reject(case, "accept", "officer", AGENCY))["reason"] == "missing"
    early = await suda.reject(case, "close", "leader", AGENCY, outcome="invalid")
    assert early["reason"] == "wrong-state" and ("13", None) in articles(early)
    await suda.apply(case, "accept", "officer", AGENCY, **SERVED)
    unanswered = await suda.reject(case, "close", "leader", AGENCY, outcome="invalid")
    assert unanswered["reason"] == "missing-step" and ("13", None) in articles(unanswered)
    too_long = {"until": working_day(day, 21).isoformat(), "complainant_told_on": day.isoformat()}
    beyond = await suda.reject(case, "approve-extension", "leader", AGENCY, **too_long)
    assert beyond["reason"] == "beyond-limit" and ("13", "2") in articles(beyond)
    by_officer = await suda.reject(case, "approve-extension", "officer", AGENCY, **too_long)
    assert by_officer["reason"] == "not-allowed"
    unknown = await suda.reject(case, "send-back", "supervisor", ADMINISTRATION, reason="不满意")
    assert unknown["reason"] == "not-in-law" and unknown["citations"] == []
    await suda.settle()
    found = await suda.case(case)
    assert found["state"] == "accepted"
    assert [entry["reason"] for entry in found["timeline"] if entry["what"] == "rejected"] == [
        "no-such-ground", "missing", "wrong-state", "missing-step", "beyond-limit", "not-allowed", "not-in-law",
    ]  # fmt: skip


async def test_a_case_of_others_is_not_found_by_act_page_or_list(suda: Pipeline) -> None:
    case = await suda.accepted()
    answer = await suda.post_act(case, "answer", "officer", OTHER_AGENCY, wait=30, text="不是我们的", **SERVED)
    assert answer.status_code == 404 and answer.headers["content-type"] == "application/problem+json"
    foreign = await suda.complain()
    own = await suda.post_act(foreign["case_id"], "withdraw", "complainant", "suda", wait=30, own=True, reason="撤回")
    assert own.json()["outcome"] == "applied"
    wrong = suda.bearer("complainant", "suda", case=foreign["case_id"])
    path = f"{suda.running.url('intake')}/v1/cases/{case}/acts"
    assert (await suda.http.post(path, json={"act": "withdraw"}, headers=wrong)).status_code == 404
    await suda.settle()
    seen = {
        "agency": suda.bearer("officer", AGENCY),
        "other agency": suda.bearer("officer", OTHER_AGENCY),
        "administration": suda.bearer("supervisor", ADMINISTRATION),
        "other administration": suda.bearer("supervisor", OTHER_ADMINISTRATION),
        "complainant": suda.bearer("complainant", "suda", case=case),
        "other complainant": wrong,
    }
    status = {who: (await suda.get(f"/v1/cases/{case}", bearer)).status_code for who, bearer in seen.items()}
    assert status == {
        "agency": 200, "other agency": 404, "administration": 200, "other administration": 404, "complainant": 200,
        "other complainant": 404,
    }  # fmt: skip
    listed = {}
    for who, bearer in seen.items():
        page = (await suda.get("/v1/cases", bearer, limit=200)).json()
        listed[who] = case in {row["case_id"] for row in page["items"]}
    assert listed == {who: code == 200 for who, code in status.items()}
    assert (await suda.get("/v1/cases")).status_code == 401
    await suda.verify()


async def rungs(suda: Pipeline, case: str, obligation: str) -> dict[str, DeadlineEvent]:
    found = [e for e in await suda.deadlines(case) if e.obligation == obligation and e.rung]
    by_name = {event.rung or "": event for event in found}
    assert len(by_name) == len(found), "a rung fired twice"
    return by_name


async def test_warning_breach_and_escalation_come_at_their_instants_and_never_before(suda: Pipeline) -> None:
    day = await suda.morning()
    case = await suda.assigned()
    last = working_day(day, 3)
    breach = at(last + timedelta(days=1), 0)
    after = last + timedelta(days=1)
    instants = {
        "warning-before": at(working_day(day, 2)),
        "warning-last-day": at(last),
        "breach": breach,
        "supervision": at(working_day(after, 1)),
        "level-above": at(working_day(after, 3)),
    }
    seen: list[str] = []
    await suda.settle()
    for name, instant in instants.items():
        await suda.step(instant - timedelta(seconds=1))
        assert list(await rungs(suda, case, "acceptance")) == seen, f"{name} came early"
        await suda.step(instant)
        seen.append(name)
        found = await rungs(suda, case, "acceptance")
        assert sorted(found) == sorted(seen)
        assert found[name].rung_due == found[name].fired == instant
    assert [found[name].type for name in seen] == ["warned", "warned", "breached", "escalated", "escalated"]
    assert {found[name].debtor for name in seen} == {AGENCY}
    await suda.settle()
    held = deadline(await suda.case(case), "acceptance")
    assert held["status"] == "late" and [rung["rung"] for rung in held["rungs"]] == seen
    page = (await suda.http.get(f"{suda.running.url('sla')}/metrics")).text
    assert metric(page, "suda_deadline_events_total", obligation="acceptance", type="breached") >= 1
    late_days = sum(CALENDAR.day(last + timedelta(days=n)).counts for n in range(1, (suda.now.date() - last).days + 1))
    await suda.apply(case, "accept", "officer", AGENCY, **SERVED)
    await suda.settle()
    late = [event for event in await suda.deadlines(case) if event.type == "discharged" and event.late_days]
    assert [(event.obligation, event.late_days) for event in late] == [("acceptance", late_days)]


async def test_a_duty_that_ended_and_began_again_breaches_once(suda: Pipeline) -> None:
    day = await suda.morning()
    case = await suda.accepted()
    for disposal in ("on-spot", "off-site", "on-spot", "off-site"):
        await suda.apply(case, "classify", "officer", AGENCY, class_=disposal)
    await suda.settle()
    await suda.step(at(working_day(day, 10) + timedelta(days=1)))
    found = await rungs(suda, case, "resolution")
    assert [event.type for event in found.values()] == ["warned", "warned", "breached"]
    await suda.verify()


async def test_an_act_in_time_behind_a_lag_breaches_nothing(suda: Pipeline) -> None:
    day = await suda.morning()
    case = await suda.assigned()
    await suda.settle()
    due = at(working_day(day, 3) + timedelta(days=1), 0)
    await suda.step(due - timedelta(minutes=1))
    suda.running.pause("routing")
    answer = await suda.post_act(case, "accept", "officer", AGENCY, **SERVED)
    assert answer.status_code == 202
    ends = await suda.bus.ends(topics.DEADLINES)
    suda.turn(due + timedelta(hours=1))

    async def waiting() -> bool:
        url = suda.running.url("sla")
        page = (await suda.http.get(f"{url}/metrics")).text
        firing: bool = (await suda.http.get(f"{url}/v1/timers")).json()["firing"]
        return firing and metric(page, "suda_barrier_age_seconds") > 1

    await until(waiting, "the rung waits for the barrier, and the metric says since when")
    assert await suda.bus.ends(topics.DEADLINES) == ends, "something fired though routing stands"
    suda.running.resume("routing")
    await suda.settle()
    assert "breach" not in await rungs(suda, case, "acceptance")
    assert deadline(await suda.case(case), "acceptance")["status"] == "met"
    await suda.verify()


async def test_a_breach_is_withdrawn_when_an_act_in_time_arrives_later(suda: Pipeline) -> None:
    day = await suda.morning()
    case = await suda.assigned()
    await suda.settle()
    due = at(working_day(day, 3) + timedelta(days=1), 0)
    await suda.step(due - timedelta(minutes=1))
    pid = suda.running.pid("intake")
    armed = suda.arm("intake: receipt, publish")  # received in time, and then its process dies
    with pytest.raises(httpx.TransportError):
        await suda.post_act(case, "accept", "officer", AGENCY, key="late", **SERVED)
    assert not armed.exists()
    await suda.step(due + timedelta(hours=1))
    assert (await rungs(suda, case, "acceptance"))["breach"].fired == due + timedelta(hours=1)
    await suda.born_again("intake", pid)
    again = await suda.post_act(case, "accept", "officer", AGENCY, key="late", **SERVED)
    assert again.status_code == 202 and again.headers["idempotent-replayed"] == "true"
    await suda.settle()
    types = [event.type for event in await suda.deadlines(case) if event.obligation == "acceptance"]
    assert types.count("breached") == types.count("breach-withdrawn") == types.count("discharged") == 1
    assert deadline(await suda.case(case), "acceptance")["status"] == "withdrawn-breach"
    await suda.verify()
