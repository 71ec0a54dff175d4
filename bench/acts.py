"""`suda bench acts`: acts applied per second through routing alone, against a relay of the same bytes.

1. routing is started on fresh topics and databases and opens the cases;  2. it is held, the acts are put on its input
(a hand-over for each case, then the acceptances, then two notes), it goes on, the time runs until it has committed all;
3. every act must have been applied;  4. the relay (bench/relay.py) inserts documents of the same bytes for the same
records;  5. once more with many cases in the store (10,000; SUDA_BENCH_CASES=300000 for more): what is there already
must not slow an act down. `ratio` is routing against the relay, `crowded` the rate with many cases against with few.
"""

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid5

import psutil

from bench import complaints, harness, parts, relay
from bench.harness import Figures, Say
from shared.bus import Bus, Outgoing
from shared.clock import Reading
from shared.errors import SudaError, Unavailable
from shared.events import cases, topics
from shared.events.base import Actor, headers
from shared.events.cases import Acted, Dispatched
from shared.events.intake import ActRequested, ce_type
from shared.privacy.keys import Keyring
from shared.settings import Settings
from shared.stack.provide import source_path
from shared.stack.running import Running
from shared.store import Client, connect

CASES = 1500  # that acts are done to
CROWD = 10_000
ACTS = ("hand-over", "accept", "note", "note")
GROUP = "suda.bench.acts"
PATIENCE = 3600.0
NAMES = UUID("5c8d7f0e-3b1a-5f6e-9a51-6f1f3c2c7a11")  # of what the stage makes


def run(size: int | None, say: Say) -> Figures:
    """`size` is the number of cases that acts are done to."""
    count, crowd = size or CASES, int(os.environ.get("SUDA_BENCH_CASES", CROWD))
    now = complaints.DAY + timedelta(days=1)
    with harness.home("acts") as home, parts.base(home / "base", Reading(now, now, 0.0), say) as settings:
        return asyncio.run(_run(settings, home, count, crowd, say))


async def _run(settings: Settings, home: Path, count: int, crowd: int, say: Say) -> Figures:
    keyring, prefix = Keyring.load(settings.home / "keys.json"), f"{settings.database_prefix}acts_"
    async with Bus(settings, "suda-bench") as bus, connect(settings) as client:
        stage = _Stage(settings, home, bus, client, keyring, prefix)
        await parts.renew_topics(settings)
        try:
            with parts.services(settings, home / "routing", prefix, ("routing",)) as running:
                few = await stage.rate(running, 0, count)
                say(f"with {count} cases: {few:.0f} acts/s")
                await stage.open(range(count, max(count, crowd - count)))
                before = stage.memory(running)
                many = await stage.rate(running, max(count, crowd - count), count)
                say(f"with {max(crowd, 2 * count)} cases: {many:.0f} acts/s")
                memory = {"before_mb": before, "after_mb": stage.memory(running)}
            await stage.templates(home / "templates.bson")
            relayed = await stage.relay(home / "templates.bson")
            say(f"relay: {relayed:.0f} acts/s")
        finally:
            await client.drop_database(prefix + "routing")
    return {
        "ratio": round(few / relayed, 3),
        "crowded": round(many / few, 3),
        "acts_per_second": {"few": round(few, 1), "many": round(many, 1), "relay": round(relayed, 1)},
        "acts": count * len(ACTS),
        "cases": {"few": count, "many": max(crowd, 2 * count)},
        "memory": memory,
        "batch": settings.batch,
        "partitions": settings.partitions,
    }


@dataclass
class _Stage:
    settings: Settings
    home: Path
    bus: Bus
    client: Client
    keyring: Keyring
    prefix: str
    asked: list[Outgoing] = field(default_factory=list)

    async def open(self, numbers: range) -> list[str]:
        """Put complaints with these numbers in and wait until each is a case; returns the cases."""
        directory, found = await parts.directory(self.bus), list[str]()
        for start in range(numbers.start, numbers.stop, 2000):
            begin = complaints.DAY + start * timedelta(milliseconds=10)
            some = min(2000, numbers.stop - start)
            made = list(_numbered(complaints.records(some, self.keyring, directory, begin), start))
            await parts.fill(self.bus, made)
            found += [record.key.decode() for record in made]
        await self._quiet()
        return found

    async def rate(self, running: Running, start: int, count: int) -> float:
        """Acts a second on `count` cases opened for it."""
        opened = set(await self.open(range(start, start + count)))
        owners = {
            event.case_id: event
            async for event in self._cases()
            if isinstance(event, Dispatched) and event.case_id in opened
        }
        of_each = [_acts(case) for case in owners.values()]
        self.asked = [acts[number] for number in range(len(ACTS)) for acts in of_each]  # as many people act at once
        running.pause("routing")
        await parts.fill(self.bus, self.asked)
        began = time.monotonic()
        running.resume("routing")
        await self._committed()
        seconds = time.monotonic() - began
        done = {event.cause async for event in self._cases() if isinstance(event, Acted) and event.case_id in opened}
        if len(done) < len(self.asked):
            raise SudaError(f"{len(self.asked) - len(done)} of {len(self.asked)} acts were not applied")
        return len(self.asked) / seconds

    def memory(self, running: Running) -> int:
        """Resident megabytes of routing."""
        return round(psutil.Process(running.record("routing").pid).memory_info().rss / 2**20)

    async def templates(self, path: Path) -> None:
        """The commits of some of the last acts, as the relay's documents."""
        keys = {(record.key or b"").decode() for record in self.asked[: 300 * len(ACTS)]}
        found: list[dict[str, list[dict[str, Any]]]] = []
        journal = self.client[self.prefix + "routing"]["journal"]
        async for document in journal.find({"case": {"$in": sorted(keys)}}):
            if document["seq"] > 2:  # the first commit opened the case
                found.append({"journal": [document]})
        relay.write(path, found)

    async def relay(self, path: Path) -> float:
        """Records a second through the relay: the same acts on a fresh topic."""
        await parts.renew_topics(self.settings)
        name = f"{self.settings.database_prefix}relay"
        addresses = {"SUDA_KAFKA": str(self.settings.kafka), "SUDA_MONGODB": str(self.settings.mongodb)}
        argv = [sys.executable, "-P", "-m", "bench.relay", topics.INTAKE, GROUP, name, str(path)]
        child = subprocess.Popen(  # noqa: ASYNC220 - started, not awaited
            argv, env={**os.environ, **addresses, **source_path()}, stdout=subprocess.PIPE
        )
        try:
            assert child.stdout is not None
            if await asyncio.to_thread(child.stdout.readline) != b"ready\n":
                raise Unavailable("the relay did not start")
            process = psutil.Process(child.pid)
            process.suspend()
            await parts.fill(self.bus, self.asked)
            began = time.monotonic()
            process.resume()
            async with asyncio.timeout(PATIENCE):
                await self.bus.reached(GROUP, topics.INTAKE, await self.bus.ends(topics.INTAKE), 0.1)
            return len(self.asked) / (time.monotonic() - began)
        finally:
            child.kill()
            await asyncio.to_thread(child.wait)
            await self.client.drop_database(name)

    async def _quiet(self) -> None:
        """Return when routing and its matcher have nothing left to do."""
        await self._committed()
        async with asyncio.timeout(PATIENCE):
            await self.bus.reached(topics.MATCHER_GROUP, topics.CASES, await self.bus.ends(topics.CASES), 0.1)
        await self._committed()

    async def _committed(self) -> None:
        async with asyncio.timeout(PATIENCE):
            await self.bus.reached(topics.ROUTING_GROUP, topics.INTAKE, await self.bus.ends(topics.INTAKE), 0.1)

    async def _cases(self) -> Any:
        async for record in self.bus.read_all(topics.CASES):
            yield cases.parse(record.value)


def _numbered(made: Any, start: int) -> Any:
    """The records under ids of their own: those of another run of numbers begin at 0 again."""
    for number, record in enumerate(made, start):
        old = record.key
        new = str(uuid5(NAMES, f"{number}")).encode()
        described = {name: value.replace(old, new) for name, value in record.headers.items()}
        yield Outgoing(record.topic, new, record.value.replace(old, new), described)


def _acts(case: Dispatched) -> Sequence[Outgoing]:
    administration = Actor(organisation=case.administration or "", role="supervisor")
    agency = Actor(organisation=case.accountable or "", role="officer")
    data: list[tuple[Actor, dict[str, Any]]] = [
        (administration, {"to": case.accountable}),
        (agency, {"served_by": "phone", "served_on": complaints.DAY.date().isoformat()}),
        (agency, {}),
        (agency, {}),
    ]
    return [
        _record(case.case_id, number, act, by, given, case.at + timedelta(minutes=number + 1))
        for number, (act, (by, given)) in enumerate(zip(ACTS, data, strict=True))
    ]


def _record(case: str, number: int, act: str, by: Actor, data: dict[str, Any], at: datetime) -> Outgoing:
    event = ActRequested(
        act_id=str(uuid5(NAMES, f"{case}{number}")), case_id=case, act=act, by=by, received_at=at,
        data=data, sealed={"text": "sm4gcm:" + "x" * 120} if act == "note" else {},
    )  # fmt: skip
    described = headers(id=event.id, type=ce_type(event), subject=case, time=at)
    return Outgoing(topics.INTAKE, case.encode(), event.to_bytes(), described)
