"""`suda bench acts`: acts applied per second through routing alone, against a relay of the same bytes.

One turn: 1. routing opens some cases;  2. it is held, the acts are put on its input (a hand-over for each case, then
the acceptances, then two notes), it goes on, the time runs until it has committed all;  3. every act must have been
applied;  4. the relay (bench/relayed.py) inserts documents of the same bytes for the same records.

Three turns with few cases in the store, then many are opened (10,000; SUDA_BENCH_CASES=300000 for more), and three
turns with them. A short turn before the first one, for Kafka's own warming up, is not counted. `ratio` is the median
over the turns with few cases of routing against the relay; `crowded` is the median with many cases against that with
few, each against the relay of its own minute: what is there already must not slow an act down. `from_the_store` is the
rate of acts on cases that routing, started again, has to read from its journal first.
"""

import asyncio
import os
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid5

import psutil

from bench import complaints, harness, parts, relay, relayed
from bench.harness import Figures, Say
from shared.bus import Bus, Outgoing
from shared.clock import Reading
from shared.errors import SudaError
from shared.events import cases, topics
from shared.events.base import Actor, headers
from shared.events.cases import Acted, Dispatched
from shared.events.intake import ActRequested, ce_type
from shared.journal import Journal
from shared.privacy.keys import Keyring
from shared.settings import Settings
from shared.stack.running import Running
from shared.store import Client, connect

CASES = 1500  # that the acts of a turn are done to
CROWD = 10_000
TURNS = 3
ACTS = ("hand-over", "accept", "note", "note")
AT_ONCE = 2000
PATIENCE = 3600.0
NAMES = UUID("5c8d7f0e-3b1a-5f6e-9a51-6f1f3c2c7a11")  # of the acts


def run(size: int | None, say: Say) -> Figures:
    """`size` is the number of cases that the acts of a turn are done to."""
    count, crowd = size or CASES, int(os.environ.get("SUDA_BENCH_CASES", CROWD))
    profiles = os.environ.get("SUDA_BENCH_PROFILE")
    now = complaints.DAY + timedelta(days=1)
    with harness.home("acts") as home, parts.base(home / "base", Reading(now, now, 0.0), say) as settings:
        return asyncio.run(_run(settings, home, count, crowd, say, Path(profiles) if profiles else None))


async def _run(settings: Settings, home: Path, count: int, crowd: int, say: Say, profiles: Path | None) -> Figures:
    prefix = f"{settings.database_prefix}acts_"
    async with Bus(settings, "suda-bench") as bus, connect(settings) as client:
        try:
            with parts.services(settings, home / "routing", prefix, ("routing",), profiles) as running:
                stage = _Stage(settings, home, bus, client, running, prefix, say)
                found = await _turns(stage, count, crowd)
            with parts.services(settings, home / "routing", prefix, ("routing",), profiles) as running:
                stage.running = running
                found["acts_per_second"]["from_the_store"] = round(await stage.act_on(stage.first), 1)
            return found | {"batch": settings.batch, "partitions": settings.partitions}
        finally:
            await parts.discard(client, settings, prefix + "routing")


async def _turns(stage: "_Stage", count: int, crowd: int) -> Figures:
    await stage.turn(min(count, 500))
    few = [await stage.turn(count) for _ in range(TURNS)]
    before, there = stage.memory(), stage.opened
    await stage.open(max(0, crowd - there))
    many = [await stage.turn(count) for _ in range(TURNS)]
    first, second = (statistics.median(one / other for one, other in turns) for turns in (few, many))
    return {
        "ratio": round(first, 3),
        "ratios": [round(one / other, 3) for one, other in few],
        "crowded": round(second / first, 3),
        "acts_per_second": {
            "few": harness.spread([one for one, _ in few]),
            "many": harness.spread([o for o, _ in many]),
        },
        "relay_per_second": harness.spread([other for _, other in (*few, *many)]),
        "acts": count * len(ACTS),
        "cases": {"few": there, "many": stage.opened},
        "cpu_us": stage.cpu,
        "memory_mb": {"few": before, "many": stage.memory()},
    }


@dataclass
class _Stage:
    settings: Settings
    home: Path
    bus: Bus
    client: Client
    running: Running
    prefix: str
    say: Say
    opened: int = 0  # cases, so far
    cpu: dict[str, int] = field(default_factory=dict)  # of the last turn
    first: list[Outgoing] = field(default_factory=list)  # one more act on each case of the first turn

    async def open(self, count: int) -> set[str]:
        """Put so many more complaints in and wait until each is a case; returns the cases."""
        keyring, directory = Keyring.load(self.settings.home / "keys.json"), await parts.directory(self.bus)
        found = set[str]()
        for _ in range(0, count, AT_ONCE):
            begin, some = complaints.DAY + self.opened * timedelta(milliseconds=10), min(AT_ONCE, count - len(found))
            made = list(complaints.records(some, keyring, directory, begin, self.opened))
            await parts.fill(self.bus, made)
            found |= {record.key.decode() for record in made if record.key}
            self.opened += some
            if self.opened % (10 * AT_ONCE) == 0:
                await self._committed()
                self.say(f"{self.opened} cases")
        await self._quiet()
        return found

    async def turn(self, count: int) -> tuple[float, float]:
        """Acts a second on `count` cases opened for it, and records a second through the relay."""
        start = await self.bus.ends(topics.CASES)
        opened = await self.open(count)
        events = [cases.parse(record.value) async for record in self.bus.read_all(topics.CASES, start)]
        of_each = [_acts(one) for one in events if isinstance(one, Dispatched)]
        asked = [acts[number] for number in range(len(ACTS)) for acts in of_each]  # as many people act at once
        self.first = self.first or [_note(one) for one in events if isinstance(one, Dispatched)]
        rate = await self.act_on(asked)
        await self._quiet()
        templates = self.home / "templates.bson"
        relay.write(templates, await self._commits(sorted(opened)[:300]))
        other = len(asked) / await relayed.seconds(self.settings, self.bus, self.client, asked, templates)
        self.say(f"with {self.opened} cases: {rate:.0f} acts/s; the relay {other:.0f}")
        return rate, other

    async def act_on(self, asked: Sequence[Outgoing]) -> float:
        """Acts a second. Raises SudaError where one was not applied."""
        start = await self.bus.ends(topics.CASES)
        self.running.pause("routing")
        await parts.fill(self.bus, asked)
        busy, began = parts.busy(self.running, self.settings), time.monotonic()
        self.running.resume("routing")
        await self._committed()
        rate = len(asked) / (time.monotonic() - began)
        self.cpu = parts.spent(busy, parts.busy(self.running, self.settings), len(asked))
        events = [cases.parse(record.value) async for record in self.bus.read_all(topics.CASES, start)]
        done = {event.cause for event in events if isinstance(event, Acted)}
        if len(done) < len(asked):
            raise SudaError(f"{len(asked) - len(done)} of {len(asked)} acts were not applied")
        return rate

    def memory(self) -> int:
        """Resident megabytes of routing."""
        return round(psutil.Process(self.running.record("routing").pid).memory_info().rss / 2**20)

    async def _commits(self, of: Sequence[str]) -> relay.Templates:
        """What the acts on these cases left, as the relay's documents."""
        histories = await Journal(self.client[self.prefix + "routing"]).histories(of)
        acts = [commit for history in histories.values() for commit in history[1:]]  # the first opened the case
        return [{"journal": [commit.document()]} for commit in acts]

    async def _quiet(self) -> None:
        """Return when routing and its matcher have nothing left to do."""
        await self._committed()
        async with asyncio.timeout(PATIENCE):
            await self.bus.reached(topics.MATCHER_GROUP, topics.CASES, await self.bus.ends(topics.CASES), 0.1)
        await self._committed()

    async def _committed(self) -> None:
        async with asyncio.timeout(PATIENCE):
            await self.bus.reached(topics.ROUTING_GROUP, topics.INTAKE, await self.bus.ends(topics.INTAKE), 0.1)


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


def _note(case: Dispatched) -> Outgoing:
    """One more act of the agency."""
    agency = Actor(organisation=case.accountable or "", role="officer")
    return _record(case.case_id, len(ACTS), "note", agency, {}, case.at + timedelta(hours=1))


def _record(case: str, number: int, act: str, by: Actor, data: dict[str, Any], at: datetime) -> Outgoing:
    event = ActRequested(
        act_id=str(uuid5(NAMES, f"{case}{number}")), case_id=case, act=act, by=by, received_at=at,
        data=data, sealed={"text": "sm4gcm:" + "x" * 120} if act == "note" else {},
    )  # fmt: skip
    described = headers(id=event.id, type=ce_type(event), subject=case, time=at)
    return Outgoing(topics.INTAKE, case.encode(), event.to_bytes(), described)
