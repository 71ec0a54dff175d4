"""Counts of cases and deadlines, from rows and never from messages (DESIGN.md 6.4). Pure.

`received` counts every complaint that came in (收到件数), however it was handled. What was handled counts matters: a
complaint merged into another one is `merged` and in no other figure, because it was handled as one with that (Yunnan
13, Suining 11; docs/decisions/0071-merging.md). So received = open + closed + refused + other + merged.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, Literal

from services.reporting.core.row import Row

GROUPED = ("organisation", "state", "outcome", "ground", "merged")
Group = tuple[str | None, str, str | None, str | None, bool]
Fate = Literal["open", "closed", "refused", "other"]
_OPEN = ("pending", "assigned", "accepted")


def groups(rows: Iterable[Mapping[str, Any]]) -> Counter[Group]:
    """How many rows by organisation, state, outcome, ground and being merged: what the store's aggregation gives."""
    return Counter((row["organisation"], row["state"], row["outcome"], row["ground"], row["merged"]) for row in rows)


def fate(state: str, outcome: str | None, ground: str | None) -> Fate:
    """What became of a case; an archived one counts as what it was before."""
    if state in _OPEN:
        return "open"
    if state == "closed" or (state == "archived" and outcome):
        return "closed"
    return "refused" if state == "refused" or (state == "archived" and ground) else "other"


def tabulate(cases: Mapping[Group, int], deadlines: Mapping[tuple[str, str], int]) -> Row:
    """The statistics: totals, by state, by organisation, by obligation and outcome."""
    fates: Counter[str] = Counter()
    states: Counter[str] = Counter()
    by_organisation: dict[str, Row] = {}
    for (organisation, state, outcome, ground, merged), count in sorted(cases.items(), key=repr):
        fates["merged" if merged else fate(state, outcome, ground)] += count
        states[state] += count
        line = by_organisation.setdefault(
            organisation or "",
            {"organisation": organisation, "received": 0, "merged": 0, "states": Counter(), "outcomes": Counter()},
        )
        line["received"] += count
        line["merged"] += count if merged else 0
        line["states"][state] += count
        line["outcomes"] += Counter({outcome: count} if outcome and not merged else {})
    return {
        "received": fates.total(),
        "open": fates["open"],
        "closed": fates["closed"],
        "refused": fates["refused"],
        "other": fates["other"],
        "merged": fates["merged"],
        "states": dict(states),
        "organisations": list(by_organisation.values()),
        "deadlines": _by_obligation(deadlines),
    }


def _by_obligation(deadlines: Mapping[tuple[str, str], int]) -> list[Row]:
    found: dict[str, Row] = {}
    for (obligation, status), count in sorted(deadlines.items()):
        found.setdefault(obligation, {"obligation": obligation})[status] = count
    return list(found.values())
