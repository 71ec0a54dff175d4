"""The words of the law's vocabulary that the events of a case make true. Pure; what follows from them: `history.py`."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any, NamedTuple

from shared.errors import BadInput
from shared.events.cases import Acted, AnyCaseEvent, Dispatched, Opened
from shared.law.due import ZONE

TOOK_OVER = "took-over"
CLASSIFIES = ("classified", "sent-back")  # the words that may give a case another class


class Start(NamedTuple):
    """Where the running clock of an absorbed case stands: its first day and instant, and the day it was extended to."""

    obligation: str
    day: date
    at: datetime
    until: date | None = None


@dataclass(frozen=True, slots=True)
class Happening:
    """One word of the law's vocabulary that came true at an instant, with what qualifies it."""

    on: str
    at: datetime
    outcome: str | None = None
    result: str | None = None
    disposal: str | None = None  # the class, of `classified` and `sent-back`
    extends: str | None = None  # the duty, of `extension-approved`; None: the only one that can be
    until: date | None = None  # of `extension-approved`; of `sent-back`, the limit that was set
    other: str | None = None  # of `took-over`: the absorbed case, the seq at which it was (or ceased to be) absorbed,
    other_seq: int = 0
    starts: tuple[Start, ...] = ()  # and its running clocks; none once the merge was undone


def happenings(event: AnyCaseEvent) -> tuple[Happening, ...]:
    """The words an event makes true, in order."""
    if isinstance(event, Opened):
        return (Happening("first-contact", _first_contact(event)),)
    if isinstance(event, Dispatched):
        return (Happening(f"received-by-{event.holder}", event.at), *_also(event))
    if not isinstance(event, Acted):
        return ()
    done = Happening(
        event.done,
        event.at,
        outcome=_word(event.data.get("outcome")),
        result=_word(event.data.get("result")),
        disposal=_word(event.data.get("class")) if event.done in CLASSIFIES else None,
        extends=_word(event.data.get("obligation")),
        until=_day(event.data.get("until")),
    )
    if event.done == TOOK_OVER:
        return (
            replace(done, other=event.data["absorbed"], other_seq=int(event.data["seq"]), starts=_starts(event.data)),
        )
    received = (Happening("received-by-agency", event.at),) if event.done == "handed-over" else ()
    return (done, *received, *_also(event))


def understood(event: AnyCaseEvent) -> AnyCaseEvent:
    """The event, if its data hold what its word needs; raises BadInput, naming no content."""
    if isinstance(event, Acted):
        try:
            happenings(event)
        except (KeyError, TypeError, ValueError, AttributeError):
            raise BadInput(f"data: is not what '{event.done}' needs") from None
    return event


def _also(event: Dispatched | Acted) -> tuple[Happening, ...]:
    """What else the event says came true; `accused-told` on the day that the act states, if it was an earlier one."""
    words = tuple(Happening(word, event.at) for word in event.also or ())
    told = _day(event.data.get("accused_told_on")) if isinstance(event, Acted) else None
    if told is None:
        return words
    same = told == event.at.astimezone(ZONE).date()
    return (*words, Happening("accused-told", event.at if same else min(event.at, _midnight(told))))


def _first_contact(event: Opened) -> datetime:
    """The instant received, or the start of an earlier day that a trusted import gave."""
    if event.received_on == event.received_at.astimezone(ZONE).date():
        return event.received_at
    return _midnight(event.received_on)


def _midnight(day: date) -> datetime:
    return datetime.combine(day, datetime.min.time(), ZONE)


def _word(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _day(text: object) -> date | None:
    return date.fromisoformat(text) if isinstance(text, str) else None


def _starts(data: Mapping[str, Any]) -> tuple[Start, ...]:
    found = data.get("starts") or {}
    return tuple(
        Start(name, date.fromisoformat(given["day"]), datetime.fromisoformat(given["at"]), _day(given.get("until")))
        for name, given in sorted(found.items())
    )
