"""A case as its events have made it: the fold that routing decides on."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final

from shared.events.base import digest
from shared.events.cases import Acted, AnyCaseEvent, Dispatched, Opened
from shared.law.happenings import Happening, happenings

# What makes a step count no longer: it has to be taken again. A failing result does so for the steps it judged.
UNDONE_BY: Final[Mapping[str, frozenset[str]]] = {
    "reply-reviewed": frozenset({"replied"}),
    "quality-checked": frozenset({"replied"}),
    "extension-requested": frozenset({"extension-approved", "extension-refused"}),
}
JUDGED_BY: Final[Mapping[str, frozenset[str]]] = {
    "replied": frozenset({"reply-reviewed", "quality-checked"}),
    "reply-reviewed": frozenset({"quality-checked"}),
}
PASSES: Final = ("pass", "confirmed")


@dataclass(frozen=True, slots=True)
class Case:
    """`seq` and `head` (SHA-256 of the last event's bytes) say where the chain stands; `causes` maps an input to the
    seq of the first event it caused.

    `accused` and `recused` hold user names: the officers complained about, and whoever has stepped aside.
    """

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
    holder: str | None = None
    assisting: tuple[str, ...] = ()
    accused: frozenset[str] = frozenset()
    recused: frozenset[str] = frozenset()
    survivor: str | None = None

    @property
    def id(self) -> str:
        return self.opened.case_id

    @property
    def instrument(self) -> str | None:
        return self.opened.instrument

    def done(self, word: str, *, passed: bool = False, failed: bool = False) -> bool:
        """Whether this step was taken since the case was last sent back, and still counts; `passed`: with a result that
        passes, `failed`: without one."""
        undone, judged = UNDONE_BY.get(word, frozenset()), JUDGED_BY.get(word, frozenset())
        for happening in reversed(self.history):
            if happening.on == word:
                passes = happening.result in PASSES
                return passes if passed else not (failed and passes)
            if happening.on == "sent-back" or happening.on in undone:
                return False
            if happening.on in judged and happening.result == "fail":
                return False
        return False

    @property
    def unreachable(self) -> bool:
        """Whether the last recorded attempt did not reach the complainant."""
        last = next((happening for happening in reversed(self.history) if happening.on == "contacted"), None)
        return last is not None and last.result == "unreachable"


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
            accused=frozenset({event.accused.officer} if event.accused.officer else ()),
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
        return replace(after, accountable=event.accountable, administration=event.administration, holder=event.holder)
    return _acted(after, event) if isinstance(event, Acted) else after


def _acted(case: Case, event: Acted) -> Case:
    """What an act changed besides the state."""
    changes: dict[str, Any] = {}
    if event.done == "rebound":
        binding = {"instrument": event.instrument, "law_digest": event.data.get("law_digest")}
        changes["opened"] = case.opened.model_copy(update=binding)
    if event.accountable:
        changes["accountable"] = event.accountable
    if event.holder:
        changes["holder"] = event.holder
    if event.assisting is not None:
        changes["assisting"] = event.assisting
    if event.done == "recused" and (person := event.data.get("person")):
        changes["recused"] = case.recused | {str(person)}
    appealed = event.done == "appealed" and event.by.role != "complainant"
    if officer := event.by.user if appealed else event.data.get("accused"):
        changes["accused"] = case.accused | {str(officer)}
    if event.done in ("merged", "unmerged"):
        changes["survivor"] = event.data.get("into") if event.done == "merged" else None
    return replace(case, **changes) if changes else case


def fold(events: Iterable[tuple[AnyCaseEvent, bytes]]) -> Case | None:
    """The case after all its events, in order; None when there are none."""
    case: Case | None = None
    for event, value in events:
        case = apply(case, event, value)
    return case
