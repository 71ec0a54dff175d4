"""A journal and a bus without Kafka and without a store: unique ids in a dictionary, records in a list."""

from collections.abc import Iterable, Sequence

from shared.bus import Outgoing, Record
from shared.errors import Unavailable
from shared.events import topics
from shared.events.base import headers
from shared.events.cases import AnyCaseEvent, ce_type
from shared.events.intake import IntakeEvent
from shared.journal import Commit


class FakeJournal:
    """Append-only with unique ids, as the collection is."""

    def __init__(self) -> None:
        self.commits: dict[str, Commit] = {}
        self.read = 0  # how often histories of some cases were asked for

    async def append(self, commits: Iterable[Commit]) -> set[str]:
        taken = set()
        for commit in commits:
            if commit.id in self.commits:
                taken.add(commit.id)
            else:
                self.commits[commit.id] = commit
        return taken

    async def get(self, ids: Iterable[str]) -> list[Commit]:
        return [self.commits[id] for id in ids if id in self.commits]

    async def histories(self, cases: Iterable[str]) -> dict[str, list[Commit]]:
        found: dict[str, list[Commit]] = {}
        asked = list(cases)
        self.read += bool(asked)
        for case in asked:
            if mine := sorted((c for c in self.commits.values() if c.case_id == case), key=lambda c: c.seq):
                found[case] = mine
        return found


class FakeBus:
    """Keeps what was published; `away` refuses that many calls before it takes one."""

    def __init__(self) -> None:
        self.records: list[Outgoing] = []
        self.away = 0

    async def publish(self, records: Sequence[Outgoing]) -> None:
        if self.away > 0:
            self.away -= 1
            raise Unavailable("away")
        self.records += records

    def on(self, topic: str) -> list[bytes]:
        return [record.value for record in self.records if record.topic == topic]

    def partition(self, key: bytes) -> int:
        return 0

    async def settled_for_timers(self, partitions: set[int] | None) -> None:
        return None


def input_record(event: IntakeEvent, offset: int = 0) -> Record:
    return Record(topics.INTAKE, 0, offset, event.case_id.encode(), event.to_bytes())


def case_record(event: AnyCaseEvent, offset: int = 0) -> Record:
    described = headers(id=event.event_id, type=ce_type(event), subject=event.case_id, time=event.at, cause=event.cause)
    return Record(topics.CASES, 0, offset, event.case_id.encode(), event.to_bytes(), described)
