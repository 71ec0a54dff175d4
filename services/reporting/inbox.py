"""Records in, events and dead letters out: what both subscriptions do before their own work."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from shared import metrics
from shared.bus import Outgoing, Record
from shared.clock import Clock
from shared.dlq import Budget, letter
from shared.errors import BadInput
from shared.events.base import OfCase, in_place


class Sender(Protocol):
    """The part of the bus that dead letters need."""

    async def publish(self, records: list[Outgoing]) -> None: ...


E = TypeVar("E", bound=OfCase)


@dataclass(frozen=True, slots=True)
class Sorted(Generic[E]):
    """A batch: the events with their records, the letters, and per record whether it was good."""

    events: list[tuple[E, Record]]
    letters: list[Outgoing]
    verdicts: list[bool]


class Inbox(Generic[E]):
    """Parses one topic; what is no event goes to the DLQ with the reason, and nothing waits for it (DESIGN.md 6.6)."""

    def __init__(self, bus: Sender, clock: Clock, parse: Callable[[bytes], E]) -> None:
        self._bus, self._clock, self._parse = bus, clock, parse
        self._budget = Budget()

    def sort(self, records: Iterable[Record]) -> Sorted[E]:
        found: Sorted[E] = Sorted([], [], [])
        for record in records:
            try:
                event = in_place(self._parse(record.value), record.key)
                found.events.append((event, record))
                found.verdicts.append(True)
            except BadInput as wrong:
                found.letters.append(letter(record, str(wrong), "reporting", self._clock.now()))
                found.verdicts.append(False)
        return found

    async def close(self, batch: Sorted[E]) -> None:
        """Last step of a batch: send the letters, count. Raises Unavailable; TooMuchPoison at a bad deploy."""
        if batch.letters:
            await self._bus.publish(batch.letters)
        for letter_ in batch.letters:
            metrics.DEAD_LETTERS.labels(letter_.headers["suda_topic"].decode()).inc()
        for good in batch.verdicts:
            (self._budget.good if good else self._budget.bad)()
