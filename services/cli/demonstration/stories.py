"""What happens to each sample complaint: a story of acts at working days and hours after it came in. Pure.

Every state a case under yunnan-2022 can reach occurs, in time and late; the story follows from the complaint's number
alone, so that the figures are the same at every run.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time
from typing import Any, Literal

from shared.clock import ZONE
from shared.law import Calendar

Who = Literal["supervisor", "officer", "leader"]
ARRIVAL_DAYS = 10  # working days over which the complaints come in
WEEKS = 6


@dataclass(frozen=True)
class Deed:
    """One act `days` working days after the complaint came in, at `hour`; `unless_days` are resolved by the player."""

    act: str
    who: Who
    days: int
    hour: int
    data: Mapping[str, Any] = field(default_factory=dict)


HAND_OVER = Deed("hand-over", "supervisor", 1, 10, {"to": "@agency"})
SERVED = {"served_by": "phone", "served_on": "@today"}


def _accept(days: int) -> Deed:
    return Deed("accept", "officer", days, 15, SERVED)


def _done(days: int, outcome: str) -> tuple[Deed, ...]:
    text = "已核实情况并当面说明处理结果，已对窗口人员批评教育，并公开一次性告知清单。"
    return (
        Deed("answer", "officer", days, 11, {"text": text, **SERVED}),
        Deed("close", "leader", days, 16, {"outcome": outcome, "measures": "完善一次性告知制度"}),
    )


OFF_SITE = Deed("classify", "officer", 3, 16, {"class": "off-site"})
LONGER = {"reason": "情况复杂，需调取窗口监控并询问多名当事人", "until": "@due+8"}
STORIES: dict[str, tuple[Deed, ...]] = {
    "in time": (HAND_OVER, _accept(2), OFF_SITE, *_done(8, "substantiated")),
    "on the spot": (
        Deed("accept", "officer", 0, 14, SERVED),
        Deed("classify", "officer", 0, 14, {"class": "on-spot"}),
        Deed("answer", "officer", 0, 15, {"text": "已当场协调解决并致歉。", **SERVED}),
        Deed("close", "leader", 0, 16, {"outcome": "substantiated"}),
    ),
    "refused": (
        HAND_OVER,
        Deed("refuse", "officer", 2, 15, {"ground": "other-remedy", "reason": "该事项已申请行政复议。", **SERVED}),
    ),
    "extended": (
        HAND_OVER,
        _accept(2),
        OFF_SITE,
        Deed("request-extension", "officer", 9, 10, LONGER),
        Deed("approve-extension", "leader", 9, 15, {"until": "@due+8", "complainant_told_on": "@today"}),
        *_done(18, "partly"),
    ),
    "handed over late": (
        Deed("hand-over", "supervisor", 4, 10, {"to": "@agency"}), _accept(5), *_done(11, "unsubstantiated"),
    ),
    "accepted late": (HAND_OVER, _accept(6), *_done(12, "substantiated")),
    "closed late": (HAND_OVER, _accept(2), OFF_SITE, *_done(15, "substantiated")),
    "never closed": (HAND_OVER, _accept(2)),
    "asked too late": (
        HAND_OVER,
        _accept(2),
        Deed("request-extension", "officer", 14, 10, {"reason": "仍在调查", "until": "@due+3"}),
        *_done(16, "invalid"),
    ),
    "never handed over": (),
}  # fmt: skip
ORDER = (
    "in time", "on the spot", "refused", "in time", "extended", "closed late", "in time", "handed over late",
    "in time", "accepted late", "on the spot", "in time", "refused", "extended", "in time", "never closed",
    "in time", "asked too late", "in time", "never handed over",
)  # fmt: skip


def story(number: int) -> str:
    """The story of the complaint with this number, from 0."""
    return ORDER[number % len(ORDER)]


def by_hotline(number: int) -> bool:
    """Every other complaint that needs no direct receipt comes as a 12345 work order."""
    return number % 2 == 1 and story(number) != "on the spot"


def arrival(number: int, start: date, calendar: Calendar) -> datetime:
    """When it comes in: one of the first ten working days, at 09:00 or 13:00."""
    day = working_day(start, number % ARRIVAL_DAYS, calendar)
    return at(day, 9 if (number // ARRIVAL_DAYS) % 2 == 0 else 13)


def working_day(start: date, count: int, calendar: Calendar) -> date:
    """`count` working days after `start`; 0 is the first working day from it on."""
    first = calendar.on_or_after(start)
    return calendar.add(first, count) if count else first


def at(day: date, hour: int) -> datetime:
    return datetime.combine(day, time(hour), ZONE)


def deeds(number: int, came: datetime, calendar: Calendar) -> Iterator[tuple[datetime, Deed]]:
    """Each act with its instant."""
    for deed in STORIES[story(number)]:
        yield at(working_day(came.date(), deed.days, calendar), deed.hour), deed
