"""The ladder: warnings inside office hours and in time, the breach on the instant, escalations after it."""

from datetime import date, datetime, time, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.law import Calendar, LawError, Obligation, due, load, load_operations, rung_instants
from shared.law.due import ZONE
from shared.law.operations import DEFAULT

LIBRARY, CALENDAR, OPERATIONS = load(), Calendar.load(), load_operations()
DUTIES = [duty for each in LIBRARY.instruments.values() for duty in each.obligations]
DAYS = st.dates(date(2023, 10, 1), date(2027, 6, 30))


def at(day: str, hour: int, minute: int = 0) -> datetime:
    return datetime.combine(date.fromisoformat(day), time(hour, minute), ZONE)


def test_the_rules_say_that_they_are_not_law() -> None:
    assert "不是法规" in OPERATIONS.label


@given(st.sampled_from(DUTIES), DAYS, st.booleans())
def test_no_warning_comes_late_at_night_or_before_the_start(duty: Obligation, start: date, urgent: bool) -> None:
    if duty.period.only:
        start = start.replace(month=1)
    result = due(duty, start, CALENDAR)
    rungs = rung_instants(OPERATIONS, duty, result, CALENDAR, urgent=urgent)
    assert [rung.instant for rung in rungs] == sorted(rung.instant for rung in rungs)
    for rung in rungs:
        if rung.kind == "breach":
            assert rung.instant == result.due_at
        elif rung.kind == "escalation":
            assert rung.instant > result.due_at
        else:
            assert rung.instant < result.due_at and rung.instant.date() >= result.start_day
            assert CALENDAR.day(rung.instant.date()).counts
            assert OPERATIONS.office_hours.since <= rung.instant.time() < OPERATIONS.office_hours.until


@given(st.sampled_from([duty for duty in DUTIES if duty.period.unit == "working_days"]), DAYS)
def test_every_counted_duty_warns_on_its_last_day_and_breaches_once(duty: Obligation, start: date) -> None:
    result = due(duty, start, CALENDAR)
    rungs = rung_instants(OPERATIONS, duty, result, CALENDAR)
    assert [rung.kind for rung in rungs].count("breach") == 1
    assert any(rung.kind == "warning" and rung.instant.date() == result.due_day for rung in rungs)


def test_the_ladder_of_a_resolution_is_climbed_as_written() -> None:
    duty = LIBRARY.get("yunnan-2022").obligation("resolution")
    rungs = rung_instants(OPERATIONS, duty, due(duty, date(2026, 9, 28), CALENDAR), CALENDAR)
    assert [tuple(rung) for rung in rungs] == [
        ("warning-before", "warning", at("2026-10-15", 9)),
        ("warning-last-day", "warning", at("2026-10-16", 9)),
        ("breach", "breach", at("2026-10-17", 0)),
        ("supervision", "escalation", at("2026-10-19", 9)),
        ("level-above", "escalation", at("2026-10-21", 9)),
    ]


def test_a_date_is_warned_of_on_the_day_before() -> None:
    duty = LIBRARY.get("qinghai-2022").obligation("monthly-report")
    rungs = rung_instants(OPERATIONS, duty, due(duty, date(2026, 10, 1), CALENDAR), CALENDAR)
    assert ("warning-last-day", "warning", at("2026-11-09", 9)) in [tuple(rung) for rung in rungs]


def test_an_on_the_spot_day_is_warned_of_in_the_afternoon_and_not_on_a_rest_day() -> None:
    duty = LIBRARY.get("yunnan-2022").obligation("on-spot")
    friday = rung_instants(OPERATIONS, duty, due(duty, date(2026, 9, 18), CALENDAR), CALENDAR)
    saturday = rung_instants(OPERATIONS, duty, due(duty, date(2026, 9, 19), CALENDAR), CALENDAR)
    assert friday[0].instant == at("2026-09-18", 16)
    assert [rung.kind for rung in saturday][0] == "breach"


def test_hours_are_warned_of_in_the_last_office_hour_before() -> None:
    duty = LIBRARY.get("yunnan-2022").obligation("handover")
    hours = duty.model_copy(update={"period": duty.period.model_copy(update={"unit": "hours", "length": 24})})
    result = due(hours, at("2026-09-18", 23), CALENDAR)
    rungs = rung_instants(OPERATIONS, hours, result, CALENDAR)
    assert result.due_at == at("2026-09-19", 23)
    assert [rung.kind for rung in rungs][
        0
    ] == "breach"  # two hours earlier is Saturday, the last office hour before that is Friday's
    long = hours.model_copy(update={"period": hours.period.model_copy(update={"length": 48})})
    assert rung_instants(OPERATIONS, long, due(long, at("2026-09-18", 9), CALENDAR), CALENDAR)[0].instant == at(
        "2026-09-18", 17, 29
    )


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('at: "16:00"', 'at: "21:00"', "office hours"),
        ("date: report", "date: reports", "reports"),
        ("kind: breach, expects: debtor-leader", 'kind: breach, at: "09:00", expects: debtor-leader', "breach"),
        ("working_days: 1,", "working_days: x,", "operations.yaml:"),
        ("kind: escalation, working_days: 1", "kind: escalation, working_days: 0", "after the breach"),
        ('from: "09:00"', 'from: "19:00"', "before they begin"),
        ("expects: supervisor", "expects: mayor", "expects"),
    ],
)
def test_a_bad_file_is_refused_with_its_line(tmp_path: Path, old: str, new: str, said: str) -> None:
    file = tmp_path / "operations.yaml"
    text = DEFAULT.read_text(encoding="utf-8")
    assert old in text
    file.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(LawError, match=said) as caught:
        load_operations(file)
    assert str(caught.value).startswith("operations.yaml:")


def test_urgent_cases_are_warned_of_earlier_and_climb_faster() -> None:
    duty = LIBRARY.get("henan-2020").obligation("resolution")
    result = due(duty, date(2026, 9, 7), CALENDAR)
    plain, urgent = (rung_instants(OPERATIONS, duty, result, CALENDAR, urgent=flag) for flag in (False, True))
    assert urgent[0].instant < plain[0].instant and urgent[-1].instant < plain[-1].instant
    assert timedelta(0) < plain[-1].instant - result.due_at


def test_rules_that_leave_a_unit_without_a_ladder_are_refused_when_read_and_not_when_a_duty_needs_it(
    tmp_path: Path,
) -> None:
    file = tmp_path / "operations.yaml"
    file.write_text(DEFAULT.read_text(encoding="utf-8").replace("hours: hours, ", ""), encoding="utf-8")
    with pytest.raises(LawError, match="by_unit names no ladder for hours"):
        load_operations(file)
