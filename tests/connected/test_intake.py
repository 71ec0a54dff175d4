"""Intake on a real Kafka and a real store: what it acknowledged is there, whatever was killed meanwhile."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest

from services.cli.directory import SAMPLES, publish
from shared.bus import Bus, Record
from shared.clock import Clock
from shared.directory.files import read
from shared.events import topics
from shared.events.intake import ActRequested, ComplaintReceived, parse
from shared.privacy.keys import Keyring, keyring_path
from shared.privacy.tokens import issue
from shared.settings import Settings
from shared.stack import Running, stack
from shared.store import connect

pytestmark = pytest.mark.connected
HOTLINE = Path(__file__).parents[2] / "deploy" / "samples" / "hotline.csv"


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    home = tmp_path_factory.mktemp("intake") / "home"
    with stack(Settings(home=home, send_timeout=5), ("intake",)) as found:
        asyncio.run(publish(read(SAMPLES), found.settings))
        yield found


def complaint(**more: Any) -> dict[str, Any]:
    least = {"channel": "web", "kind": "complaint", "division": "530102", "content": "窗口先后三次要求补正。"}
    return least | {"complainant": {"name": "林样例", "phone": "19900001000"}} | more


async def log(running: Running) -> list[Record]:
    async with Bus(running.settings, "test") as bus:
        return [record async for record in bus.read_all(topics.INTAKE)]


async def patiently(http: httpx.AsyncClient, body: dict[str, Any], key: str) -> dict[str, Any]:
    """As a client shall: the same request again until it is acknowledged."""
    for _ in range(400):
        try:
            answer = await http.post("/v1/complaints", json=body, headers={"idempotency-key": key})
        except httpx.TransportError:
            await asyncio.sleep(0.1)
            continue
        if answer.status_code == 201:
            return dict(answer.json())
        assert answer.status_code == 503, answer.text
        await asyncio.sleep(0.1)
    pytest.fail("never acknowledged")


async def test_a_complaint_and_an_act_lie_in_order_on_one_partition(running: Running) -> None:
    keyring = Keyring.load(keyring_path(running.settings))
    now = Clock(running.home / "clock").now()
    token = issue(keyring, running.settings, "11530102XXXXXXX001", "supervisor", now=now)
    async with httpx.AsyncClient(base_url=running.url("intake"), timeout=30) as http:
        taken = (await http.post("/v1/complaints", json=complaint())).json()
        act = {"act": "note", "data": {"text": "林样例来过"}}
        path = f"/v1/cases/{taken['case_id']}/acts"
        asked = await http.post(path, json=act, headers={"authorization": f"Bearer {token}"})
        assert asked.status_code == 202
        missing = await http.post(f"/v1/cases/{uuid4()}/acts", json=act, headers={"authorization": f"Bearer {token}"})
        assert missing.status_code == 404
    ours = [record for record in await log(running) if record.key == taken["case_id"].encode()]
    assert len({record.partition for record in ours}) == 1
    first, second = (parse(record.value) for record in sorted(ours, key=lambda record: record.offset))
    assert isinstance(first, ComplaintReceived) and isinstance(second, ActRequested)
    assert second.id == asked.json()["act_id"] and "text" in second.sealed


async def test_everything_acknowledged_is_on_the_topic_once_by_id_while_parts_are_killed(running: Running) -> None:
    limits = httpx.Limits(max_connections=20)
    async with httpx.AsyncClient(base_url=running.url("intake"), timeout=30, limits=limits) as http:

        async def client(number: int) -> list[dict[str, Any]]:
            keys = [f"{number}-{n}" for n in range(15)]
            return [await patiently(http, complaint(content=f"第{key}件"), key) for key in keys]

        async def killer() -> None:
            for part in ("intake", "store", "intake", "kafka"):
                await asyncio.sleep(1.0)
                running.kill(part)
                await asyncio.to_thread(running.wait_ready, part)

        found = (await asyncio.gather(killer(), *(client(number) for number in range(10))))[1:]
    acknowledged = {answer["complaint_id"]: answer for answers in found for answer in answers}
    assert len(acknowledged) == 150
    values: dict[str, set[bytes]] = {}
    for record in await log(running):
        values.setdefault(parse(record.value).id, set()).add(record.value)
    assert all(len(values[id]) == 1 for id in acknowledged), "published twice, but the same bytes"
    assert all(parse(*values[id]).received_at.isoformat() == acknowledged[id]["received_at"] for id in acknowledged)


def test_the_command_imports_the_sample_once_though_it_was_cut_off(running: Running) -> None:
    environment = {**os.environ, **running.environment}
    command = [sys.executable, "-m", "services.cli.main", "import", "hotline", str(HOTLINE), "--json"]

    def run(kill_after: float | None = None) -> "subprocess.CompletedProcess[str] | None":
        process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        try:
            out, err = process.communicate(timeout=kill_after)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            process.communicate()
            return None
        return subprocess.CompletedProcess(command, process.returncode, out, err)

    run(kill_after=1.0)
    first = run()
    assert first is not None and first.returncode in (0, 1), first
    second = run()
    assert second is not None
    one, two = json.loads(first.stdout), json.loads(second.stdout)
    assert one["imported"] + one["repeated"] == two["repeated"] > 0 and two["imported"] == 0
    assert one["errors"] == two["errors"]


async def test_nothing_of_a_person_lies_in_the_store_or_the_log(running: Running) -> None:
    records = await log(running)
    assert records
    secrets = ("林样例".encode(), b"19900001000", "补正".encode())
    assert not any(secret in record.value for record in records for secret in secrets)
    client = connect(running.settings)
    try:
        for name in ("intake", "keys"):
            database = client[running.settings.database(name)]
            for collection in await database.list_collection_names():
                async for row in database[collection].find({}):
                    assert not any(secret in repr(row).encode() or secret.decode() in repr(row) for secret in secrets)
    finally:
        await client.close()
    logged = b"".join(path.read_bytes() for path in (running.home / "logs").glob("intake*"))
    assert not any(secret in logged for secret in secrets)
