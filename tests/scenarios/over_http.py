"""The scenarios on the real parts: acted over HTTP, read back from reporting, by a clock that only goes forward.

All of them are played together, instant by instant: 1. the clock is stepped and what is due fires  2. everything of
that instant is sent, at once  3. all of it has gone through  4. the cases concerned are looked at. When all is over,
every move is held against its file, with the deadlines as sla published them up to the case's event looked at.
"""

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, cast

import httpx

from shared.events import deadlines, topics
from shared.events.deadlines import DeadlineEvent
from shared.privacy.tokens import Role
from tests.connected.pipeline import Pipeline
from tests.scenarios.play import Move, Seen

RUNGS = ("warned", "breached", "escalated", "breach-withdrawn")
WAIT = 30  # seconds an act may take to be decided
Key = tuple[str, str]  # scenario, case


@dataclass(frozen=True)
class Shown:
    """One move as it was answered, and the case as reporting showed it to the province's own system afterwards."""

    move: Move
    answer: httpx.Response
    page: dict[str, Any]


class OverHttp:
    """One stack on which all scenarios are played."""

    def __init__(self, suda: Pipeline) -> None:
        self.suda = suda
        self._ids: dict[Key, str] = {}
        self._pages: dict[Key, dict[str, Any]] = {}  # as they were seen last
        self._wrong: dict[str, str] = {}

    async def play(self, moves: Iterable[Move]) -> dict[str, str]:
        """What went otherwise than its file says: scenario -> the first difference."""
        shown: list[Shown] = []
        for at, together in groupby(sorted(moves, key=lambda move: move.at), key=lambda move: move.at):
            await self.suda.step(at)
            shown += await self._instant([move for move in together if str(move.scenario) not in self._wrong])
        published = await self._published()
        for one in shown:
            try:
                one.move.hold(_seen(one, published[one.page["case_id"]]))
            except AssertionError as difference:
                self._wrong.setdefault(str(one.move.scenario), str(difference))
        return self._wrong

    async def _instant(self, moves: Sequence[Move]) -> list[Shown]:
        """What is done at one instant is done at once: no two of these moves are on one case."""
        answers = await asyncio.gather(*(self._do(move) if move.does else self._complain(move) for move in moves))
        await self.suda.settle()
        taken = [(move, answer) for move, answer in zip(moves, answers, strict=True) if self._key(move) in self._ids]
        pages = await asyncio.gather(*(self.suda.case(self._ids[self._key(move)]) for move, _ in taken))
        self._pages |= {self._key(move): page for (move, _), page in zip(taken, pages, strict=True)}
        return [Shown(move, answer, page) for (move, answer), page in zip(taken, pages, strict=True)]

    async def _complain(self, move: Move) -> httpx.Response:
        body = {"content": "……", "kind": "complaint", "channel": "web", **self._data(move)}
        url = f"{self.suda.running.url('intake')}/v1/complaints"
        key = {"idempotency-key": "/".join(self._key(move))}  # two people may complain in the same words
        answer = await self.suda.http.post(url, json=body, headers=key)
        if answer.status_code == 201:
            self._ids[self._key(move)] = answer.json()["case_id"]
        else:
            self._wrong[str(move.scenario)] = f"{move}: {answer.status_code} {answer.text}"
        return answer

    async def _do(self, move: Move) -> httpx.Response:
        who, case = move.who, self._ids[self._key(move)]
        own, role = who.role == "complainant", cast(Role, who.role)
        org = "suda" if own else who.organisation or self._own(move)
        data = self._data(move)
        return await self.suda.post_act(case, move.does or "", role, org, wait=WAIT, own=own, user=who.user, **data)

    def _data(self, move: Move) -> dict[str, Any]:
        return move.data(lambda name: self._ids[str(move.scenario), name])

    @staticmethod
    def _key(move: Move) -> Key:
        return str(move.scenario), move.case

    def _own(self, move: Move) -> str:
        """Where the file names no organisation: the one that this role acts for on this case; the platform itself."""
        if move.who.role == "system":
            return "suda"
        part = "organisation" if move.who.role in ("officer", "leader") else "administration"
        return str(self._pages[self._key(move)][part] or "")

    async def _published(self) -> dict[str, list[DeadlineEvent]]:
        """By case, what sla published of its duties, rungs aside, in that order."""
        found: dict[str, list[DeadlineEvent]] = defaultdict(list)
        for record in await self.suda.records(topics.DEADLINES):
            event = deadlines.parse(record.value)
            if event.type not in RUNGS:
                found[event.case_id].append(event)
        return found


def _seen(one: Shown, published: Sequence[DeadlineEvent]) -> Seen:
    """Raises AssertionError where answer, page and topic do not say the same."""
    page, timeline = one.page, one.page["timeline"]
    reason, said = None, ""
    if one.move.does is None:
        caused = [entry for entry in timeline if entry["cause"] == page["case_id"]]
    elif one.answer.status_code == 404:  # to whom the case is none of theirs; routing's reason stands on the page
        caused = timeline[-1:]
        reason, said = caused[0]["reason"], caused[0]["explanation"]
        assert reason == "out-of-scope", f"{one.move}: 404, though {reason}"
    else:
        assert one.answer.status_code == 200, f"{one.move}: {one.answer.status_code} {one.answer.text}"
        told = one.answer.json()
        caused = [entry for entry in timeline if entry["cause"] == told["act_id"]]
        reason, said = told["reason"], told.get("explanation", "")
        assert reason != "out-of-scope", f"{one.move}: learns that there is such a case"
        assert _cites(caused) == _cites([told]), f"{one.move}: the page cites {_cites(caused)}, the answer {told}"
    assert caused, f"{one.move}: is not on the page"
    return Seen(
        state=page["state"],
        accountable=page["organisation"],
        instrument=page["instrument"],
        cites=_cites(caused),
        due=dict(_due(one, duty, published) for duty in page["deadlines"]),
        rejected=reason,
        said=said,
    )


def _cites(caused: Iterable[dict[str, Any]]) -> frozenset[str]:
    found = (citation for each in caused for citation in each.get("citations", ()))
    return frozenset(each["article"] + (f"({item})" if (item := each.get("item")) else "") for each in found)


def _due(one: Shown, duty: dict[str, Any], published: Sequence[DeadlineEvent]) -> tuple[str, tuple[str, str]]:
    """A duty by its name in the files, with the day and the status sla gave it.

    The page must show the same; it calls late whatever had its breach, though it is open still or was superseded.
    """
    name, generation = duty["obligation"], duty["generation"]
    last = [
        event
        for event in published
        if (event.obligation, event.generation) == (name, generation) and event.seq <= one.page["seq"]
    ][-1]
    judged = "met" if last.late_days is None else "late"
    status = {"discharged": judged, "superseded": "superseded"}.get(last.type, "open")
    over = last.due_at <= (one.move.at if status == "open" else last.at)
    found, wanted = (duty["due_day"], duty["status"]), (last.due_day.isoformat(), "late" if over else status)
    assert found == wanted, f"{one.move}: the page shows {name} as {found}, by suda.deadlines it is {wanted}"
    return name + (f"/{generation}" if generation > 1 else ""), (last.due_day.isoformat(), status)
