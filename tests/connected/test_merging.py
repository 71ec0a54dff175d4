"""Affairs from a file, and two complaints that become one, through every service on real parts."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from services.cli.directory import SAMPLES, publish
from services.cli.verify import proof
from shared.bus import Bus
from shared.directory.files import read
from shared.events import cases, topics
from shared.events.cases import Acted, AnyCaseEvent, Dispatched
from shared.settings import Settings
from shared.stack import Running, stack

pytestmark = pytest.mark.connected
UNIT = "11530102XXXXXXX012"
ROWS = (
    "办件编号,行政区划,受理单位统一社会信用代码,受理时间,申请人\n"
    f"YLMERGE1,530102,{UNIT},2026-09-03 09:12:00,林样例\n"
    "YLMERGE2,530102,11530102XXXXXXX017,2026-09-04,林样例\n"
)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    home = tmp_path_factory.mktemp("merging") / "home"
    with stack(Settings(home=home), ("intake", "routing", "sla", "reporting")) as found:
        asyncio.run(publish(read(SAMPLES), found.settings))
        yield found


def imported(running: Running, rows: str) -> dict[str, Any]:
    file = running.home / "affairs.csv"
    file.write_text(rows, "utf-8")
    command = [sys.executable, "-m", "services.cli.main", "import", "affairs", str(file), "--json"]
    done = subprocess.run(command, env={**os.environ, **running.environment}, stdout=subprocess.PIPE, timeout=120)
    assert done.returncode == 0
    found: dict[str, Any] = json.loads(done.stdout)
    return found


async def events(running: Running, case: str) -> list[AnyCaseEvent]:
    found: dict[int, AnyCaseEvent] = {}
    async with Bus(running.settings, "test") as bus:
        await asyncio.wait_for(bus.settled(), 60)
        async for record in bus.read_all(topics.CASES):
            if record.key == case.encode():
                event = cases.parse(record.value)
                found[event.seq] = event
    return [found[seq] for seq in sorted(found)]


def done(found: list[AnyCaseEvent]) -> list[str]:
    return [event.done for event in found if isinstance(event, Acted)]


async def test_two_complaints_about_one_imported_affair_are_merged_and_the_record_holds(running: Running) -> None:
    first, again = [await asyncio.to_thread(imported, running, ROWS) for _ in range(2)]
    assert (first["new"], again["new"], again["unchanged"]) == (2, 0, 2)
    assert first["ignored_columns"] == ["申请人"]
    wang = {"name": "王样例", "phone": "19900001234"}
    base = {"kind": "complaint", "division": "530102", "content": "三次要求补正。", "complainant": wang}
    async with httpx.AsyncClient(base_url=running.url("intake"), timeout=30) as http:
        taken: list[dict[str, Any]] = []
        for channel, number in (("web", "YLMERGE1"), ("app", "YLMERGE1"), ("app", "YLMERGE2")):
            body = base | {"channel": channel, "affair": {"project_no": number}, "received_by": UNIT}
            answer = await http.post("/v1/complaints", json=body)
            assert answer.status_code == 201, answer.text
            taken.append(answer.json())
    earlier, later, other = [await events(running, each["case_id"]) for each in taken]
    assert isinstance(earlier[1], Dispatched) and earlier[1].accountable == UNIT
    assert earlier[1].steps[0].asked == "affair" and earlier[1].steps[0].citations
    assert isinstance(other[1], Dispatched) and other[1].accountable == "11530102XXXXXXX017"
    assert done(later) == ["merged"] and done(earlier) == ["took-over"] and done(other) == []
    assert later[-1].state == "absorbed" and isinstance(earlier[-1], Acted) and earlier[-1].data["starts"]
    report = await proof(running)
    assert report["verified"], [check for check in report["checks"] if not check["holds"]]
