"""A sixth regulation is a folder: the whole pipeline runs a case under it without a change of code."""

from datetime import timedelta

import pytest

from services.cli.directory import publish
from shared.directory.model import Division, Organisation
from tests.connected.pipeline import Pipeline

pytestmark = pytest.mark.connected

PLACE = "990101"
BUREAU, OFFICE = "11990101XXXXXXX001", "11990101XXXXXXX012"
RECORDS = (
    Division(code=PLACE, name="临海虚区", level="county", administration=BUREAU),
    Organisation(code=BUREAU, name="临海虚区政务服务局（样例）", kind="administration", division=PLACE),
    Organisation(code=OFFICE, name="临海虚区某局（样例）", kind="agency", division=PLACE),
)


async def known(suda: Pipeline) -> None:
    await publish(RECORDS, suda.running.settings)


async def opened(suda: Pipeline) -> str:
    """A case under the invented regulation, handed over to the office."""
    await known(suda)
    more = {"division": PLACE, "matter": {}, "accused": {"organisation": OFFICE}, "kind": "consultation"}
    case = str((await suda.complain(**more))["case_id"])
    await suda.apply(case, "hand-over", "supervisor", BUREAU, to=OFFICE)
    return case


async def due(suda: Pipeline, case: str) -> dict[str, str]:
    await suda.settle()
    return {one["obligation"]: one["due_at"] for one in (await suda.case(case))["deadlines"]}


async def test_its_own_periods_count_hours_and_working_days(suda: Pipeline) -> None:
    await suda.morning()
    began = suda.now
    case = await opened(suda)
    shown = await suda.case(case)
    assert shown["instrument"] == "linhai-2026"
    found = await due(suda, case)
    assert found["handover"].startswith((began + timedelta(hours=4)).strftime("%Y-%m-%dT%H:%M"))


async def test_hours_that_nobody_kept_are_breached_at_their_minute_and_not_before(suda: Pipeline) -> None:
    await suda.morning()
    await known(suda)
    began = suda.now
    more = {"division": PLACE, "matter": {}, "accused": {"organisation": OFFICE}, "kind": "consultation"}
    case = str((await suda.complain(**more))["case_id"])
    for minutes, told in ((239, ["warning-hours"]), (240, ["warning-hours", "breach"])):
        await suda.step(began + timedelta(minutes=minutes))
        await suda.settle()
        (handover,) = [one for one in (await suda.case(case))["deadlines"] if one["obligation"] == "handover"]
        assert [rung["rung"] for rung in handover["rungs"]] == told
    await suda.verify()


async def test_the_check_stands_between_reply_and_close_and_the_extension_is_the_administrations(
    suda: Pipeline,
) -> None:
    await suda.morning()
    case = await opened(suda)
    await suda.apply(case, "accept", "officer", OFFICE)
    first = (await due(suda, case))["resolution"]
    until = (suda.now + timedelta(days=10)).date()
    late = await suda.reject(case, "approve-extension", "leader", OFFICE, until=until.isoformat())
    assert late["reason"] == "not-allowed"
    refused = await suda.reject(case, "close", "officer", OFFICE, outcome="substantiated")
    assert refused["reason"] == "missing-step" and refused["citations"][0]["article"] == "3"
    longer = (suda.now + timedelta(days=12)).date()
    await suda.apply(case, "approve-extension", "supervisor", BUREAU, until=longer.isoformat())
    assert (await due(suda, case))["resolution"] > first
    await suda.apply(case, "reply", "officer", OFFICE, text="已办理")
    await suda.apply(case, "check-quality", "inspector", BUREAU, result="fail")
    assert (await suda.reject(case, "close", "officer", OFFICE, outcome="substantiated"))["reason"] == "missing-step"
    await suda.apply(case, "reply", "officer", OFFICE, text="重新办理")  # failed: back to the unit, which replies again
    await suda.apply(case, "check-quality", "inspector", BUREAU, result="pass")
    await suda.apply(case, "close", "officer", OFFICE, outcome="substantiated")
    await suda.settle()
    assert (await suda.case(case))["state"] == "closed"


async def test_what_its_text_does_not_give_nobody_may_do(suda: Pipeline) -> None:
    case = await opened(suda)
    refused = await suda.reject(case, "terminate", "officer", OFFICE, reason="x")
    assert refused["reason"] == "not-in-law"
