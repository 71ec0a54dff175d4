"""`suda bench pipeline`: complaints/s from the first record consumed to the last row of the read model.

One run of the pipeline:
1. fresh topics and databases; routing, sla and reporting are started and ready, with nothing to read;
2. routing, the only reader of `suda.intake`, is held (SIGSTOP); the topic is filled, every record acknowledged;
3. routing goes on (SIGCONT), so that it consumes the first record: the time begins;
4. it ends when every reader has committed everything that was caused: routing its input, sla and reporting the ends of
   `suda.cases`, reporting those of `suda.deadlines`. A reader commits after its rows are in, so the last row is in. The
   bench asks for the offsets every 0.1 s; afterwards the documents are counted, and none may be missing.

The relay (bench/relay.py) is measured in the same way on the same records: started, held, the topic filled, let go,
until its group has committed all. What it inserts per record are the documents that the run of the pipeline before it
stored, of complaints spread over the whole run: journals, open duties, rows, deadline events.

Pipeline and relay take turns, three times; `ratio` is the median of the pairwise ratios, because both shared the same
minutes of the machine. `cpu_us` (CPU of every part per complaint, from the processes' own times) and `batches` (how
many each reader handled, and for how many seconds) are of the last turn: they say what limits, and move less than
rates do when the machine has other work. SUDA_BENCH_PROFILE=FOLDER runs the services under cProfile, which slows them.
"""

import asyncio
import os
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bench import complaints, harness, parts, relayed, stored
from bench.harness import Figures, Say
from shared.bus import Bus, Outgoing
from shared.clock import Reading
from shared.errors import SudaError
from shared.events import topics
from shared.privacy.keys import Keyring
from shared.settings import Settings
from shared.store import Client, connect

COMPLAINTS = 6000
TURNS = 3
PATIENCE = 180.0  # seconds for one run
PAUSE = 0.1
SERVICES = ("routing", "sla", "reporting")


def run(size: int | None, say: Say) -> Figures:
    """All turns; `size` is the number of complaints."""
    count, profiles = size or COMPLAINTS, os.environ.get("SUDA_BENCH_PROFILE")
    now = complaints.DAY + count * complaints.APART
    with harness.home("pipeline") as home, parts.base(home / "base", Reading(now, now, 0.0), say) as settings:
        return asyncio.run(_run(settings, home, count, say, Path(profiles) if profiles else None))


async def _run(settings: Settings, home: Path, count: int, say: Say, profiles: Path | None) -> Figures:
    keyring = Keyring.load(settings.home / "keys.json")
    pipeline, relay, found = list[float](), list[float](), Figures()
    async with Bus(settings, "suda-bench") as bus, connect(settings) as client:
        made = list(complaints.records(count, keyring, await parts.directory(bus)))
        turns = _Turns(settings, home, bus, client, made, profiles)
        for turn in range(1, TURNS + 1):
            seconds, found = await turns.pipeline(turn)
            pipeline.append(count / seconds)
            say(f"turn {turn} of {TURNS}: pipeline {pipeline[-1]:.0f} complaints/s")
            say("  CPU a complaint, µs: " + ", ".join(f"{name} {cost}" for name, cost in found["cpu_us"].items()))
            relay.append(count / await relayed.seconds(settings, bus, client, made, turns.templates))
            say(f"turn {turn} of {TURNS}: relay    {relay[-1]:.0f} complaints/s")
    ratios = [one / other for one, other in zip(pipeline, relay, strict=True)]
    return {
        "ratio": round(statistics.median(ratios), 3),
        "ratios": [round(ratio, 3) for ratio in ratios],
        "pipeline_per_second": [round(value, 1) for value in pipeline],
        "relay_per_second": [round(value, 1) for value in relay],
        "pipeline": harness.spread(pipeline),
        "relay": harness.spread(relay),
        "complaints": count,
        "record_bytes": round(statistics.mean(len(record.value) for record in made)),
        **found,
        "batch": settings.batch,
        "partitions": settings.partitions,
    }


@dataclass(frozen=True)
class _Turns:
    settings: Settings
    home: Path
    bus: Bus
    client: Client
    made: Sequence[Outgoing]
    profiles: Path | None

    @property
    def templates(self) -> Path:
        return self.home / "templates.bson"

    async def pipeline(self, turn: int) -> tuple[float, Figures]:
        """Seconds, and what each complaint cost and left."""
        await parts.renew_topics(self.settings)
        prefix = f"{self.settings.database_prefix}{turn}_"
        home = self.home / f"turn-{turn}"
        try:
            with parts.services(self.settings, home, prefix, SERVICES, self.profiles) as running:
                await self._fresh()
                running.pause("routing")
                await parts.fill(self.bus, self.made)
                busy, began = parts.busy(running, self.settings), time.monotonic()
                running.resume("routing")
                await self._through()
                seconds = time.monotonic() - began
                if again := [part for part in SERVICES if running.record(part).restarts]:
                    raise SudaError(f"{again[0]} was started again during the run: its figures mean nothing")
                batches = parts.batches(running)
                cost = parts.spent(busy, parts.busy(running, self.settings), len(self.made))
            found = await stored.look(self.client, prefix, self.made, self.templates)
            return seconds, {**found, "batches": batches, "cpu_us": cost}
        finally:
            for service in SERVICES:
                await parts.discard(self.client, self.settings, prefix + service)

    async def _fresh(self) -> None:
        for topic, group in topics.READERS:
            ends, committed = await self.bus.ends(topic), await self.bus.committed(group, topic)
            if any(ends.values()) or any(committed.values()):
                raise SudaError(f"{topic} is not empty and unread before a run")

    async def _through(self) -> None:
        """As `bus.settled`, asking less often: the bench must not slow down what it measures."""
        async with asyncio.timeout(PATIENCE):
            for topic in topics.CASE_BEARING:
                ends = await self.bus.ends(topic)
                for group in [group for of, group in topics.READERS if of == topic]:
                    await self.bus.reached(group, topic, ends, PAUSE)
