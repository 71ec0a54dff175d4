"""`suda.cases` in, one row per case out: parse, fold, store; offsets are committed last (DESIGN.md 6.4)."""

from collections import defaultdict
from collections.abc import Iterable

from services.reporting.core.row import Row, turn
from services.reporting.gauges import Tally
from services.reporting.inbox import Inbox, Sender
from services.reporting.recent import Recent
from services.reporting.store import Store
from shared import metrics
from shared.bus import Record
from shared.clock import Clock
from shared.errors import Unavailable
from shared.events import cases, topics
from shared.store import Document

CACHED = 4096  # cases
Pile = dict[str, dict[int, tuple[cases.AnyCaseEvent, Record]]]  # case -> seq -> event and its record


class CaseReader:
    """Keeps one row per case."""

    def __init__(self, bus: Sender, store: Store, clock: Clock) -> None:
        self._inbox = Inbox(bus, clock, cases.parse)
        self._store, self._clock = store, clock
        self._recent: Recent[Row] = Recent(CACHED)
        self._waiting: dict[str, set[int]] = {}
        self._stocked = False
        self.tally = Tally(metrics.CASES, self._count)

    async def handle(self, records: list[Record]) -> None:
        """1. what waits from before  2. parse  3. fold and write  4. dead letters. Raises Unavailable."""
        await self._take_stock()
        batch = self._inbox.sort(records)
        await self._settle(_piled(batch.events))
        await self._inbox.close(batch)

    async def gained(self, partitions: set[int]) -> None:
        self._stocked = False
        await self.tally.gained(partitions)

    async def lost(self, partitions: set[int]) -> None:
        self._recent.clear()
        await self.tally.lost(partitions)

    async def _take_stock(self) -> None:
        """After an assignment: learn which events wait, and apply those whose predecessor was applied meanwhile."""
        await self.tally.refresh()
        if not self._stocked:
            pile = _piled(self._inbox.sort(map(_record, await self._store.early())).events)
            self._waiting = {case: set(found) for case, found in pile.items()}
            await self._settle(pile)
            self._stocked = True

    async def _settle(self, pile: Pile) -> None:
        """Fold every case of the pile onto its row; where another write won, again onto the row that did."""
        await self._add_waiting(pile)
        reached: dict[str, int] = {}
        left, again = pile, False
        while left:
            before = await self._rows(left, again)
            after = {case: turn(before.get(case), (e for e, _ in found.values()))[0] for case, found in left.items()}
            lost = await self._write(left, before, after)
            reached |= {case: row["seq"] if row else 0 for case, row in after.items()}
            left, again = {case: left[case] for case in lost}, True
        await self._keep_early(pile, reached)

    async def _rows(self, pile: Pile, again: bool) -> dict[str, Row]:
        """The rows to fold onto. A case that begins here is taken to have none: its insert is the test."""
        known = {} if again else {case: row for case in pile if (row := self._recent.get(case))}
        asked = [case for case, found in pile.items() if case not in known and (again or 1 not in found)]
        return known | await self._store.rows(asked)

    async def _write(self, pile: Pile, before: dict[str, Row], after: dict[str, Row | None]) -> set[str]:
        """New rows by one insert, changed ones by one bulk; returns the cases where another write had won."""
        changed = {case: row for case, row in after.items() if row is not None and row is not before.get(case)}
        new = [row for case, row in changed.items() if case not in before]
        for row in new:
            row["partition"] = next(iter(pile[row["_id"]].values()))[1].partition
        try:
            lost = await self._store.insert(new)
            lost |= await self._store.replace([row for case, row in changed.items() if case in before])
        except Unavailable:
            self.tally.stale = True  # some may be in
            raise
        for case, row in changed.items():
            if case in lost:
                self._recent.drop(case)
            else:
                self._won(before.get(case), row, pile[case])
        return lost

    def _won(self, before: Row | None, row: Row, found: dict[int, tuple[cases.AnyCaseEvent, Record]]) -> None:
        self._recent.put(row["_id"], row)
        self.tally.moved((before["state"],) if before else None, (row["state"],))
        if before is None and isinstance(opened := found[1][0], cases.Opened):
            metrics.END_TO_END.observe(max(0.0, (self._clock.now() - opened.received_at).total_seconds()))

    async def _add_waiting(self, pile: Pile) -> None:
        """Put the events that waited for these cases to the pile."""
        if asked := [case for case in pile if case in self._waiting]:
            for case, found in _piled(self._inbox.sort(map(_record, await self._store.early(asked))).events).items():
                pile[case] = found | pile[case]

    async def _keep_early(self, pile: Pile, reached: dict[str, int]) -> None:
        """Keep what lies ahead of a gap until its predecessor comes; let go of what has been applied."""
        ahead = {case: [seq for seq in found if seq > reached[case]] for case, found in pile.items()}
        await self._store.put_early([_early(case, seq, pile[case][seq][1]) for case in ahead for seq in ahead[case]])
        done = [f"{case}:{seq}" for case in pile for seq in self._waiting.get(case, ()) if seq <= reached[case]]
        if done:
            await self._store.drop_early(done)
        for case, seqs in ahead.items():
            self._waiting.pop(case, None)
            if seqs:
                self._waiting[case] = set(seqs)

    async def _count(self, partitions: set[int]) -> dict[tuple[str, ...], int]:
        return {(state,): count for state, count in (await self._store.states(partitions)).items()}


def _piled(events: Iterable[tuple[cases.AnyCaseEvent, Record]]) -> Pile:
    pile: Pile = defaultdict(dict)
    for event, record in events:
        pile[event.case_id][event.seq] = (event, record)
    return pile


def _early(case: str, seq: int, record: Record) -> Document:
    """An event that waits: the whole record, so that it is read again as it came."""
    return {
        "_id": f"{case}:{seq}",
        "case": case,
        "partition": record.partition,
        "offset": record.offset,
        "value": record.value,
        "headers": dict(record.headers),
    }


def _record(document: Document) -> Record:
    value, headers = bytes(document["value"]), {name: bytes(text) for name, text in document["headers"].items()}
    key = document["case"].encode()
    return Record(topics.CASES, document["partition"], document["offset"], key, value, headers)
