"""The relay (bench/relay.py) run beside a stage: the same records on a topic of its own, timed until it committed all.

It is started and ready, then held (SIGSTOP); the topic is filled, every record acknowledged; the time runs from where
it is let go (SIGCONT) until its group has committed the topic's ends.
"""

import asyncio
import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from bench import parts
from shared.bus import Bus, Outgoing
from shared.errors import Unavailable
from shared.settings import Settings
from shared.stack.provide import source_path
from shared.store import Client

TOPIC = "suda.bench"
GROUP = "suda.bench.relay"
PATIENCE = 180.0  # seconds
PAUSE = 0.1


async def seconds(settings: Settings, bus: Bus, client: Client, records: Sequence[Outgoing], templates: Path) -> float:
    """How long the relay takes for these records, inserting for each the documents of one of `templates`."""
    await parts.renew_topics(settings, [TOPIC])
    name = f"{settings.database_prefix}relay_{uuid.uuid4().hex[:8]}"
    addresses = {"SUDA_KAFKA": str(settings.kafka), "SUDA_MONGODB": str(settings.mongodb)}
    argv = [sys.executable, "-P", "-m", "bench.relay", TOPIC, GROUP, name, str(templates)]
    child = subprocess.Popen(  # noqa: ASYNC220 - started, not awaited
        argv, env={**os.environ, **addresses, **source_path()}, stdout=subprocess.PIPE
    )
    try:
        assert child.stdout is not None
        if await asyncio.to_thread(child.stdout.readline) != b"ready\n":
            raise Unavailable("the relay did not start")
        child.send_signal(signal.SIGSTOP)
        await parts.fill(bus, [replace(record, topic=TOPIC) for record in records])
        began = time.monotonic()
        child.send_signal(signal.SIGCONT)
        async with asyncio.timeout(PATIENCE):
            await bus.reached(GROUP, TOPIC, await bus.ends(TOPIC), PAUSE)
        return time.monotonic() - began
    finally:
        child.kill()
        await asyncio.to_thread(child.wait)
        await parts.discard(client, settings, name)
