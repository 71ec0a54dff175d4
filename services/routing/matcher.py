"""Complaints that may be one: reads `suda.cases` in a group of its own, asks for merges and makes suggestions.

1. place the batch's openings by complainant (insert-only), which tells each of those before it;  2. compare;
3. what was asked of a pair before is sent again, for the others decide;  4. keep the acts with their bytes; 5. send.
A set of facts, folded in any order: which of two complaints came first is judged by their days, not by their arrival.
"""

import logging
from collections.abc import Iterable, Sequence

from services.routing.core import matching
from services.routing.core.decide import World
from services.routing.core.matching import Match
from services.routing.core.state import Case
from services.routing.desk import folded
from services.routing.following import record
from services.routing.store import Openings, Sent, Waiting
from shared.bus import Bus, Outgoing, Record
from shared.clock import Clock
from shared.errors import BadInput
from shared.events import cases
from shared.events.base import in_place
from shared.events.cases import Acted, AnyCaseEvent, Opened
from shared.events.intake import ActRequested
from shared.journal import Journal

log = logging.getLogger("suda.routing.matcher")
MOVES = frozenset({"handed-over", "accepted", "transferred"})  # after these a waiting merge may be allowed
READ = frozenset(f"cn.suda.case.{word}".encode() for word in ("opened", *MOVES))  # the types, without their version
AT_MOST = 3  # matches followed up for one complaint


class Matcher:
    """One batch of `suda.cases` at a time."""

    def __init__(
        self, bus: Bus, journal: Journal, world: World, clock: Clock, openings: Openings, sent: Sent, waiting: Waiting
    ) -> None:
        self._bus, self._journal, self._world, self._clock = bus, journal, world, clock
        self._openings, self._sent, self._waiting = openings, sent, waiting

    async def handle(self, records: list[Record]) -> None:
        """See the module."""
        events = _parsed(records)
        opened = [matching.opening(event) for event in events if isinstance(event, Opened)]
        pairs = await self._openings.place([each for each in opened if each.persons])
        pairs.sort(key=lambda pair: pair[0].order)
        found = [match for one, other in pairs if (match := matching.compare(one, other))]
        moved = {event.case_id for event in events if isinstance(event, Acted) and event.done in MOVES}
        again = [_match(document) for document in await self._waiting.find(moved)]
        await self._bus.publish(await self._asked(found, again))

    async def _asked(self, found: Sequence[Match], again: Sequence[Match]) -> list[Outgoing]:
        """The acts for these matches: those kept before with their bytes, the others decided and kept now."""
        matches = {(match.earlier, match.later): match for match in (*again, *_likeliest(found))}
        ids = [id for match in matches.values() for id in (matching.merge_id(match), matching.suggestion_id(match))]
        known = await self._sent.find(ids)
        open_ = [match for match in matches.values() if matching.merge_id(match) not in known]
        loaded = await self._cases({case for match in open_ for case in (match.earlier, match.later)})
        asked: dict[str, ActRequested] = {}
        waiting: list[Match] = []
        for match in open_:
            later, earlier = loaded.get(match.later), loaded.get(match.earlier)
            if later is None or earlier is None:
                continue
            instrument = self._world.instrument(later)
            suggested = matching.suggestion_id(match) in known
            act = matching.asks(match, later, earlier, instrument, self._clock.now(), again=suggested)
            if act is not None:
                asked[act.id] = act
            if matching.waits(match, later, earlier, instrument):
                waiting.append(match)
        await self._waiting.keep(_document(match) for match in waiting)
        kept = await self._sent.keep({id: record(act) for id, act in asked.items()})
        return [*known.values(), *kept.values()]

    async def _cases(self, ids: Iterable[str]) -> dict[str, Case]:
        """The cases as the journal has them now; only those of a match are read."""
        histories = await self._journal.histories(ids)
        return {case_id: case for case_id, commits in histories.items() if (case := folded(commits))}


def _parsed(records: Iterable[Record]) -> list[AnyCaseEvent]:
    """The events that matter here; what cannot be read is a dead letter of sla and reporting already."""
    found: list[AnyCaseEvent] = []
    for one in records:
        kind = one.headers.get("ce_type")
        if kind is not None and kind.rpartition(b".")[0] not in READ:
            continue
        try:
            found.append(in_place(cases.parse(one.value), one.key))
        except BadInput as wrong:
            log.warning("%s %d/%d passed over: %s", one.topic, one.partition, one.offset, wrong)
    return found


def _likeliest(found: Iterable[Match]) -> list[Match]:
    """For each later complaint the best few: a certain match first, and of equal ones that with the earliest."""
    by_later: dict[str, list[Match]] = {}
    for match in sorted(found, key=lambda match: (not match.certain, -match.score)):  # stable: earlier ones came first
        by_later.setdefault(match.later, []).append(match)
    return [match for matches in by_later.values() for match in matches[:AT_MOST]]


def _document(match: Match) -> dict[str, object]:
    return {"_id": match.later, "earlier": match.earlier, "score": match.score, "reasons": list(match.reasons)}


def _match(document: dict[str, object]) -> Match:
    reasons, score = document["reasons"], document["score"]
    assert isinstance(reasons, list) and isinstance(score, int)
    return Match(str(document["earlier"]), str(document["_id"]), True, score, tuple(reasons))
