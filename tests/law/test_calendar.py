"""Which day counts, and that nothing but an override changes it."""

from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.law import Calendar, LawError

CALENDAR = Calendar.load()
KNOWN = st.dates(date(2020, 1, 1), date(2026, 12, 31))
DAYS = st.dates(date(2019, 1, 1), date(2029, 12, 31))


def written(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    "day", ["2026-01-04", "2026-02-14", "2026-02-28", "2026-05-09", "2026-09-20", "2026-10-10", "2025-09-28"]
)
def test_a_make_up_day_is_a_working_day_and_says_so(day: str) -> None:
    info = CALENDAR.day(date.fromisoformat(day))
    assert info.counts and "调休上班" in info.why and not info.provisional


@pytest.mark.parametrize("day", ["2026-10-01", "2026-02-23", "2026-09-25", "2025-10-08"])
def test_a_holiday_on_a_weekday_is_not(day: str) -> None:
    info = CALENDAR.day(date.fromisoformat(day))
    assert not info.counts and "放假" in info.why


@given(DAYS)
def test_only_days_past_the_loaded_years_are_provisional(day: date) -> None:
    info = CALENDAR.day(day)
    assert info.provisional is (day.year > 2026)
    if info.provisional:
        assert info.counts is (day.weekday() < 5)


@given(DAYS, st.integers(1, 40))
def test_adding_working_days_counts_exactly_that_many(day: date, number: int) -> None:
    last = CALENDAR.add(day, number)
    walked = [day + timedelta(days=n) for n in range(1, (last - day).days + 1)]
    assert sum(CALENDAR.day(each).counts for each in walked) == number
    assert CALENDAR.day(last).counts


@given(DAYS, st.integers(0, 20))
def test_going_back_undoes_going_on(day: date, number: int) -> None:
    start = CALENDAR.on_or_after(day)
    assert CALENDAR.back(CALENDAR.add(start, number), number) == start


def test_two_calendars_of_one_version_answer_alike() -> None:
    assert Calendar.load().version == CALENDAR.version


@given(KNOWN, st.booleans(), KNOWN)
def test_an_override_moves_only_the_day_it_names(day: date, counts: bool, other: date) -> None:
    from shared.law.calendar import Override

    changed = Calendar((Override(day=day, counts=counts, why="台风停工"),))
    assert changed.day(day).counts is counts and changed.day(day).why == "台风停工"
    if other != day:
        assert changed.day(other) == CALENDAR.day(other)
    assert changed.version != CALENDAR.version


def test_a_local_override_holds_in_its_division_only(tmp_path: Path) -> None:
    text = 'days:\n  - {day: 2026-09-21, counts: false, why: 台风停工, divisions: ["3704"]}\n'
    calendar = Calendar.load(written(tmp_path / "storm.yaml", text))
    storm = date(2026, 9, 21)
    assert not calendar.at("370402").day(storm).counts
    assert calendar.at("530102").day(storm).counts and calendar.day(storm).counts
    assert calendar.at("530102").version == CALENDAR.version


def test_a_year_declared_complete_is_no_longer_provisional(tmp_path: Path) -> None:
    text = "complete: [2027]\ndays:\n  - {day: 2027-01-01, counts: false, why: 元旦放假}\n"
    calendar = Calendar.load(written(tmp_path / "2027.yaml", text))
    assert not calendar.day(date(2027, 1, 1)).counts
    assert not calendar.day(date(2027, 1, 4)).provisional
    assert calendar.day(date(2028, 1, 4)).provisional


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("days:\n  - {day: 2026-09-21, counts: false}\n", 2),
        ("days:\n  - {day: 2026-09-31, counts: false, why: x}\n", 2),
        ("days: 3\n", 1),
        ("days: []\ncomplete: 2027\n", 2),
        ("days:\n- {day: 2026-09-21, counts: true, why: a}\n- {day: 2026-09-21, counts: false, why: b}\n", None),
    ],
)
def test_a_bad_override_names_file_and_line(tmp_path: Path, text: str, line: int | None) -> None:
    with pytest.raises(LawError) as caught:
        Calendar.load(written(tmp_path / "bad.yaml", text))
    assert "bad.yaml" + (f":{line}" if line else "") in str(caught.value)
