"""What lies in the log and what is sent there, without the client's types; and how a process ends when it must."""

import logging
import os
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from aiokafka.partitioner import murmur2

from shared.errors import ConfigurationError

log = logging.getLogger("suda.bus")
LARGEST_LETTER = 3  # times our record limit: a dead letter must hold what any topic took, and its headers


@dataclass(frozen=True, slots=True)
class Record:
    """One record as it lies in the log."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes
    headers: Mapping[str, bytes] = field(default_factory=dict)

    @property
    def place(self) -> tuple[int, int]:
        """Partition and offset: which record of its topic this is."""
        return self.partition, self.offset

    @property
    def trace(self) -> str | None:
        """The W3C `traceparent` it came with."""
        found = self.headers.get("traceparent")
        return found.decode() if found else None


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One record to be sent; the key decides the partition (murmur2). Without one, as a replayed letter may be: any."""

    topic: str
    key: bytes | None
    value: bytes
    headers: Mapping[str, bytes] = field(default_factory=dict)


Handler = Callable[[list[Record]], Awaitable[None]]
Ends = dict[int, int]
Moved = Callable[[set[int]], Awaitable[None]]


def read(raw: Any) -> Record:
    """A record of the client as ours."""
    return Record(raw.topic, raw.partition, raw.offset, raw.key, raw.value or b"", dict(raw.headers))


@lru_cache(4096)
def murmur2_partition(key: bytes, count: int) -> int:
    """Kafka's default partition of a key among `count`."""
    return int((murmur2(key) & 0x7FFFFFFF) % count)


def end(problem: BaseException) -> None:
    """End this process at once: nothing more may go through its producer (DESIGN.md 6.7), or its setting is wrong."""
    wrong = isinstance(problem, ConfigurationError)
    log.critical("this process ends: %s", problem if wrong else repr(problem))
    logging.shutdown()
    os._exit(78 if wrong else 70)
