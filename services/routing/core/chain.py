"""From drafts to events: each numbered, dated, chained to the one before and written to its final bytes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from services.routing.core.state import Case, apply
from shared.events.base import event_id
from shared.events.cases import AnyCaseEvent

Draft = tuple[type[Any], Mapping[str, Any]]
BACKDATED = timedelta(minutes=5)  # DESIGN.md section 5: an instant further behind is flagged


@dataclass(frozen=True, slots=True)
class Decided:
    """What one input did: the events with their bytes, and the case after them."""

    case: Case
    first_seq: int
    cause: str
    events: tuple[tuple[AnyCaseEvent, bytes], ...]


def chained(case_id: str, before: Case | None, drafts: Sequence[Draft], *, at: datetime, cause: str) -> Decided:
    """Number and chain `drafts` after `before`; `at` and `cause` come from the input."""
    case, made = before, []
    first = (before.seq if before else 0) + 1
    for number, (kind, fields) in enumerate(drafts, first):
        event = kind(
            event_id=event_id(case_id, number),
            case_id=case_id,
            seq=number,
            at=at,
            cause=cause,
            instrument=fields.get("instrument") or (before.instrument if before else None),
            backdated=before is not None and before.last_at - at > BACKDATED,
            prev=case.head if case else None,
            **{name: value for name, value in fields.items() if name != "instrument"},
        )
        value = event.to_bytes()
        case = apply(case, event, value)
        made.append((event, value))
    assert case is not None
    return Decided(case, first, cause, tuple(made))
