"""By when: one pure function from a duty, a start and a calendar to its last day, with the walk that shows why.

The day of the event is not counted, a period ends with its last day at 24:00; both are readings kept in
`instruments/_common.yaml` and shown with the result.
"""

from datetime import date, datetime, time, timedelta
from functools import cached_property
from typing import Final
from zoneinfo import ZoneInfo

from shared.law.calendar import ONE, Calendar
from shared.law.citation import Citation, Frozen
from shared.law.errors import NothingDue
from shared.law.obligation import Extension, Obligation, Period

ZONE: Final = ZoneInfo("Asia/Shanghai")
MONTHS: Final[dict[str, int]] = {"month": 1, "quarter": 3, "half-year": 6, "year": 12}
REMEMBER: Final = 200_000  # due days a calendar keeps before it forgets them all


class CountedDay(Frozen):
    """One day of the walk."""

    day: date
    counts: bool
    why: str


class Due(Frozen):
    """The answer. `latest_day` is as far as an extension can reach; None where there is none, or no cap."""

    start_day: date
    due_day: date
    latest_day: date | None
    provisional: bool  # of due_day
    latest_provisional: bool
    citations: tuple[Citation, ...]
    interpretation: str | None
    days: tuple[CountedDay, ...]  # empty where nothing is counted (a date, an on-the-spot day)
    instant: datetime | None = None  # of a period in hours

    @cached_property
    def due_at(self) -> datetime:
        """The first instant that is too late: 00:00 in Shanghai of the day after the last."""
        return self.instant or datetime.combine(self.due_day + ONE, time(), ZONE)


def due(
    obligation: Obligation,
    start: date | datetime,
    calendar: Calendar,
    *,
    until: date | None = None,
    limit: date | None = None,
) -> Due:
    """When `obligation` is due if it starts on `start`; with `until`, after an extension to that day.

    `limit` is a day set by whoever started it (限期): due then, if that is earlier than the period's own last day. An
    extension never shortens, never passes the latest day, and from a rest day moves to the next working day; one that
    is counted on top is counted from the limit.
    """
    key = (obligation.key, start, until, limit)
    known: Due | None = calendar.remembered.get(key)
    if known is None:
        if len(calendar.remembered) >= REMEMBER:
            calendar.remembered.clear()
        known = calendar.remembered[key] = _due(obligation, start, calendar, until, limit)
    return known


def extension_limit(obligation: Obligation, start: date, calendar: Calendar) -> date | None:
    """The latest day an extension can reach; None where the duty cannot be extended or the text sets no cap."""
    return due(obligation, start, calendar).latest_day


def _due(
    obligation: Obligation, start: date | datetime, calendar: Calendar, until: date | None, limit: date | None
) -> Due:
    period = obligation.period
    moment = start.astimezone(ZONE) if isinstance(start, datetime) else datetime.combine(start, time(), ZONE)
    first, instant = moment.date(), None
    if period.unit == "date":
        last = _date(period, first, obligation.title)
    elif period.unit == "same_day":
        last = first
    elif period.unit == "hours":
        instant = moment + timedelta(hours=period.length or 0)
        last = (instant - timedelta(microseconds=1)).date()
    else:
        last = _last(period.unit, period.length or 0, first, calendar)
    latest = _latest(obligation, moment, last, calendar)
    if limit is not None and limit < last:
        last, instant = max(first, limit), None
        if obligation.extension and obligation.extension.limit and obligation.extension.counted == "added":
            latest = calendar.add(last, obligation.extension.limit)
    if until is not None and obligation.extension is not None:
        last = max(last, _extended(period.unit, until, latest, calendar))
        instant = _extended_instant(obligation, moment, instant, until) if instant else None
    counted = period.unit in ("working_days", "calendar_days")
    return Due(
        start_day=first,
        due_day=last,
        latest_day=latest,
        provisional=counted and _provisional(first, last, calendar),
        latest_provisional=counted and latest is not None and _provisional(first, latest, calendar),
        citations=_citations(obligation, until),
        interpretation=obligation.interpretation,
        days=_walk(period.unit, first, last, calendar) if counted else (),
        instant=instant,
    )


def _citations(obligation: Obligation, until: date | None) -> tuple[Citation, ...]:
    extra = obligation.extension.citations if until is not None and obligation.extension else ()
    return obligation.citations + tuple(cited for cited in extra if cited not in obligation.citations)


def _last(unit: str, length: int, start: date, calendar: Calendar) -> date:
    if unit == "working_days":
        return calendar.add(start, length)
    return calendar.on_or_after(start + timedelta(days=length))


def _latest(obligation: Obligation, start: datetime, last: date, calendar: Calendar) -> date | None:
    """The limit is in the unit of the period; of the day itself, in working days."""
    length, unit = _limit(obligation), obligation.period.unit
    if length is None:
        return None
    if unit == "hours":
        return (start + timedelta(hours=length) - timedelta(microseconds=1)).date()
    if unit in ("working_days", "calendar_days"):
        return max(last, _last(unit, length, start.date(), calendar))
    return calendar.add(start.date(), length)


def _limit(obligation: Obligation) -> int | None:
    """The length of the whole, extended as far as it can be; None where it cannot, or without a cap."""
    extension: Extension | None = obligation.extension
    if extension is None or extension.limit is None:
        return None
    return extension.limit + (obligation.period.length or 0 if extension.counted == "added" else 0)


def _extended_instant(obligation: Obligation, start: datetime, instant: datetime, until: date) -> datetime:
    """Hours extended to a day: to its end, and never past the last hour allowed."""
    end, length = datetime.combine(until + ONE, time(), ZONE), _limit(obligation)
    return max(instant, min(end, start + timedelta(hours=length)) if length is not None else end)


def _extended(unit: str, until: date, latest: date | None, calendar: Calendar) -> date:
    day = until if latest is None else min(until, latest)
    return calendar.on_or_after(day) if unit in ("working_days", "calendar_days") else day


def _provisional(start: date, last: date, calendar: Calendar) -> bool:
    day = last
    while day > start:
        if calendar.day(day).provisional:
            return True
        day -= ONE
    return False


def _walk(unit: str, start: date, last: date, calendar: Calendar) -> tuple[CountedDay, ...]:
    days = [CountedDay(day=start, counts=False, why="起算当日，不计入")]
    day = start
    while day < last:
        day += ONE
        days.append(_walked(unit, day, calendar))
    return tuple(days)


def _walked(unit: str, day: date, calendar: Calendar) -> CountedDay:
    known: CountedDay | None = calendar.remembered.get((unit, day))
    if known is None:
        info = calendar.day(day)
        known = CountedDay(day=day, counts=info.counts or unit == "calendar_days", why=info.why)
        calendar.remembered[unit, day] = known
    return known


def _date(period: Period, day: date, title: str) -> date:
    """The fixed date on which the period that `day` lies in is reported; in a shorter month its last day."""
    assert period.each is not None and period.months_after is not None and period.day is not None
    span = MONTHS[period.each]
    number = (day.month - 1) // span + 1
    if period.only and number not in period.only:
        raise NothingDue(f"“{title}”不涉及 {day.isoformat()} 所在的期间；请改用该期间内的日期，或查全年报告")
    months = day.year * 12 + number * span - 1 + period.months_after
    year, month = divmod(months, 12)
    last = date(year + (month == 11), (month + 1) % 12 + 1, 1) - ONE
    return last if period.day == "last" else last.replace(day=min(period.day, last.day))
