"""An act that somebody may do, with all it is judged by, and what every family of acts asks of it."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any

from services.routing.core.permission import Refusal
from services.routing.core.state import Case
from shared.directory.tree import Directory
from shared.events.base import Citation
from shared.events.intake import ActRequested
from shared.law.acts import ActRule
from shared.law.calendar import Calendar
from shared.law.citation import Citation as LawCitation
from shared.law.cited import cited
from shared.law.due import ZONE, due
from shared.law.history import Duty, duties, whatever_class
from shared.law.instrument import Instrument

DAYS = ("served_on", "on", "told_on", "accused_told_on")  # of what has happened: never of a day to come
STATED = frozenset({*DAYS, "until", "complainant_told_on", "administration_told_on"})
_CODES = ("to", "lead", "into", "earlier", "referred_to", "person", "accused", "signed_by")
WORDS = frozenset({*_CODES, "ground", "class", "obligation", "outcome", "result", "topic", "served_by", "sample"})
LONGEST = 100  # of a word: they are repeated to people and stand in the log in clear


@dataclass(frozen=True, slots=True)
class Asked:
    """The request, the case as it stands, the rule that permits it, and the law, places and days it is judged under."""

    request: ActRequested
    case: Case
    rule: ActRule
    instrument: Instrument | None
    directory: Directory
    calendar: Calendar

    @property
    def today(self) -> date:
        return self.request.received_at.astimezone(ZONE).date()

    def word(self, name: str) -> str:
        """A code or word of the data; empty where there is none."""
        value = self.request.data.get(name)
        return value if isinstance(value, str) else ""

    def day(self, name: str) -> date | None:
        """A day of the data, None where there is none or it is no day."""
        try:
            return date.fromisoformat(self.word(name))
        except ValueError:
            return None

    def given(self, name: str) -> bool:
        return self.request.data.get(name) not in (None, "", [], {}) or name in self.request.sealed

    def no(self, reason: str, explanation: str, *more: LawCitation) -> Refusal:
        """A refusal under this rule, and under what else it rests on."""
        return Refusal(reason, explanation, _joined(cited(self.rule.citations), cited(more)))

    def duties(self) -> list[Duty]:
        """The deadlines of the case as they stand."""
        if self.instrument is None:
            return []
        opened = self.case.opened
        found = duties(self.instrument, self.case.history, self.calendar, kind=opened.kind, channel=opened.channel)
        return list(found.values())


Effect = dict[str, Any]  # fields of the Acted event beyond the usual ones
Check = Callable[[Asked], Effect | Refusal]


def _joined(*parts: tuple[Citation, ...]) -> tuple[Citation, ...]:
    return tuple(dict.fromkeys(citation for part in parts for citation in part))


def unfit(asked: Asked) -> Refusal | None:
    """A refusal where a day is none, a word none, or what is said to have happened lies in the future.

    Intake lets none of this in; another producer on the topic may send it.
    """
    for name, value in asked.request.data.items():
        if value is None:
            continue
        if name in STATED:
            day = asked.day(name)
            if day is None:
                return asked.no("no-such-day", f"{name}不是日期")
            if name in DAYS and day > asked.today:
                return asked.no("future-day", f"{name}（{day}）是将来的日期")
        elif name in WORDS and not (isinstance(value, str) and len(value) <= LONGEST):
            return asked.no("no-such-word", f"{name}不是代码或者规定的词")
        elif name == "organisations" and not _codes(value):
            return asked.no("no-such-word", "organisations须是组织机构代码的列表")
    return None


def _codes(value: object) -> bool:
    return isinstance(value, list | tuple) and all(isinstance(one, str) for one in value)


def past_due(asked: Asked, name: str, *more: LawCitation) -> Refusal | None:
    """A refusal where the first due day of that duty has passed, whatever class the case is in now."""
    if asked.instrument is None:
        return None
    found = whatever_class(asked.instrument, name, asked.case.history, asked.calendar)
    if not found:
        return None
    duty = found[-1]
    hours = duty.obligation.period.unit == "hours"
    first = due(duty.obligation, duty.start_at if hours else duty.due.start_day, asked.calendar, limit=duty.limit)
    if asked.request.received_at < first.due_at:
        return None
    return asked.no("too-late", f"{duty.obligation.title}的期限{first.due_day}已过", *more)
