"""Intake's parts without Kafka and without a store: the same queries on dictionaries, the same records in a list."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
from pymongo.errors import AutoReconnect, BulkWriteError

from services.intake.app import assemble
from services.intake.intake import Intake
from shared.bus import Outgoing, Record
from shared.clock import Clock
from shared.directory.model import Division, Organisation, record_key, record_value
from shared.errors import Unavailable
from shared.events import topics
from shared.privacy.keys import Keyring
from shared.privacy.tokens import issue
from shared.settings import Settings

NOW = datetime(2026, 3, 2, 1, 30, tzinfo=UTC)  # 09:30 in Shanghai
CENTRE = "11530102XXXXXXX001"
OFFICE = "11530102XXXXXXX002"
UNKNOWN = "11999999XXXXXXX009"
DIRECTORY = (
    Division(code="530102", name="五华区", level="county", administration=CENTRE),
    Organisation(code=CENTRE, name="五华区政务局（样例）", kind="administration", division="530102"),
    Organisation(code=OFFICE, name="五华区市监局（样例）", kind="agency", division="530102"),
)
KEYRING = Keyring({"1": b"m" * 16}, "1", b"i" * 32, b"c" * 32, b"t" * 32, b"d" * 32)
SETTINGS = Settings(home=Path("/nowhere"), kafka="fake:9092", mongodb="mongodb://fake", send_timeout=2.0)
JSON = {"content-type": "application/json"}


class FakeCollection:
    """What intake asks of a collection; `away` makes it a store that does not answer."""

    def __init__(self) -> None:
        self.rows: dict[Any, dict[str, Any]] = {}
        self.calls: list[str] = []
        self.away = 0

    def _called(self, name: str) -> None:
        self.calls.append(name)
        if self.away > 0:
            self.away -= 1
            raise AutoReconnect("away")

    async def insert_many(self, documents: list[dict[str, Any]], ordered: bool = True) -> None:
        self._called("insert_many")
        await asyncio.sleep(0)
        errors = []
        for place, document in enumerate(documents):
            if document["_id"] in self.rows:
                errors.append({"index": place, "code": 11000})
            else:
                self.rows[document["_id"]] = dict(document)
        if errors:
            raise BulkWriteError({"writeErrors": errors})

    async def find_one(self, query: dict[str, Any]) -> dict[str, Any] | None:
        self._called("find_one")
        return self.rows.get(query["_id"])

    def find(self, query: dict[str, Any], fields: Any = None) -> "FakeCursor":
        return FakeCursor(self, query["_id"]["$in"])

    async def delete_many(self, query: dict[str, Any]) -> None:
        self._called("delete_many")
        for id in query["_id"]["$in"]:
            self.rows.pop(id, None)


class FakeCursor:
    def __init__(self, collection: FakeCollection, ids: list[Any]) -> None:
        self._collection, self._ids = collection, ids

    async def to_list(self) -> list[dict[str, Any]]:
        self._collection._called("find")
        return [self._collection.rows[id] for id in self._ids if id in self._collection.rows]


class FakeClient:
    def __init__(self) -> None:
        self.receipts, self.act_receipts, self.keys = FakeCollection(), FakeCollection(), FakeCollection()

    def __getitem__(self, database: str) -> dict[str, FakeCollection]:
        return {"receipts": self.receipts, "act_receipts": self.act_receipts, "keys": self.keys}

    @property
    def collections(self) -> Iterator[FakeCollection]:
        yield from (self.receipts, self.act_receipts, self.keys)


class FakeBus:
    """A log that keeps what was published; `answer` may put the decision on an act on `suda.cases`."""

    def __init__(self, records: Sequence[Any] = DIRECTORY) -> None:
        self.published: list[Outgoing] = []
        self.away = 0
        self.answer: Any = None
        self.directory = [Record(topics.DIRECTORY, 0, n, record_key(r), record_value(r)) for n, r in enumerate(records)]
        self._cases: asyncio.Queue[Record] = asyncio.Queue()

    async def start(self) -> None:
        return None

    async def stop(self) -> None:
        return None

    async def ends(self, topic: str) -> dict[int, int]:
        return {0: len(self.directory) if topic == topics.DIRECTORY else 0}

    async def publish(self, records: Sequence[Outgoing]) -> None:
        await asyncio.sleep(0)
        if self.away > 0:
            self.away -= 1
            raise Unavailable("Kafka did not acknowledge in time")
        self.published.extend(records)
        for record in records:
            if self.answer is not None and (event := self.answer(record)) is not None:
                await self._cases.put(event)

    async def tail(self, topic: str, *, beginning: bool = False, start: Any = None) -> AsyncIterator[Record]:
        if topic == topics.DIRECTORY:
            at = 0
            while True:
                for record in self.directory[at:]:
                    at += 1
                    yield record
                await asyncio.sleep(0.02)
        while True:
            yield await self._cases.get()


class World:
    """The real application on fakes, with a client to speak to it."""

    def __init__(self, records: Sequence[Any] = DIRECTORY, settings: Settings = SETTINGS) -> None:
        self.bus, self.client = FakeBus(records), FakeClient()
        text = f"{NOW.isoformat()} {NOW.isoformat()} 0"
        self.clock = Clock(text=text)
        self.intake = Intake(settings, self.bus, self.client, KEYRING, self.clock)  # type: ignore[arg-type]
        transport = httpx.ASGITransport(assemble(self.intake), raise_app_exceptions=True)
        self.http = httpx.AsyncClient(transport=transport, base_url="http://intake")

    def bearer(self, role: Any = "officer", org: str = OFFICE, **more: Any) -> dict[str, str]:
        return {"authorization": "Bearer " + issue(KEYRING, SETTINGS, org, role, now=self.clock.now(), **more)}

    def step(self, now: datetime) -> None:
        self.clock._reading = type(self.clock._reading)(now, now, 0.0)

    def load(self, record: Any) -> None:
        """Put one more record onto the directory's topic."""
        place = len(self.bus.directory)
        self.bus.directory.append(Record(topics.DIRECTORY, 0, place, record_key(record), record_value(record)))

    def everything(self) -> str:
        """All that was stored and published, as one text to search."""
        rows = [repr(c.rows) for c in self.client.collections]
        return "\n".join(rows + [repr(record) for record in self.bus.published])


@asynccontextmanager
async def world(records: Sequence[Any] = DIRECTORY, settings: Settings = SETTINGS) -> AsyncIterator[World]:
    made = World(records, settings)
    await made.intake.start()
    async with made.http:
        yield made
    await made.intake.stop()


def complaint(**more: Any) -> dict[str, Any]:
    return {
        "channel": "web",
        "kind": "complaint",
        "division": "530102",
        "title": "反复要求补正材料",
        "content": "窗口先后三次要求补正。",
        "accused": {"organisation": OFFICE, "person": "周样例", "window": "3号窗口"},
        "complainant": {
            "name": "林样例",
            "phone": "19900001000",
            "id_number": "530102199001010001",
            "address": "样例路1号",
        },
    } | more
