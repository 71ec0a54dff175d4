"""Everything that is held against one another, read once: topics to their ends, then the stores."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from services.routing.following import FOLLOW
from shared.bus import Bus, Record
from shared.directory.topic import fold
from shared.directory.tree import Directory
from shared.dlq import coordinates
from shared.errors import BadInput
from shared.events import cases, deadlines, intake, topics
from shared.events.base import in_place
from shared.events.cases import AnyCaseEvent
from shared.events.deadlines import DeadlineEvent
from shared.events.intake import IntakeEvent
from shared.journal import Commit, Journal
from shared.law.happenings import understood
from shared.settings import Settings
from shared.store import Client, Document


@dataclass
class Evidence:
    """The topics parsed (repeated records once) and the collections as they stand."""

    now: datetime
    inputs: dict[str, IntakeEvent] = field(default_factory=dict)
    places: dict[str, set[str]] = field(default_factory=dict)  # of each input, as dead letters name them
    events: dict[str, dict[int, tuple[AnyCaseEvent, bytes]]] = field(default_factory=dict)
    deadlines: dict[str, tuple[DeadlineEvent, bytes]] = field(default_factory=dict)
    letters: set[str] = field(default_factory=set)
    unreadable: dict[str, str] = field(default_factory=dict)  # coordinates -> reason
    contradictions: list[str] = field(default_factory=list)
    routing: list[Commit] = field(default_factory=list)
    sla: list[Commit] = field(default_factory=list)
    receipts: list[Document] = field(default_factory=list)
    sent: set[str] = field(default_factory=set)  # acts that routing itself asked for, as it kept them
    rungs: list[Document] = field(default_factory=list)
    claims: list[Document] = field(default_factory=list)
    early: dict[str, list[Document]] = field(default_factory=dict)
    rows: list[Document] = field(default_factory=list)
    deadline_rows: list[Document] = field(default_factory=list)
    directory: Directory = field(default_factory=Directory)
    marks: list[Document] = field(default_factory=list)  # where there was something to report on
    began: datetime | None = None  # since when periodic duties are kept

    def history(self, case_id: str) -> Sequence[tuple[AnyCaseEvent, bytes]]:
        """A case's events by seq, up to the first gap."""
        found = self.events.get(case_id, {})
        return [found[seq] for seq in range(1, len(found) + 1) if seq in found]

    def read_input(self, record: Record) -> None:
        try:
            event = in_place(intake.parse(record.value), record.key)
            self.inputs.setdefault(event.id, event)
            self.places.setdefault(event.id, set()).add(_place(record, "routing"))
        except BadInput as wrong:
            self._unreadable(record, "routing", wrong)

    def read_case(self, record: Record) -> None:
        try:
            event = understood(in_place(cases.parse(record.value), record.key))
        except BadInput as wrong:
            self._unreadable(record, "sla", wrong)
            return
        held = self.events.setdefault(event.case_id, {}).setdefault(event.seq, (event, record.value))
        if held[1] != record.value:
            self.contradictions.append(f"case {event.case_id} has two different events {event.seq} on suda.cases")

    def read_deadline(self, record: Record) -> None:
        try:
            event = in_place(deadlines.parse(record.value), record.key)
        except BadInput as wrong:
            self._unreadable(record, "reporting", wrong)
            return
        held = self.deadlines.setdefault(event.id, (event, record.value))
        if held[1] != record.value:
            self.contradictions.append(f"deadline event {event.id} stands on suda.deadlines with two contents")

    def _unreadable(self, record: Record, service: str, wrong: BadInput) -> None:
        self.unreadable[_place(record, service)] = str(wrong)


def _place(record: Record, service: str) -> str:
    return f"{record.topic}/{record.partition}/{record.offset}/{service}"


async def gather(settings: Settings, bus: Bus, client: Client, now: datetime) -> Evidence:
    """Read it all. The caller has waited until everything up to `now` settled."""
    found = Evidence(now)
    async for record in bus.read_all(topics.INTAKE):
        found.read_input(record)
    async for record in bus.read_all(topics.CASES):
        found.read_case(record)
    async for record in bus.read_all(topics.DEADLINES):
        found.read_deadline(record)
    async for record in bus.read_all(topics.DLQ):
        found.letters.add(coordinates(record.headers))
    found.routing = await Journal(client[settings.database("routing")]).everything()
    found.sent = {act["id"] for commit in found.routing for act in (commit.facts or {}).get(FOLLOW, ())}
    found.sent |= {act["_id"] for act in await _all(client, settings, "routing", "sent")}
    found.sla = await Journal(client[settings.database("sla")]).everything()
    found.receipts = await _all(client, settings, "intake", "receipts")
    found.receipts += await _all(client, settings, "intake", "act_receipts")
    found.rungs = await _all(client, settings, "sla", "rungs")
    found.claims = await _all(client, settings, "sla", "claims")
    for service in ("sla", "reporting"):
        found.early[service] = await _all(client, settings, service, "early")
    marks = {mark["_id"]: mark for mark in await _all(client, settings, "sla", "periods")}
    if since := marks.pop("began", None):
        found.began = datetime.fromisoformat(since["at"])
    found.marks = list(marks.values())
    found.directory, _ = await fold(bus.read_all(topics.DIRECTORY))
    found.rows = await _all(client, settings, "reporting", "cases")
    found.deadline_rows = await _all(client, settings, "reporting", "deadline_events")
    return found


async def _all(client: Client, settings: Settings, database: str, collection: str) -> list[dict[str, Any]]:
    return await client[settings.database(database)][collection].find({}).to_list()
