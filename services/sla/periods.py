"""Periodic duties, opened when their period is over by whoever holds their partition, and ended by a filing.

The day turns at 00:00: that is an instant of the timers like any other, behind the same barrier. Looked at then are all
periods since these duties are kept (`began`, noted once for the deployment), so that none is missed by a downtime.
"""

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import date, datetime
from typing import cast

from services.sla.core.ladder import Levels
from services.sla.core.periodic import Owed, owed, turns
from services.sla.core.watch import Emitted, Facts, Watched
from services.sla.desk import Applied, entry
from services.sla.memory import facts
from services.sla.store import Store
from services.sla.unprompted import Unprompted
from shared.clock import Clock, day_start
from shared.directory.tree import Directory
from shared.journal import Commit
from shared.law import Library
from shared.store import Document

BEGAN = "began"


class Periods:
    """What is opened here, and the next turn of the day."""

    def __init__(
        self, law: Library, levels: Levels, store: Store, unprompted: Unprompted, clock: Clock,
        partition: Callable[[bytes], int],
    ) -> None:  # fmt: skip
        self._law, self._directory, self._store = law, cast(Directory, levels), store
        self._unprompted, self._clock, self._partition = unprompted, clock, partition
        self._owned: set[int] = set()
        self._opened: set[str] = set()
        self._seen: set[str] = set()
        self._none_when_empty = {
            each.id for each in law.editions if any(duty.nothing_when_empty for duty in each.obligations)
        }
        self.next_turn: datetime | None = None

    async def gained(self, owned: set[int]) -> None:
        """Look at all periods again at once; notes on the first start of all that duties are kept from now on."""
        if not owned:
            return
        await self._store.seen([{"_id": BEGAN, "at": self._clock.now().isoformat()}])
        self._owned, self._opened = set(owned), set()
        self.look()

    def lost(self, owned: set[int]) -> None:
        self._owned = set(owned)
        if not owned:
            self.next_turn = None

    def look(self) -> None:
        """Look now: partitions came, or the directory changed."""
        if self._owned:
            self.next_turn = self._clock.now()

    def due(self, now: datetime) -> bool:
        return self.next_turn is not None and self.next_turn <= now

    def counts_cases(self, now: datetime) -> bool:
        """Whether something is to be opened only if cases came in: then all partitions must have been followed."""
        return bool(self._none_when_empty)

    async def open(self, now: datetime) -> None:
        """Open what is owed on every period that is over and has not been opened, in the partitions held here."""
        marks = await self._store.marks()
        found = [one for one in self._owed(marks, now) if one.id not in self._opened]
        here = [one for one in found if self._partition(one.id.encode()) in self._owned]
        held = {commit.case_id for commit in await self._store.journal.get(f"{one.id}:1" for one in here)}
        await self._unprompted.commit([opening(one) for one in here if one.id not in held])
        self._opened |= {one.id for one in here}
        self.next_turn = day_start(now, 1)

    def _owed(self, marks: dict[str, Document], now: datetime) -> Iterable[Owed]:
        began = datetime.fromisoformat(marks[BEGAN]["at"])
        for period in turns(_year_before(began.date()), now.date()):
            seen = {
                f"{mark['instrument']}:{mark['division']}"
                for mark in marks.values()
                if f"{period.first:%Y-%m}" <= mark.get("month", "") <= f"{period.last:%Y-%m}"
            }
            for one in owed(self._law, self._directory, period, seen):
                if one.opened().due_at > began:
                    yield one

    async def saw(self, applied: Iterable[Applied]) -> None:
        """Keep that cases came in, for reports that are not owed where nothing did.

        One that is imported later for a month that is over is found at the next turn of the day.
        """
        marks = {mark["_id"]: mark for one in applied if (mark := self._mark(one))}
        new = [mark for name, mark in marks.items() if name not in self._seen]
        await self._store.seen(new)
        self._seen |= {mark["_id"] for mark in new}

    def _mark(self, one: Applied) -> Document | None:
        found: Facts = one.after.facts
        if one.before.seq or found.instrument not in self._none_when_empty or found.received_on is None:
            return None
        month = f"{found.received_on:%Y-%m}"
        name = f"{found.instrument}:{month}:{found.division}"
        return {"_id": name, "instrument": found.instrument, "month": month, "division": found.division}


def opening(one: Owed) -> Commit:
    """The first commit of a periodic duty: the insert decides that it is opened, once."""
    event = one.opened()
    before = Watched(one.id)
    emitted = {(event.obligation, event.generation): Emitted.of(event, "open")}
    after = replace(before, seq=1, facts=one.facts, emitted=emitted)
    return Commit(one.id, 1, event.id, (entry(event, None),), facts(before, after))


def _year_before(day: date) -> date:
    """A yearly report is owed into the year after: as far back as one that is not yet due can reach."""
    return date(day.year - 1, 1, 1)
