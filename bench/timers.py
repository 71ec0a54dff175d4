"""`suda bench timers`: what it costs to keep many deadlines, and how fast those due at one instant are told.

1. 10,000 open duties are put into sla's store as sla itself writes them (journal and rows); sla is started, and the
   cost of opening one more is measured through the real service: cases on the topic until their duties are committed.
2. The same at the full number. Started again there: seconds until everything is watched, memory per 100,000.
3. 20,000 of them are due at one instant: the clock is stepped to it; timed until all are on `suda.deadlines`, in order.
   Then the relay (bench/relay.py) consumes as many records and inserts the same rung documents. Three such turns, a
   rung of the ladder each; `ratio` is the median of told against relayed, each pair on the same minutes of the machine.
4. Stopped, the clock stepped to the next rung, started: seconds until the first one fires ("restart to firing").
"""

import asyncio
import random
import statistics
import time
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import psutil

from bench import complaints, harness, parts, relay, relayed
from bench.harness import Figures, Say
from services.routing.core import decide
from services.routing.core.chain import Decided
from services.routing.core.decide import World
from services.sla.core.timers import Basis, row
from services.sla.core.unwatched import Watches
from services.sla.core.watch import Watched
from services.sla.desk import Desk
from shared import clock
from shared.bus import Bus, Outgoing
from shared.clock import ZONE, Reading
from shared.errors import SudaError
from shared.events import topics
from shared.events.deadlines import parse
from shared.events.intake import ComplaintReceived
from shared.journal import Commit
from shared.law import Calendar, load
from shared.law.operations import Operations, load_operations
from shared.privacy.keys import Keyring
from shared.settings import Settings
from shared.stack.running import Running
from shared.store import Client, Document, connect, insert_new

DUTIES = 200_000
FEW = 10_000
SAME = 20_000
MORE = 3_000  # opened through the service, to see what one costs
TOGETHER = datetime(2026, 9, 7, 10, 0, tzinfo=ZONE)  # received; first warned at 09:00 on the 8th
APART = datetime(2026, 9, 14, 10, 0, tzinfo=ZONE)
BEFORE, *TURNS, AGAIN = (
    datetime(2026, 9, *when, tzinfo=ZONE) for when in ((8, 8, 59), (8, 9, 0), (9, 9, 0), (10, 0, 0), (11, 9, 0))
)  # a warning, one on the last day, the breach; then supervision
PATIENCE = 900.0


def run(size: int | None, say: Say) -> Figures:
    """All of it; `size` is the number of open duties."""
    count = max(size or DUTIES, FEW)
    with harness.home("timers") as home, parts.base(home / "base", Reading(BEFORE, BEFORE, 0.0), say) as settings:
        return asyncio.run(_run(settings, home, count, say))


async def _run(settings: Settings, home: Path, count: int, say: Say) -> Figures:
    async with Bus(settings, "suda-bench") as bus, connect(settings) as client:
        bench = _Bench(settings, home, bus, client, say, World(load(), await parts.directory(bus), Calendar.load()))
        try:
            return await bench.measure(count)
        finally:
            await parts.discard(client, settings, bench.prefix + "sla")


class _Bench:
    def __init__(self, settings: Settings, home: Path, bus: Bus, client: Client, say: Say, world: World) -> None:
        self.settings, self.home, self.bus, self.client, self.say, self.world = settings, home, bus, client, say, world
        self.prefix = f"{settings.database_prefix}timers_"
        self.operations = load_operations()
        keyring = Keyring.load(settings.home / "keys.json")
        record = next(complaints.records(1, keyring, world.directory, TOGETHER))
        self.template = ComplaintReceived.model_validate_json(record.value)
        self.number = 0
        self.cpu: dict[str, int] = {}  # of the last turn
        self.ordered = True

    async def measure(self, count: int) -> Figures:
        same = min(SAME, count)
        empty = await self._empty()
        await self._put(min(FEW, same), TOGETHER)
        with self._sla() as running:
            await self._watched(running, min(FEW, same))
            few = await self._open_more(running)
        await self._put(same - min(FEW, same), TOGETHER)
        await self._put(count - same, APART)
        total = count + MORE
        began = time.monotonic()
        with self._sla() as running:
            await self._watched(running, total)
            watching = time.monotonic() - began
            memory = (self._memory(running) - empty) / total * 100_000 / 2**20
            self.say(f"{total} watched after {watching:.1f} s, {memory:.0f} MiB per 100,000")
            turns = [await self._turn(running, instant, same) for instant in TURNS]
            many = await self._open_more(running)
        told = sum((await self.bus.ends(topics.DEADLINES)).values())
        clock.step(self.home / "sla" / "clock", AGAIN)
        began = time.monotonic()
        with self._sla():
            while sum((await self.bus.ends(topics.DEADLINES)).values()) == told:  # noqa: ASYNC110 - in Kafka
                await asyncio.sleep(0.05)
            again = time.monotonic() - began
        ratios = [one / other for one, other in turns]
        return {
            "ratio": round(statistics.median(ratios), 3),
            "ratios": [round(ratio, 3) for ratio in ratios],
            "told_per_second": harness.spread([one for one, _ in turns]),
            "relayed_per_second": harness.spread([other for _, other in turns]),
            "in_order": self.ordered,
            "cpu_us": self.cpu,
            "duties": total,
            "restart_to_watching_seconds": round(watching, 1),
            "restart_to_firing_seconds": round(again, 1),
            "mib_per_100000": round(memory, 1),
            "open_one_us_at_10000": round(few * 1e6),
            "open_one_us_at_full": round(many * 1e6),
            "open_one_growth": round(many / few, 2),
        }

    # ---- the store, as sla writes it

    def _cases(self, count: int, received: datetime) -> Iterator[Decided]:
        for _ in range(count):
            self.number += 1
            name = str(UUID(int=random.Random(self.number).getrandbits(128), version=4))
            came = {"complaint_id": name, "case_id": name, "received_at": received, "received_on": received.date()}
            yield decide.open_case(self.template.model_copy(update=came), self.world)

    async def _put(self, count: int, received: datetime) -> None:
        if count <= 0:
            return
        database = self.client[self.prefix + "sla"]
        rules = Watches(self.operations.watches, self.operations.label)
        desk = Desk(None, self.world.law, self.world.calendar, rules)  # type: ignore[arg-type]
        commits, rows = list[Document](), list[Document]()
        for number, decided in enumerate(self._cases(count, received), 1):
            applied = desk.apply(Watched(decided.case.id), [(event, None) for event, _ in decided.events])
            commits.append(applied.commit().document())
            rows.append(self._row(applied.commit(), applied.after, self.operations))
            if number % 2000 == 0 or number == count:
                await insert_new(database["journal"], commits)
                await insert_new(database["open"], rows)
                commits, rows = [], []
        self.say(f"{self.number} duties in the store")

    def _row(self, commit: Commit, after: Watched, operations: Operations) -> Document:
        event = parse(commit.entries[0].value)
        law = self.world.law.get(after.facts.instrument or "", after.facts.law_digest)
        basis = Basis(self.world.calendar.version, f"{law.id}@{law.digest}", operations.digest)
        partition = self.bus.partition(event.case_id.encode())
        duty = law.obligation(event.obligation)
        return row(event, partition, duty, operations, self.world.calendar, after.facts, after.seq, basis)

    # ---- the service

    def _sla(self) -> Any:
        now = Reading.parse((self.home / "sla" / "clock").read_text()) if (self.home / "sla").exists() else None
        if now is not None:
            clock.write(self.settings.home / "clock", now)
        return parts.services(self.settings, self.home / "sla", self.prefix, ("sla",))

    def _memory(self, running: Running) -> int:
        return int(psutil.Process(running.record("sla").pid).memory_info().rss)

    async def _empty(self) -> int:
        with self._sla() as running:
            await self._watched(running, 0)
            return self._memory(running)

    async def _watched(self, running: Running, count: int) -> None:
        """Return when so many duties are watched."""
        async with httpx.AsyncClient() as http, asyncio.timeout(PATIENCE):
            while True:
                found = (await http.get(f"{running.url('sla')}/v1/timers")).json()
                if found["watched"] >= count:
                    return
                await asyncio.sleep(0.05)

    async def _open_more(self, running: Running) -> float:
        """Seconds for one duty: cases onto the topic, until sla has committed them."""
        made = [
            Outgoing(topics.CASES, decided.case.id.encode(), value)
            for decided in self._cases(MORE, APART)
            for _, value in decided.events
        ]
        running.pause("sla")
        await parts.fill(self.bus, made)
        began = time.monotonic()
        running.resume("sla")
        await self._reached(topics.SLA_GROUP, topics.CASES)
        return (time.monotonic() - began) / MORE

    async def _reached(self, group: str, topic: str) -> None:
        async with asyncio.timeout(PATIENCE):
            await self.bus.reached(group, topic, await self.bus.ends(topic), 0.05)

    async def _turn(self, running: Running, instant: datetime, same: int) -> tuple[float, float]:
        """Rungs told a second, all due at the instant, and records a second through the relay."""
        before = await self.bus.ends(topics.DEADLINES)
        told = sum(before.values()) + same
        busy, began = parts.busy(running, self.settings), time.monotonic()
        clock.step(self.home / "sla" / "clock", instant)
        async with asyncio.timeout(PATIENCE):
            while sum((await self.bus.ends(topics.DEADLINES)).values()) < told:  # noqa: ASYNC110 - in Kafka
                await asyncio.sleep(0.05)
        seconds = time.monotonic() - began
        self.cpu = parts.spent(busy, parts.busy(running, self.settings), same)
        self.ordered &= await self._in_order(before, same)
        relayed = await self._relay(same)
        self.say(f"{same} due at one instant told in {seconds:.1f} s, relayed in {relayed:.1f} s")
        return same / seconds, same / relayed

    async def _in_order(self, before: dict[int, int], same: int) -> bool:
        """Each once, and in every partition in the order in which they were due."""
        due: dict[int, list[tuple[datetime, str]]] = {}
        async for record in self.bus.read_all(topics.DEADLINES, before):
            event = parse(record.value)
            if event.rung_due:
                due.setdefault(record.partition, []).append((event.rung_due, event.case_id))
        found = [one for rungs in due.values() for one in rungs]
        if len(found) != same or len(set(found)) != same:
            raise SudaError(f"{len(found)} rungs of {same} were told, {len(set(found))} different ones")
        return all(rungs == sorted(rungs) for rungs in due.values())

    async def _relay(self, same: int) -> float:
        """Seconds for the relay to carry as many records and insert the same documents."""
        rungs = self.client[self.prefix + "sla"]["rungs"]
        templates: list[dict[str, list[Document]]] = []
        async for rung in rungs.find({}).limit(300):
            templates.append({"rungs": [rung]})
        file = self.home / "templates.bson"
        relay.write(file, templates)
        records = _records(templates, same)
        return await relayed.seconds(self.settings, self.bus, self.client, records, file)


def _records(templates: Sequence[dict[str, list[Document]]], count: int) -> list[Outgoing]:
    found = []
    for number in range(count):
        rung = templates[number % len(templates)]["rungs"][0]
        found.append(Outgoing(topics.INTAKE, f"{number}{rung['case']}".encode(), bytes(rung["v"])))
    return found
