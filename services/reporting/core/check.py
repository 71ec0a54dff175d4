"""What `verify` needs of reporting: the read model rebuilt from the log and compared. Pure; no content is named."""

from collections.abc import Iterable, Mapping
from typing import Any

from services.reporting.core import deadlines, statistics
from services.reporting.core.row import Row, replay
from shared.events.cases import AnyCaseEvent
from shared.events.deadlines import DeadlineEvent

_PLACE = "partition"  # of the record, not of its content


def rebuild(events: Iterable[AnyCaseEvent]) -> dict[str, Row]:
    """Every row, by case, from all events in any order with any repetitions; behind a gap nothing is applied."""
    histories: dict[str, list[AnyCaseEvent]] = {}
    for event in events:
        histories.setdefault(event.case_id, []).append(event)
    rows = {case: replay(history) for case, history in histories.items()}
    return {case: row for case, row in rows.items() if row is not None}


def case_differences(events: Iterable[AnyCaseEvent], rows: Iterable[Row]) -> list[str]:
    """One sentence per case whose stored row is not the fold of its events."""
    return _differences("case", rebuild(events), {row["_id"]: row for row in rows})


def deadline_differences(events: Iterable[DeadlineEvent], documents: Iterable[Row]) -> list[str]:
    """One sentence per deadline event that is not stored as it stands in the log."""
    expected = {event.id: deadlines.document(event) for event in events}
    return _differences("deadline event", expected, {document["_id"]: document for document in documents})


def statistics_differences(
    rows: Iterable[Row],
    documents: Iterable[Row],
    stated: Mapping[str, Any],
) -> list[str]:
    """One sentence per figure of `stated` (the statistics as answered) that the rows do not bear out."""
    counted = statistics.tabulate(statistics.groups(rows), deadlines.counts(deadlines.statuses(documents)))
    return [f"statistics: {name} is not what the rows count" for name in counted if counted[name] != stated.get(name)]


def _differences(kind: str, expected: Mapping[str, Row], stored: Mapping[str, Row]) -> list[str]:
    found = [f"{kind} {id} is in the log and has no row" for id in sorted(expected.keys() - stored.keys())]
    found += [f"{kind} {id} has a row and is not in the log" for id in sorted(stored.keys() - expected.keys())]
    for id in sorted(expected.keys() & stored.keys()):
        one, other = dict(expected[id]), dict(stored[id])
        one.pop(_PLACE, None), other.pop(_PLACE, None)
        if fields := sorted(name for name in one.keys() | other.keys() if one.get(name) != other.get(name)):
            found.append(f"{kind} {id} differs from its events in {', '.join(fields)}")
    return found
