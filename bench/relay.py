"""The relay: the least that could carry the same bytes. One process, batches of 500, no logic.

It consumes a topic and inserts, for every record, the documents that the pipeline stored for a complaint: the same
collections, the same bytes but for `_id`, one `insert_many` per collection and batch, all collections at once, no index
but `_id`; then it commits the offsets. Fetching the next batch overlaps, since the client fetches ahead.

    python -m bench.relay TOPIC GROUP DATABASE TEMPLATES
"""

import asyncio
import itertools
import sys
from collections.abc import Sequence
from pathlib import Path

import bson
from aiokafka import AIOKafkaConsumer

from shared.settings import settings
from shared.store import Database, Document, connect, insert_new

BATCH = 500
SCATTER = 2654435761  # odd, so no two numbers below 2**32 meet
Templates = list[dict[str, list[Document]]]  # of one complaint each: collection -> documents


def write(path: Path, templates: Templates) -> None:
    path.write_bytes(bson.encode({"complaints": templates}))


def read(path: Path) -> Templates:
    found: Templates = bson.decode(path.read_bytes())["complaints"]
    return found


def size(documents: Sequence[Document]) -> int:
    """Their bytes as BSON."""
    return sum(len(bson.encode(document)) for document in documents)


def copies(templates: Sequence[dict[str, list[Document]]], start: int, count: int) -> dict[str, list[Document]]:
    """The documents of `count` records, by collection; `_id` is the template's, begun by the record's own scattered
    number: as long as before, and as little in order as case ids are.
    """
    found: dict[str, list[Document]] = {}
    for number in range(start, start + count):
        mark = f"{number * SCATTER % 2**32:08x}"
        for name, documents in templates[number % len(templates)].items():
            found.setdefault(name, []).extend([{**one, "_id": mark + one["_id"][8:]} for one in documents])
    return found


async def relay(topic: str, group: str, database: Database, templates: Templates) -> None:
    """Until it is ended. Says `ready` once it has its partitions."""
    consumer = AIOKafkaConsumer(
        topic,
        bootstrap_servers=settings().kafka,
        group_id=group,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
    )
    await consumer.start()
    print("ready", flush=True)
    begun = 0
    for _ in itertools.count():
        batches = await consumer.getmany(timeout_ms=1000, max_records=BATCH)
        count = sum(map(len, batches.values()))
        if count:
            made = copies(templates, begun, count)
            await asyncio.gather(*(insert_new(database[name], documents) for name, documents in made.items()))
            await consumer.commit()
            begun += count


if __name__ == "__main__":
    where, who, name, file = sys.argv[1:]
    asyncio.run(relay(where, who, connect(settings())[name], read(Path(file))))
