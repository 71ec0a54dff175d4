"""Cases in hand during a batch: loaded, decided, committed in layers, kept in a bounded cache.

A case's commits go in one after the other (layer by layer over the whole batch), so a later one can never stand on a
decision that lost. The cache advances only by whole commits; a stale entry cannot win, its insert finds the id taken.
"""

from collections import OrderedDict
from collections.abc import Iterable

from services.routing.core.affair import Affair
from services.routing.core.chain import Decided
from services.routing.core.decide import World, act, open_case
from services.routing.core.merging import follow_up
from services.routing.core.state import Case, fold
from services.routing.following import facts
from shared.events import cases
from shared.events.base import headers
from shared.events.intake import ActRequested, ComplaintReceived, IntakeEvent
from shared.journal import Commit, Entry, Journal

CACHED = 20_000  # cases


class UnknownCase(Exception):
    """An act on a case that was never opened."""


class Desk:
    """Turns the inputs of one case, in order, into commits."""

    def __init__(self, journal: Journal, world: World) -> None:
        self._journal, self._world = journal, world
        self._cache: OrderedDict[str, Case] = OrderedDict()

    async def load(self, ids: Iterable[str]) -> dict[str, list[Commit]]:
        """Fold these cases anew from the journal; what the cache said of them is forgotten."""
        histories = await self._journal.histories(ids)
        for commits in histories.values():
            if case := folded(commits):
                self.keep(case)
        return histories

    def known(self, case_id: str) -> Case | None:
        return self._cache.get(case_id)

    def keep(self, case: Case) -> None:
        self._cache[case.id] = case
        self._cache.move_to_end(case.id)
        while len(self._cache) > CACHED:
            self._cache.popitem(last=False)

    def forget(self, ids: Iterable[str]) -> None:
        for case_id in ids:
            self._cache.pop(case_id, None)

    def decide(self, event: IntakeEvent, affair: Affair | None = None) -> Decided | int:
        """What the input does; or, where it was applied before, the seq of the first event it caused then.

        `affair` is the imported one of a complaint's project number.
        """
        case = self._cache.get(event.case_id)
        if case is not None and event.id in case.causes:
            return case.causes[event.id]
        if isinstance(event, ComplaintReceived):
            return open_case(event, self._world, affair)
        if case is None:
            raise UnknownCase(f"no case {event.case_id} was opened before this act")
        return act(event, case, self._world)

    def follow_ups(self, event: IntakeEvent, decided: Decided) -> list[ActRequested]:
        """The acts on other cases that a decision just made calls for, before it is kept."""
        before = self._cache.get(event.case_id)
        instrument = self._world.instrument(before) if before else None
        found = (follow_up(made, event, before, instrument, self._world.calendar) for made, _ in decided.events)
        return [act for act in found if act is not None]


def folded(commits: Iterable[Commit]) -> Case | None:
    """The case as its commits, in order, left it."""
    return fold((cases.parse(entry.value), entry.value) for commit in commits for entry in commit.entries)


def commit(decided: Decided, trace: str | None, follow: Iterable[ActRequested] = ()) -> Commit:
    """The journal's document for a decision, with the headers its events are published under, and what follows."""
    entries = tuple(
        Entry(
            value,
            headers(
                id=event.event_id,
                type=cases.ce_type(event),
                subject=event.case_id,
                time=event.at,
                cause=event.cause,
                trace=trace,
            ),
        )
        for event, value in decided.events
    )
    return Commit(decided.case.id, decided.first_seq, decided.cause, entries, facts(follow, decided.cause, trace))
