"""`suda.deadlines`: what sla keeps. Ids are deterministic; the events of a case are folded as a set, in any order."""

from datetime import date
from typing import Literal

from pydantic import ValidationError

from shared.events.base import Citation, Frozen, Instant, event_id, flaw

Change = Literal[
    "opened", "extended", "discharged", "superseded", "warned", "breached", "escalated", "breach-withdrawn",
    "reprojected",
]  # fmt: skip


class DeadlineEvent(Frozen):
    """One change of one obligation of one case. `at` is when it took effect; rungs also say when they were due.

    `due_at` is exclusive: 00:00 in Shanghai of the day after `due_day`. `late_days` are working days (GB/T 39046
    超期天数). `expects` is who is now expected to act, in a word of deploy/operations.yaml, `expected_by` that
    organisation's code. `reprojected`: calendar, law or operations changed under an open duty, or an earlier start came
    or went (a merge, a presumption); `from_day` says what day it was due before, `why` what changed. `calendar` names
    the table the days were counted by; `label` stands where a duty or a rung has no article; `period` is what a
    periodic report is about (2026-Q3); `limit` is the day that was set for it when the case was sent back.
    """

    version: Literal[1] = 1
    id: str
    type: Change
    case_id: str
    seq: int
    obligation: str
    generation: int
    at: Instant
    instrument: str
    title: str
    owes: str
    debtor: str | None = None
    start_day: date
    due_day: date
    due_at: Instant
    latest_day: date | None = None
    provisional: bool = False
    late_days: int | None = None
    rung: str | None = None
    expects: str | None = None
    rung_due: Instant | None = None
    fired: Instant | None = None
    citations: tuple[Citation, ...] = ()
    interpretation: str | None = None
    expected_by: str | None = None
    from_day: date | None = None
    why: str | None = None
    calendar: str | None = None
    label: str | None = None
    period: str | None = None
    limit: date | None = None


def deadline_id(case_id: str, obligation: str, generation: int, what: str) -> str:
    """`uuid5(case_id, obligation:generation:what)`; `what` is the change, or the rung's name."""
    return event_id(case_id, f"{obligation}:{generation}:{what}")


def ce_type(event: DeadlineEvent) -> str:
    return f"cn.suda.deadline.{event.type}.v{event.version}"


def parse(value: bytes) -> DeadlineEvent:
    """The event in these bytes; raises BadInput naming the first wrong field."""
    try:
        return DeadlineEvent.model_validate_json(value)
    except ValidationError as error:
        raise flaw(error) from None
