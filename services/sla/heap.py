"""The instants a process watches: one heap entry a duty, its further rungs in a few bytes beside it.

A duty stands in the heap with its next rung only, so that 100,000 duties cost tens of megabytes and not hundreds; when
that rung is taken the one after it is put in. Instants are whole microseconds since 1970, exact as no float is.
"""

import heapq
from array import array
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from services.sla.core.timers import Rung, rungs
from shared.clock import ZONE

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
ONE = timedelta(microseconds=1)
SOON = timedelta(days=2)
KEPT = 50_000  # rows at most that are kept whole, so that they need not be read again when they are due
SLACK = 1000  # entries of duties that are gone, above which the heap is made anew


def micros(instant: datetime) -> int:
    return (instant - EPOCH) // ONE


def instant(number: int) -> datetime:
    return (EPOCH + timedelta(microseconds=number)).astimezone(ZONE)


Ladder = tuple[tuple[str, str, str], ...]  # name, kind and whom it expects, of each rung


@dataclass(slots=True)
class _Held:
    """One duty: where it lies, its rungs in order of time, and which is the next."""

    partition: int
    ladder: "Ladder"  # shared by all duties with the same rungs
    times: "array[int]"
    next: int


@dataclass(frozen=True, slots=True)
class Taken:
    """A rung taken out of the heap, with what puts it back."""

    rung: Rung
    index: int
    partition: int


class Heap:
    """Rows by id, and the order in which their rungs are due."""

    def __init__(self) -> None:
        self._queue: list[tuple[int, str, int]] = []
        self._rows: dict[str, _Held] = {}
        self._kept: dict[str, tuple[bytes, Mapping[str, Any], int, int]] = {}
        self._ladders: dict[Ladder, Ladder] = {}
        self._leads: dict[tuple[Any, ...], Mapping[str, Any]] = {}
        self.kinds: Counter[tuple[str, str]] = Counter()  # (obligation, due day) -> open duties

    def __len__(self) -> int:
        return len(self._rows)

    def __contains__(self, row: str) -> bool:
        return row in self._rows

    @property
    def first(self) -> datetime | None:
        """The next instant; None when nothing is watched."""
        self._tidy()
        return instant(self._queue[0][0]) if self._queue else None

    def kept(self, row: str) -> Mapping[str, Any] | None:
        """The row as it is stored but for its rungs, where it was due soon when it was put in."""
        found = self._kept.get(row)
        if found is None:
            return None
        opened, lead, upto, projections = found
        return {"_id": row, "opened": opened, "lead": lead, "upto": upto, "projections": projections}

    def _keep(self, stored: Mapping[str, Any]) -> None:
        lead = stored["lead"]
        lead = self._leads.setdefault(tuple(lead.items()), lead)
        self._kept[stored["_id"]] = (bytes(stored["opened"]), lead, stored["upto"], stored["projections"])

    def push(self, stored: Mapping[str, Any], over: Iterable[str] = (), now: datetime | None = None) -> bool:
        """Watch a stored row, without the rungs named in `over`, which have fired; False when it is watched already."""
        name, passed = stored["_id"], set(over)
        if name in self._rows:
            return False
        left = [rung for rung in rungs(stored) if rung.name not in passed]
        ladder = tuple((rung.name, rung.kind, rung.expects) for rung in left)
        ladder = self._ladders.setdefault(ladder, ladder)
        times = array("q", [micros(rung.at) for rung in left])
        self._rows[name] = _Held(stored["partition"], ladder, times, 0)
        self.kinds[_kind(name)] += 1
        if times:
            heapq.heappush(self._queue, (times[0], name, 0))
            if (
                now is not None
                and not stored.get("ended")
                and len(self._kept) < KEPT
                and times[0] <= micros(now + SOON)
            ):
                self._keep(stored)
        return True

    def drop(self, row: str) -> None:
        """Watch it no longer; its entry is passed over when it comes up."""
        self._kept.pop(row, None)
        if self._rows.pop(row, None) is not None:
            kind = _kind(row)
            self.kinds[kind] -= 1
            if not self.kinds[kind]:
                del self.kinds[kind]

    def lose(self, partitions: set[int]) -> None:
        """Forget every row of these partitions."""
        for name in [name for name, held in self._rows.items() if held.partition in partitions]:
            self.drop(name)
        self._anew()

    def take(self, until: datetime, most: int, partitions: set[int]) -> list[Taken]:
        """The rungs due by `until`, in order of time, at most so many; of these partitions only."""
        last, found, elsewhere = micros(until), list[Taken](), list[tuple[int, str, int]]()
        while self._queue and len(found) < most and self._queue[0][0] <= last:
            entry = heapq.heappop(self._queue)
            held = self._current(entry)
            if held is None:
                continue
            if held.partition not in partitions:
                elsewhere.append(entry)
                continue
            at, row, index = entry
            found.append(Taken(Rung(instant(at), row, *held.ladder[index]), index, held.partition))
            held.next = index + 1
            if held.next < len(held.times):
                heapq.heappush(self._queue, (held.times[held.next], row, held.next))
        for entry in elsewhere:
            heapq.heappush(self._queue, entry)
        return found

    def put_back(self, taken: Iterable[Taken]) -> None:
        """They did not fire: due again."""
        for one in taken:
            held = self._rows.get(one.rung.row)
            if held is not None and one.index < held.next:
                held.next = one.index
                heapq.heappush(self._queue, (held.times[one.index], one.rung.row, one.index))

    def _current(self, entry: tuple[int, str, int]) -> _Held | None:
        at, row, index = entry
        held = self._rows.get(row)
        return held if held and index == held.next and index < len(held.times) and held.times[index] == at else None

    def _tidy(self) -> None:
        while self._queue and self._current(self._queue[0]) is None:
            heapq.heappop(self._queue)
        if len(self._queue) > SLACK + 2 * len(self._rows):
            self._anew()

    def _anew(self) -> None:
        self._queue = list(self._entries())
        heapq.heapify(self._queue)

    def _entries(self) -> Iterator[tuple[int, str, int]]:
        for name, held in self._rows.items():
            if held.next < len(held.times):
                yield held.times[held.next], name, held.next


def _kind(row: str) -> tuple[str, str]:
    """Obligation and due day out of `case:obligation:generation@due_day`."""
    return row.split(":", 2)[1], row.rpartition("@")[2]
