"""Case events that came before their predecessor: kept in the store, so that they wait out a restart, and in hand."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from services.sla.desk import Desk
from services.sla.store import Store
from shared import metrics
from shared.bus import Record
from shared.clock import Clock
from shared.events import topics
from shared.events.cases import AnyCaseEvent, parse
from shared.store import Document


@dataclass(frozen=True, slots=True)
class Input:
    """One case event with the record it came in."""

    event: AnyCaseEvent
    record: Record


Inputs = dict[str, dict[int, Input]]  # case -> seq -> input


@dataclass(slots=True)
class Early:
    """Those of this process's partitions."""

    store: Store
    desk: Desk
    clock: Clock
    _waiting: Inputs = field(default_factory=dict)

    def of(self, case_id: str) -> Mapping[int, Input]:
        return self._waiting.get(case_id, {})

    async def gained(self, partitions: set[int]) -> None:
        """Take up what the store keeps of these partitions."""
        for row in await self.store.early():
            if row["partition"] in partitions:
                record = Record(
                    topics.CASES, row["partition"], row["offset"], row["case"].encode(), bytes(row["value"])
                )
                self._waiting.setdefault(row["case"], {})[row["seq"]] = Input(parse(record.value), record)
        self._gauge()

    def lost(self, partitions: set[int]) -> None:
        """Other processes see to what waits in these."""
        self._waiting = {
            case_id: waiting
            for case_id, waiting in self._waiting.items()
            if next(iter(waiting.values())).record.partition not in partitions
        }
        self._gauge()

    async def put_away(self, inputs: Inputs) -> None:
        """Keep these until their predecessors have come; one call for all of them."""
        rows = [self._row(case_id, seq, one) for case_id, found in inputs.items() for seq, one in found.items()]
        for case_id, waiting in inputs.items():
            if waiting:
                self._waiting.setdefault(case_id, {}).update(waiting)
        await self.store.put_early(rows)

    def _row(self, case_id: str, seq: int, one: Input) -> Document:
        return {
            "_id": f"{case_id}:{seq}",
            "case": case_id,
            "seq": seq,
            "value": one.record.value,
            "partition": one.record.partition,
            "offset": one.record.offset,
            "since": self.clock.now().isoformat(),
        }

    async def tidy(self) -> None:
        """Those whose predecessors have come are applied by now: away with them."""
        over: list[str] = []
        for case_id, waiting in list(self._waiting.items()):
            watched = self.desk.known(case_id)
            passed = [seq for seq in waiting if watched is not None and seq <= watched.seq]
            over += [f"{case_id}:{seq}" for seq in passed]
            for seq in passed:
                del waiting[seq]
            if not waiting:
                del self._waiting[case_id]
        await self.store.drop_early(over)
        self._gauge()

    def _gauge(self) -> None:
        metrics.EARLY_ROWS.labels("sla").set(sum(map(len, self._waiting.values())))
