"""Properties of the due day that hold for every duty of every instrument."""

from datetime import date, datetime, time, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.law import Calendar, Instrument, Obligation, Period, due, load
from shared.law.calendar import Override
from shared.law.due import ZONE

LIBRARY = load()
CALENDAR = Calendar.load()
PAIRS = [(each, duty) for each in LIBRARY.instruments.values() for duty in each.obligations]
COUNTED = [duty for _, duty in PAIRS if duty.period.unit == "working_days"]
EXTENSIBLE = [duty for duty in COUNTED if duty.extension]
DAYS = st.dates(date(2020, 2, 20), date(2028, 12, 31))


def lengthened(duty: Obligation, by: int) -> Obligation:
    length = (duty.period.length or 0) + by
    return duty.model_copy(update={"period": Period(unit="working_days", length=length), "extension": None})


@given(st.sampled_from(COUNTED), DAYS)
def test_a_deadline_is_a_working_day_after_its_start(duty: Obligation, start: date) -> None:
    result = due(duty, start, CALENDAR)
    assert result.due_day > start and CALENDAR.day(result.due_day).counts


@given(st.sampled_from(COUNTED), DAYS, st.integers(0, 30))
def test_a_later_start_is_never_due_earlier(duty: Obligation, start: date, later: int) -> None:
    assert due(duty, start, CALENDAR).due_day <= due(duty, start + timedelta(days=later), CALENDAR).due_day


@given(st.sampled_from(COUNTED), DAYS, st.integers(1, 10))
def test_a_longer_period_is_due_later(duty: Obligation, start: date, more: int) -> None:
    assert due(duty, start, CALENDAR).due_day < due(lengthened(duty, more), start, CALENDAR).due_day


@given(st.sampled_from(COUNTED), DAYS)
def test_the_days_add_up(duty: Obligation, start: date) -> None:
    result = due(duty, start, CALENDAR)
    assert result.days[0].day == start and result.days[-1].day == result.due_day
    assert all(two.day - one.day == timedelta(days=1) for one, two in pairwise(result.days))
    assert sum(day.counts for day in result.days) == duty.period.length
    assert all(day.why for day in result.days)


@given(st.sampled_from(COUNTED), DAYS, st.integers(-3, 60))
def test_a_limit_that_was_set_is_the_day_and_never_later_than_the_period(duty: Obligation, start: date, n: int) -> None:
    plain, limit = due(duty, start, CALENDAR), start + timedelta(days=n)
    limited = due(duty, start, CALENDAR, limit=limit)
    assert limited.due_day == min(plain.due_day, max(start, limit))
    assert limited.days[-1].day == limited.due_day


def test_an_extension_of_a_limit_is_counted_from_the_limit() -> None:
    duty = LIBRARY.get("zaozhuang-2020").obligation("leader-approved")
    set_for = due(duty, date(2026, 9, 21), CALENDAR, limit=date(2026, 9, 22))
    assert (set_for.due_day, set_for.latest_day) == (date(2026, 9, 22), date(2026, 9, 24))
    longer = due(duty, date(2026, 9, 21), CALENDAR, limit=date(2026, 9, 22), until=date(2026, 9, 30))
    assert longer.due_day == date(2026, 9, 24)


@given(st.sampled_from(EXTENSIBLE), DAYS, st.integers(-10, 60))
def test_extending_never_shortens_and_never_passes_the_latest_day(duty: Obligation, start: date, reach: int) -> None:
    plain = due(duty, start, CALENDAR)
    extended = due(duty, start, CALENDAR, until=plain.due_day + timedelta(days=reach))
    assert extended.due_day >= plain.due_day and CALENDAR.day(extended.due_day).counts
    if plain.latest_day is not None:
        assert extended.due_day <= plain.latest_day
        assert CALENDAR.day(plain.latest_day).counts


@given(st.sampled_from(COUNTED), DAYS)
def test_provisional_is_said_exactly_where_an_unloaded_day_was_walked(duty: Obligation, start: date) -> None:
    result = due(duty, start, CALENDAR)
    assert result.provisional is any(CALENDAR.day(day.day).provisional for day in result.days[1:])


@given(st.sampled_from(COUNTED), st.dates(date(2020, 3, 1), date(2026, 10, 1)), st.integers(-20, 40), st.booleans())
def test_an_override_moves_only_the_deadlines_that_walk_over_it(
    duty: Obligation, start: date, offset: int, counts: bool
) -> None:
    day = start + timedelta(days=offset)
    changed = Calendar((Override(day=day, counts=counts, why="停工"),))
    before, after = due(duty, start, CALENDAR), due(duty, start, changed)
    touched = start < day <= max(before.due_day, after.due_day) and counts is not CALENDAR.day(day).counts
    if not touched:
        assert after.due_day == before.due_day
    elif not counts:
        assert after.due_day > before.due_day
    else:
        assert after.due_day < before.due_day


@given(st.sampled_from(PAIRS), DAYS)
def test_the_deadline_is_the_first_instant_too_late(pair: tuple[Instrument, Obligation], start: date) -> None:
    duty = pair[1]
    if duty.period.only:
        start = start.replace(month=1)
    result = due(duty, start, CALENDAR)
    assert result.due_at == datetime.combine(result.due_day + timedelta(days=1), time(), ZONE)
    assert result.citations and all(each.instrument == pair[0].id for each in result.citations)


@given(st.sampled_from(COUNTED), DAYS, st.times())
def test_the_day_counts_whatever_the_hour(duty: Obligation, start: date, hour: time) -> None:
    assert due(duty, datetime.combine(start, hour, ZONE), CALENDAR).due_day == due(duty, start, CALENDAR).due_day


def test_the_same_question_is_answered_from_memory() -> None:
    duty = LIBRARY.get("yunnan-2022").obligation("resolution")
    assert due(duty, date(2026, 9, 28), CALENDAR) is due(duty, date(2026, 9, 28), CALENDAR)


@pytest.mark.parametrize("duty", [pytest.param(duty, id=f"{each.id}-{duty.id}") for each, duty in PAIRS])
def test_an_open_text_shows_how_it_was_read(duty: Obligation) -> None:
    assert duty.interpretation and "解读理由" in duty.interpretation
