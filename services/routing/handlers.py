"""`suda.intake` in, `suda.cases` out: parse, decide, commit, publish; offsets are committed last (DESIGN.md 6.2)."""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass

from services.routing import following
from services.routing.core.affair import Affair
from services.routing.core.chain import Decided
from services.routing.core.merging import withdrawals
from services.routing.desk import Desk, UnknownCase, commit
from shared import failpoint, metrics
from shared.bus import Bus, Outgoing, Record
from shared.clock import Clock
from shared.dlq import Budget, letter
from shared.errors import BadInput
from shared.events import topics
from shared.events.base import in_place
from shared.events.cases import Acted, Dispatched, Rejected
from shared.events.intake import ActRequested, ComplaintReceived, IntakeEvent, parse
from shared.journal import Commit, Journal

Letters = dict[tuple[int, int], Outgoing]  # by the place of the record that is dead
FindAffairs = Callable[[Iterable[str]], Awaitable[Mapping[str, Affair]]]
KeepSent = Callable[[Mapping[str, Outgoing]], Awaitable[Mapping[str, Outgoing]]]
FEW = 50  # cases that are not worth halving
MARGIN = 8192  # bytes of a record that headers and framing may take


async def _none_imported(numbers: Iterable[str]) -> Mapping[str, Affair]:
    return {}


async def _not_kept(acts: Mapping[str, Outgoing]) -> Mapping[str, Outgoing]:
    return acts


@dataclass(frozen=True, slots=True)
class Input:
    """One input with the record it came in."""

    event: IntakeEvent
    record: Record


Inputs = dict[str, list[Input]]  # those of each case, in order


class Handler:
    """One batch at a time."""

    def __init__(
        self,
        bus: Bus,
        journal: Journal,
        desk: Desk,
        clock: Clock,
        largest: int,
        *,
        affairs: FindAffairs = _none_imported,
        sent: KeepSent = _not_kept,
    ) -> None:
        self._bus, self._journal, self._desk, self._clock = bus, journal, desk, clock
        self._affairs, self._sent = affairs, sent
        self._known: Mapping[str, Affair] = {}  # the affairs of the batch in hand
        self._budget = Budget()
        self._largest = largest - MARGIN

    async def handle(self, records: list[Record]) -> None:
        """1. parse  2. load  3. decide and commit, layer by layer  4. publish, repeated inputs too.

        3 and 4 in two halves of the cases: one is decided while the store and Kafka have the other.
        """
        letters: Letters = {}
        inputs: Inputs = defaultdict(list)
        for record in records:
            try:
                event = in_place(parse(record.value), record.key)
                inputs[event.case_id].append(Input(event, record))
            except BadInput as wrong:
                letters[record.place] = self._dead(record, str(wrong))
        await self._desk.load(_to_load(inputs, self._desk))
        self._known = await self._affairs(_project_numbers(inputs))
        await all_of(self._through(half, letters) for half in _halves(inputs))
        await self._bus.publish(list(letters.values()))
        for record in records:
            (self._budget.bad if record.place in letters else self._budget.good)()

    async def _through(self, inputs: Inputs, letters: Letters) -> None:
        """These cases until nothing is left of them."""
        outgoing: list[Outgoing] = []
        while inputs:
            outgoing += await self._layer(inputs, letters)
        failpoint.passing("routing: journal, publish")
        await self._bus.publish(outgoing)

    async def _layer(self, inputs: Inputs, letters: Letters) -> list[Outgoing]:
        """Decide the first input of every case; those done leave `inputs`, those that lost are decided again."""
        made: dict[str, tuple[Commit, Decided]] = {}
        repeated: list[str] = []
        undone: list[ActRequested] = []
        for case_id, waiting in list(inputs.items()):
            try:
                decided = self._desk.decide(waiting[0].event, self._affair(waiting[0].event))
            except UnknownCase as unknown:
                letters[waiting[0].record.place] = self._dead(waiting[0].record, str(unknown))
                undone += withdrawals(waiting[0].event, "unknown-case")
                _done(inputs, case_id)
                continue
            if isinstance(decided, int):
                repeated.append(f"{case_id}:{decided}")
                _done(inputs, case_id)
            elif any(len(value) > self._largest for _, value in decided.events):
                record = waiting[0].record
                letters[record.place] = self._dead(record, "the event it would make is over the record limit")
                _done(inputs, case_id)
            else:
                follow = self._desk.follow_ups(waiting[0].event, decided)
                made[case_id] = (commit(decided, waiting[0].record.trace, follow), decided)
        taken = await self._journal.append(pair[0] for pair in made.values())
        lost = [case_id for case_id, (entry, _) in made.items() if entry.id in taken]
        await self._desk.load(lost)
        outgoing = [out for entry in await self._journal.get(repeated) for out in _out(entry)]
        outgoing += (await self._sent({act.id: following.record(act) for act in undone})).values()
        for case_id, (entry, decided) in made.items():
            if entry.id not in taken:
                self._desk.keep(decided.case)
                _count(decided)
                outgoing += _out(entry)
                _done(inputs, case_id)
        return outgoing

    def _affair(self, event: IntakeEvent) -> Affair | None:
        return self._known.get(event.project_no or "") if isinstance(event, ComplaintReceived) else None

    def _dead(self, record: Record, reason: str) -> Outgoing:
        metrics.DEAD_LETTERS.labels(record.topic).inc()
        return letter(record, reason, "routing", self._clock.now())


async def all_of(parts: Iterable[Awaitable[None]]) -> None:
    """Every part to its end; only then the first failure is raised, so that nothing goes on behind a retry."""
    for outcome in await asyncio.gather(*parts, return_exceptions=True):
        if isinstance(outcome, BaseException):
            raise outcome


def _halves(inputs: Inputs) -> list[Inputs]:
    """The same cases in two parts; one where there are few."""
    cases = list(inputs)
    parts = [cases] if len(cases) < FEW else [cases[::2], cases[1::2]]
    return [{case_id: inputs[case_id] for case_id in part} for part in parts]


def _to_load(inputs: Inputs, desk: Desk) -> list[str]:
    """A new complaint reads nothing: its insert is the test. Acts need their case."""
    return [
        case_id
        for case_id, waiting in inputs.items()
        if not isinstance(waiting[0].event, ComplaintReceived) and desk.known(case_id) is None
    ]


def _project_numbers(inputs: Inputs) -> set[str]:
    """The affairs that the batch's complaints name: one query for all of them, none for none."""
    events = (each.event for waiting in inputs.values() for each in waiting)
    return {event.project_no for event in events if isinstance(event, ComplaintReceived) and event.project_no}


def _out(entry: Commit) -> list[Outgoing]:
    """What a commit published: its events, and the acts on other cases that follow from it."""
    return [*entry.outgoing(topics.CASES), *following.kept(entry)]


def _done(inputs: Inputs, case_id: str) -> None:
    inputs[case_id].pop(0)
    if not inputs[case_id]:
        del inputs[case_id]


def _count(decided: Decided) -> None:
    for event, _ in decided.events:
        if isinstance(event, Dispatched):
            metrics.DISPATCHED.labels(next((s.asked for s in event.steps if s.found), "nobody")).inc()
            if event.instrument is None:
                metrics.UNBOUND.inc()
        elif isinstance(event, Acted | Rejected):
            metrics.ACTS.labels(event.act, "applied" if isinstance(event, Acted) else event.reason).inc()
