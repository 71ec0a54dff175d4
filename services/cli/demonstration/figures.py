"""The closing figures of a demo, read from the read model and the log; nothing is counted while playing."""

from collections import Counter
from dataclasses import dataclass
from typing import Any

import httpx

from services.cli.demonstration.player import Played
from shared.bus import Bus
from shared.events import cases, deadlines, topics


@dataclass(frozen=True)
class Figures:
    """What became of the run's complaints."""

    received: int
    dispatched: int
    states: dict[str, int]
    breaches: dict[str, int]
    extended: int
    rejected_acts: int
    missing: tuple[int, ...]

    @property
    def closed(self) -> int:
        return self.states.get("closed", 0)

    @property
    def refused(self) -> int:
        return self.states.get("refused", 0)

    @property
    def open(self) -> int:
        return sum(self.states.get(state, 0) for state in ("pending", "assigned", "accepted"))

    @property
    def accounted(self) -> bool:
        """Every complaint sent stands in exactly one state."""
        return not self.missing and self.received == self.closed + self.refused + self.open


async def figures(url: str, bearer: dict[str, str], bus: Bus, played: list[Played]) -> Figures:
    """Everything of these complaints as it stands now."""
    rows = await _rows(url, bearer)
    mine = {one.case_id: rows.get(one.case_id or "") for one in played}
    found = [row for row in mine.values() if row is not None]
    changed: Counter[str] = Counter()
    async for record in bus.read_all(topics.DEADLINES):
        event = deadlines.parse(record.value)
        if event.case_id in mine and event.type in ("breached", "breach-withdrawn", "extended"):
            name = event.obligation if event.type != "extended" else "+"
            changed[name] += -1 if event.type == "breach-withdrawn" else 1
    rejected = 0
    async for record in bus.read_all(topics.CASES):
        one = cases.parse(record.value)
        rejected += isinstance(one, cases.Rejected) and one.case_id in mine
    extended = changed.pop("+", 0)
    return Figures(
        received=len(found),
        dispatched=sum(row["organisation"] is not None for row in found),
        states=dict(Counter(row["state"] for row in found)),
        breaches={name: count for name, count in sorted(changed.items()) if count},
        extended=extended,
        rejected_acts=rejected,
        missing=tuple(one.number for one in played if mine[one.case_id] is None),
    )


async def _rows(url: str, bearer: dict[str, str]) -> dict[str, dict[str, Any]]:
    rows: dict[str, dict[str, Any]] = {}
    cursor: str | None = None
    async with httpx.AsyncClient(timeout=60) as http:
        while True:
            asked = {"limit": "200"} | ({"cursor": cursor} if cursor else {})
            page = (await http.get(f"{url}/v1/cases", params=asked, headers=bearer)).raise_for_status().json()
            rows |= {row["case_id"]: row for row in page["items"]}
            cursor = page["next"]
            if cursor is None:
                return rows
