"""Watched cases in hand: loaded from the journal, advanced by events, kept in a bounded cache."""

from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date

from services.sla.core.unwatched import NONE, OPERATIONAL, Watches
from services.sla.core.watch import Watched, advance, changes
from services.sla.memory import facts, restored
from shared.errors import ConfigurationError
from shared.events.base import headers
from shared.events.cases import AnyCaseEvent
from shared.events.deadlines import DeadlineEvent, ce_type
from shared.journal import Commit, Entry, Journal
from shared.law import Calendar, Instrument, Library, Obligation
from shared.law.errors import UnknownProvision

CACHED = 50_000  # cases


@dataclass(frozen=True, slots=True)
class Applied:
    """What a run of events did to one case."""

    before: Watched
    after: Watched
    events: tuple[DeadlineEvent, ...]
    cause: str
    trace: str | None

    def commit(self, more: Iterable[DeadlineEvent] = ()) -> Commit:
        """The journal's document: `seq` is the first event applied, `facts.upto` the last."""
        entries = tuple(entry(event, self.cause, self.trace) for event in (*self.events, *more))
        return Commit(self.after.case_id, self.before.seq + 1, self.cause, entries, facts(self.before, self.after))


def entry(event: DeadlineEvent, cause: str | None, trace: str | None = None) -> Entry:
    """A deadline event's bytes and headers."""
    return Entry(
        event.to_bytes(),
        headers(id=event.id, type=ce_type(event), subject=event.case_id, time=event.at, cause=cause, trace=trace),
    )


class Desk:
    """The cache advances only by whole commits; what it misses is folded from the journal."""

    def __init__(self, journal: Journal, law: Library, calendar: Calendar, rules: Watches = NONE) -> None:
        self._journal, self._law, self._calendar, self.rules = journal, law, calendar, rules
        self._cache: OrderedDict[str, Watched] = OrderedDict()

    async def load(self, ids: Iterable[str], *, anew: bool = False) -> dict[str, list[Commit]]:
        """Have these cases in the cache where they exist; returns the histories that were read for it."""
        wanted = [case_id for case_id in ids if anew or case_id not in self._cache]
        histories = await self._journal.histories(wanted)
        for case_id, commits in histories.items():
            if watched := restored(commits):
                self.keep(watched)
            else:
                self._cache.pop(case_id, None)
        return histories

    def known(self, case_id: str) -> Watched | None:
        return self._cache.get(case_id)

    def forget(self, partitions: Callable[[str], bool]) -> None:
        """Cases of partitions that are gone: whoever holds them now may go further."""
        for case_id in [case_id for case_id in self._cache if partitions(case_id)]:
            del self._cache[case_id]

    def keep(self, watched: Watched) -> None:
        self._cache[watched.case_id] = watched
        self._cache.move_to_end(watched.case_id)
        while len(self._cache) > CACHED:
            self._cache.popitem(last=False)

    def instrument(self, watched: Watched) -> Instrument | None:
        facts = watched.facts
        if facts.instrument is None:
            return None
        return self._bound(watched.case_id, facts.instrument, facts.law_digest, facts.received_on)

    def _bound(self, case_id: str, name: str, digest: str | None = None, day: date | None = None) -> Instrument:
        try:
            return self._law.get(name, digest, day=day)
        except UnknownProvision:
            raise ConfigurationError(
                f"{case_id} is bound to {name}, which is not loaded: have SUDA_LAW name the folder that holds it"
            ) from None

    def obligation(self, event: DeadlineEvent) -> Obligation:
        """The duty a deadline event is about, in the edition its case is bound to.

        Raises UnknownProvision for a watch that the operational rules have no longer.
        """
        if event.instrument == OPERATIONAL:
            return self.rules.all.obligation(event.obligation)
        watched = self._cache.get(event.case_id)
        found = self.instrument(watched) if watched else None
        return (found or self._bound(event.case_id, event.instrument)).obligation(event.obligation)

    def apply(self, before: Watched, run: list[tuple[AnyCaseEvent, str | None]]) -> Applied:
        """A run of consecutive events of one case, each looked at in turn."""
        watched, found = before, list[DeadlineEvent]()
        for event, _ in run:
            watched = advance(watched, event)
            here = self._calendar.at(watched.facts.division)
            watched, more = changes(watched, self.instrument(watched), here, event.at, self.rules)
            found += more
        last, trace = run[-1]
        return Applied(before, watched, tuple(found), last.event_id, trace)
