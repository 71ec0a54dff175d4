"""Five hundred complaints while everything is killed with `kill -9`: nothing acknowledged is lost, nothing doubled."""

import asyncio
from collections import Counter
from datetime import timedelta
from functools import partial
from typing import Any

import httpx
import pytest

from shared.stack import SERVICES, Running
from tests.connected.pipeline import ADMINISTRATION, AGENCY, Pipeline, at, meeting, until, working_day

pytestmark = [pytest.mark.connected, pytest.mark.timeout(900)]
CLIENTS, EACH = 20, 25
KILLS = ("intake", "routing", "sla", "reporting", "kafka", "routing", "intake", "store", "sla", "reporting")
ACT_EVERY = 5


async def patiently(request: Any, wanted: int) -> dict[str, Any]:
    """As a client shall: the same request with the same key until it is acknowledged."""
    while True:
        try:
            answer: httpx.Response = await request()
        except httpx.TransportError:
            await asyncio.sleep(0.1)
            continue
        if answer.status_code == wanted:
            return dict(answer.json())
        assert answer.status_code in (503, 401), answer.text  # 401: the clock went on by days while it was under way
        await asyncio.sleep(0.1)


async def test_every_acknowledged_complaint_is_in_one_state_though_everything_was_killed(breakable: Running) -> None:
    async with meeting(breakable) as suda:
        day = await suda.morning()
        share = asyncio.Semaphore(0)  # how many complaints may be sent by now: some before, during and after every kill
        taken: dict[str, dict[str, Any]] = {}
        acted: dict[str, str] = {}
        count = Counter[str]()

        async def client(number: int) -> None:
            for n in range(EACH):
                await share.acquire()
                key = f"kills-{number}-{n}"
                answer = await patiently(lambda key=key: suda.post_complaint(key, title=key), 201)
                taken[key] = answer
                if n % ACT_EVERY == 0:
                    act = (answer["case_id"], "hand-over", "supervisor", ADMINISTRATION)
                    acted[key] = (await patiently(lambda a=act, k=key: suda.post_act(*a, key=k, to=AGENCY), 202))[
                        "act_id"
                    ]

        def reached(enough: int) -> bool:
            return len(taken) >= enough

        async def killer() -> None:
            for number, part in enumerate(KILLS):
                enough = len(taken) + 5
                for _ in range(CLIENTS * EACH // len(KILLS)):
                    share.release()
                await until(partial(reached, enough), "the work goes on")  # and in its middle
                if number == len(KILLS) - 2:  # a third of all deadlines fall due while sla is killed
                    suda.turn(at(working_day(day, 2) + timedelta(days=1), 0))
                suda.running.kill(part)
                count[part] += 1
                await asyncio.to_thread(suda.running.wait_ready, part, 120)

        await asyncio.gather(killer(), *(client(number) for number in range(CLIENTS)))
        assert all(count[name] >= 2 for name in SERVICES) and count["kafka"] == count["store"] == 1

    async with meeting(breakable) as suda:  # with connections that know nothing of what happened
        await suda.settle()
        await everything_is_there(suda, taken, acted)
        report = await suda.verify()
        assert report["counts"]["cases"] >= CLIENTS * EACH


async def everything_is_there(suda: Pipeline, taken: dict[str, dict[str, Any]], acted: dict[str, str]) -> None:
    assert len(taken) == len({answer["case_id"] for answer in taken.values()}) == CLIENTS * EACH
    rows = await suda.all_cases()
    times = Counter(row["case_id"] for row in rows)
    assert all(times[answer["case_id"]] == 1 for answer in taken.values())
    state = {row["case_id"]: row["state"] for row in rows}
    assert {key: state[answer["case_id"]] for key, answer in taken.items()} == {
        key: "assigned" if key in acted else "pending" for key in taken
    }
    late = [one for one in await suda.documents("reporting", "deadline_events") if one["type"] == "breached"]
    day = min(answer["received_at"] for answer in taken.values())[:10]
    pending = {a["case_id"] for key, a in taken.items() if key not in acted and a["received_at"].startswith(day)}
    assert len(pending) > CLIENTS * EACH // 2
    assert pending <= {one["case"] for one in late}, "who was not handed over is late"
    assert Counter(one["case"] for one in late if one["case"] in pending) == dict.fromkeys(pending, 1)
