"""A case as its events have made it: the fold that routing decides on."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from shared.events.base import digest
from shared.events.cases import Acted, AnyCaseEvent, Dispatched, Opened
from shared.law.history import Happening, happenings


@dataclass(frozen=True, slots=True)
class Case:
    """`seq` and `head` (SHA-256 of the last event's bytes) say where the chain stands; `causes` maps an input to the
    seq of the first event it caused."""

    opened: Opened
    seq: int
    head: str
    last_at: datetime
    state: str
    administration: str | None = None
    accountable: str | None = None
    history: tuple[Happening, ...] = ()
    causes: Mapping[str, int] = field(default_factory=dict)
    previous_state: str | None = None

    @property
    def id(self) -> str:
        return self.opened.case_id

    @property
    def instrument(self) -> str | None:
        return self.opened.instrument

    def done(self, word: str, *, passed: bool = False) -> bool:
        """Whether this step was taken since the case was last sent back; `passed`: with a result that passes."""
        for happening in reversed(self.history):
            if happening.on == "sent-back":
                return False
            if happening.on == word:
                return not passed or happening.result in ("pass", "true")
        return False


def apply(case: Case | None, event: AnyCaseEvent, value: bytes) -> Case:
    """The case after `event`, whose bytes are `value`."""
    if isinstance(event, Opened):
        return Case(
            opened=event.model_copy(update={"sealed": {}}),  # never needed to decide, and large
            seq=event.seq,
            head=digest(value),
            last_at=event.at,
            state=event.state,
            administration=event.administration,
            history=happenings(event),
            causes={event.cause: event.seq},
        )
    if case is None:
        raise ValueError("the first event of a case opens it")
    after = replace(
        case,
        seq=event.seq,
        head=digest(value),
        last_at=max(case.last_at, event.at),
        state=event.state,
        history=case.history + happenings(event),
        causes={**case.causes, event.cause: case.causes.get(event.cause, event.seq)},
        previous_state=case.state if event.state != case.state else case.previous_state,
    )
    if isinstance(event, Dispatched):
        return replace(after, accountable=event.accountable, administration=event.administration)
    if isinstance(event, Acted) and event.accountable:
        return replace(after, accountable=event.accountable)
    return after


def fold(events: Iterable[tuple[AnyCaseEvent, bytes]]) -> Case | None:
    """The case after all its events, in order; None when there are none."""
    case: Case | None = None
    for event, value in events:
        case = apply(case, event, value)
    return case
