"""A real Kafka and a real store under the supervisor: whatever is killed comes back, with its data."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from pymongo import MongoClient

from services.cli.down import stop
from services.cli.status import look
from shared.errors import ConfigurationError, Unavailable
from shared.settings import Settings
from shared.stack import Running, attach, process, stack
from tests.connected.dummy_up import dummy

pytestmark = pytest.mark.connected
ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    home = tmp_path_factory.mktemp("stack") / "home"
    with stack(Settings(home=home), ("intake",), prepare=None, command=dummy) as found:
        yield found


@pytest.fixture
def second(running: Running, tmp_path: Path) -> Settings:
    """Another home that uses the first one's Kafka and store, so that it starts at once."""
    return Settings(home=tmp_path / "home", kafka=running.kafka, mongodb=running.mongodb)


def outside(settings: Settings) -> "subprocess.Popen[str]":
    """A process that runs a stack of dummies as `suda up` does, and says `ready`."""
    env = {**os.environ, "SUDA_HOME": str(settings.home), "SUDA_KAFKA": str(settings.kafka)}
    env |= {"SUDA_MONGODB": str(settings.mongodb)}
    child = subprocess.Popen(
        [sys.executable, "-m", "tests.connected.dummy_up"],
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
        env=env,
        cwd=ROOT,
    )
    assert child.stderr
    heard = []
    for line in child.stderr:
        heard.append(line)
        if line.startswith("suda: ready"):
            return child
    pytest.fail("".join(heard))


def test_everything_is_ready_when_the_block_begins(running: Running) -> None:
    assert {part.name: part.state for part in running.parts()} == {
        "kafka": "ready",
        "store": "ready",
        "intake": "ready",
    }
    with urllib.request.urlopen(running.urls["intake"]) as answer:
        assert answer.read().decode() == running.kafka


def test_the_store_comes_back_from_kill_9_with_every_acknowledged_write(running: Running) -> None:
    with MongoClient[dict[str, object]](running.mongodb) as client:
        client.get_database("stack_test").kept.insert_many([{"_id": number} for number in range(100)])
        old = running.kill("store")
        assert running.wait_ready("store").pid != old
        assert client.get_database("stack_test").kept.count_documents({}) == 100


async def test_kafka_comes_back_from_kill_9_with_every_acknowledged_record(running: Running) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=running.kafka)
    await admin.start()
    await admin.create_topics([NewTopic("kept", 1, 1)])
    await admin.close()
    async with AIOKafkaProducer(bootstrap_servers=running.kafka, acks="all", enable_idempotence=True) as producer:
        await asyncio.gather(*[await producer.send("kept", str(number).encode()) for number in range(100)])
    running.kill("kafka")
    await asyncio.to_thread(running.wait_ready, "kafka")
    async with AIOKafkaConsumer("kept", bootstrap_servers=running.kafka, auto_offset_reset="earliest") as consumer:
        assert [int((await consumer.getone()).value) for _ in range(100)] == list(range(100))


def test_a_killed_service_comes_back_at_the_same_url(running: Running) -> None:
    url = running.urls["intake"]
    for _ in range(3):
        old = running.kill("intake")
        assert running.wait_ready("intake", 10).pid != old
    assert running.url("intake") == url


def test_one_more_instance_can_be_started_stopped_and_started_again(running: Running) -> None:
    more = running.start("routing-2")
    assert more.url != running.start("routing-3").url
    running.stop("routing-2")
    assert not more.alive and process.read(running.home, "routing-2") is None
    assert running.start("routing-2").url == more.url
    for name in ("routing-2", "routing-3"):
        running.stop(name)


def test_a_paused_part_is_not_taken_for_dead(running: Running) -> None:
    pid = running.pid("intake")
    running.pause("intake")
    running.resume("intake")
    assert running.wait_ready("intake").pid == pid


def test_a_stopped_part_still_stops_in_order_while_paused(running: Running) -> None:
    running.start("sla")
    running.pause("sla")
    running.stop("sla")
    assert process.read(running.home, "sla") is None


def test_a_second_supervisor_of_the_home_is_refused(running: Running) -> None:
    with pytest.raises(ConfigurationError, match="already runs"), stack(running.settings, ()):
        pass


def test_a_taken_port_asked_for_by_name_is_told_before_anything_starts(running: Running, tmp_path: Path) -> None:
    taken = int(running.url("intake").rpartition(":")[2])
    said: list[str] = []
    with pytest.raises(ConfigurationError, match=f"{taken}.*SUDA_SLA_PORT"):
        with stack(Settings(home=tmp_path / "home", sla_port=taken), ("sla",), say=said.append):
            pass
    assert said == [] and not (tmp_path / "home" / "kafka").exists()


def test_a_service_that_cannot_start_is_told_with_its_last_words(
    second: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DUMMY_DIES", "1")
    with pytest.raises(Unavailable, match="told to die"), stack(second, ("sla",), prepare=None, command=dummy):
        pass
    assert process.records(second.home) == []


def test_when_the_supervisor_is_killed_its_parts_die_and_the_next_start_is_clean(second: Settings) -> None:
    with outside(second) as supervisor:
        parts = process.records(second.home)
        assert len(parts) == 2 and all(part.alive for part in parts)
        supervisor.kill()
    if sys.platform == "linux":
        process_ends = [part for part in parts if part.alive]
        process.end(process_ends, grace=2)  # the kernel needs a moment; nothing is left to end after it
    with stack(second, ("intake", "routing"), prepare=None, command=dummy) as found:
        assert not any(part.alive for part in parts)
        assert {part.state for part in found.parts()} == {"ready"}


def test_another_process_finds_the_stack_sees_its_health_and_stops_it(second: Settings) -> None:
    with outside(second) as supervisor:
        found = attach(second)
        assert found and set(found.urls) == {"intake", "routing"} and not found.owned
        old = found.kill("routing")
        assert found.wait_ready("routing", 10).pid != old
        health = {part["name"]: part["healthy"] for part in look(second)["parts"]}
        assert health["kafka"] and health["store"] and health["routing"] and not health["sla"]
        parts = found.parts()
        assert stop(second.home)
        assert supervisor.wait(5) == 0
    assert attach(second) is None and not any(part.alive for part in parts)


def test_ctrl_c_while_services_run_stops_them_in_order(second: Settings) -> None:
    with outside(second) as supervisor:
        supervisor.send_signal(signal.SIGINT)
        assert supervisor.wait(20) == 0
    assert process.records(second.home) == []


def test_an_address_that_does_not_answer_is_told_with_its_variable(
    second: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.stack.provide.PATIENCE_OUTSIDE", 0.5)
    nowhere = second.model_copy(update={"mongodb": "mongodb://me:secret@127.0.0.1:1"})
    with pytest.raises(Unavailable, match="SUDA_MONGODB") as told, stack(nowhere, (), prepare=None):
        pass
    assert "secret" not in str(told.value)


def test_the_hooks_are_called_with_the_addresses_before_and_after_the_services(second: Settings) -> None:
    seen: list[tuple[str | None, int]] = []

    def prepare(settings: Settings) -> None:
        seen.append((settings.kafka, len(process.records(second.home))))

    def finish(settings: Settings) -> None:
        seen.append((settings.kafka, len(process.records(second.home))))
        record = process.read(second.home, "stack")
        assert record and record.state == "starting"

    with stack(second, ("intake",), prepare=prepare, finish=finish, command=dummy) as found:
        assert seen == [(found.kafka, 0), (found.kafka, 1)]
        assert json.loads((second.home / "ports.json").read_text())["intake"] == int(
            found.url("intake").rpartition(":")[2]
        )
