"""The parts a stage runs on: Kafka and a store of its own, and services that can be held until the word is given."""

import asyncio
import os
import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import httpx
import psutil
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from bench.harness import Say
from services.cli.directory import load_if_empty
from shared import clock
from shared.bus import Bus, Outgoing, create_topics
from shared.clock import Reading
from shared.directory.topic import TOPIC, fold
from shared.directory.tree import Directory
from shared.events import topics
from shared.settings import Settings
from shared.stack import process
from shared.stack.provide import stack
from shared.stack.running import Running
from shared.store import Client

OURS = (*topics.CASE_BEARING, topics.DLQ)
KEPT = ("cache", "mongodb", "docker", "batch", "partitions", "law", "operations")  # none reaches the caller's data


@contextmanager
def base(home: Path, now: Reading, say: Say) -> Iterator[Settings]:
    """Kafka and a store, fresh, with keys, topics and the sample directory; yields the settings that reach them.

    A store named by SUDA_MONGODB is used, in databases that are dropped; Kafka is always the stage's own, because the
    names of topics are fixed. Nothing else the caller set is seen by any part.
    """
    clock.write(home / "clock", now)
    given = Settings()
    kept = {name: getattr(given, name) for name in KEPT if name in given.model_fields_set}
    with nothing_set(), stack(Settings(home=home, log_level="WARNING", **kept), (), say=say) as running:
        asyncio.run(load_if_empty(running.settings))
        yield running.settings.model_copy(update={"database_prefix": f"bench_{os.getpid()}_"})


@contextmanager
def nothing_set() -> Iterator[None]:
    hidden = {name: os.environ.pop(name) for name in list(os.environ) if name.startswith("SUDA_")}
    try:
        yield
    finally:
        os.environ.update(hidden)


@contextmanager
def services(
    settings: Settings, home: Path, prefix: str, names: Sequence[str], profiles: Path | None = None
) -> Iterator[Running]:
    """`names` on the parts of `settings`, with databases of their own; every one is ready when the block begins."""
    clock.write(home / "clock", Reading.parse((settings.home / "clock").read_text()))
    keys = settings.home / "keys.json"
    changed = settings.model_copy(update={"home": home, "database_prefix": prefix, "keys": keys})

    def profiled(name: str) -> list[str]:
        file = str((profiles or home) / f"{prefix}{name}.prof")
        return [sys.executable, "-P", "-m", "bench.profiled", file, f"services.{name}.app"]

    with stack(changed, names, prepare=None, command=profiled if profiles else None) as running:
        yield running


async def renew_topics(settings: Settings, names: Sequence[str] = OURS) -> None:
    """Delete these topics, with whatever groups committed on them, and create them empty."""
    assert settings.kafka is not None
    admin = AIOKafkaAdminClient(bootstrap_servers=settings.kafka)
    await admin.start()
    try:
        there = sorted(set(names) & set(await admin.list_topics()))
        if there:
            await admin.delete_topics(there)
        while set(there) & set(await admin.list_topics()):  # noqa: ASYNC110 - the broker deletes when it likes
            await asyncio.sleep(0.05)
        own = [NewTopic(name, settings.partitions, 1) for name in names if name not in OURS]
        if own:
            await admin.create_topics(own)
    finally:
        await admin.close()
    await create_topics(settings.kafka, settings)


async def fill(bus: Bus, records: Sequence[Outgoing]) -> None:
    """Put all records onto their topic; returns when Kafka has every one."""
    for start in range(0, len(records), 2000):
        await bus.publish(records[start : start + 2000])


async def directory(bus: Bus) -> Directory:
    found, _ = await fold(bus.read_all(TOPIC))
    return found


async def discard(client: Client, settings: Settings, database: str) -> None:
    """Drop a database of a store that is not the stage's own: its own goes with the home, and SecantusDB drops row by
    row, for minutes.
    """
    if not any(record.name == "store" for record in process.records(settings.home)):
        await client.drop_database(database)


def busy(running: Running, settings: Settings) -> dict[str, float]:
    """CPU seconds of every part that runs here, by name, until now."""
    records = [*running.parts(), *process.records(settings.home)]
    times = {record.name: psutil.Process(record.pid).cpu_times() for record in records if record.name != "stack"}
    return {name: each.user + each.system for name, each in times.items()}


def spent(before: dict[str, float], after: dict[str, float], count: int) -> dict[str, int]:
    """CPU of each part for one of `count`, in µs."""
    return {name: round((used - before[name]) / count * 1e6) for name, used in after.items()}


def batches(running: Running) -> dict[str, dict[str, float]]:
    """By service and topic: how many batches were handled, and the seconds that took, from the services' metrics."""
    found: dict[str, dict[str, float]] = {}
    for service, url in running.urls.items():
        text = httpx.get(f"{url}/metrics", timeout=10).text
        for what, topic, value in re.findall(r'^suda_batch_seconds_(count|sum)\{topic="([^"]+)"\} (\S+)', text, re.M):
            found.setdefault(f"{service} {topic}", {})[what] = round(float(value), 2)
    return found
