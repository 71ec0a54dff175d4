"""A further regulation is a folder: no line of code knows of it."""

from datetime import date, datetime, time
from pathlib import Path

import pytest

from shared.law import Calendar, Library, NotInForce, due, load, load_operations, rung_instants
from shared.law.due import ZONE

SIXTH = Path(__file__).parent / "sixth"


@pytest.fixture(scope="module")
def more() -> Library:
    return load(SIXTH)


def bound(library: Library, day: date, kind: str = "complaint") -> str | None:
    return library.bind(division="990102", venue=None, channel="web", kind=kind, received=day).digest


def test_it_stands_beside_the_five(more: Library, library: Library) -> None:
    assert set(more.instruments) == set(library.instruments) | {"linhai-2026"}
    assert all(more.holds(id, each.digest) for id, each in library.instruments.items())


def test_an_amendment_makes_a_second_edition_and_leaves_the_first(more: Library, calendar: Calendar) -> None:
    old, new = (more.in_force("linhai-2026", day) for day in (date(2026, 6, 30), date(2026, 7, 1)))
    assert old.digest != new.digest
    assert due(old.obligation("acceptance"), date(2026, 9, 21), calendar).due_day == date(2026, 9, 24)
    assert due(new.obligation("acceptance"), date(2026, 9, 21), calendar).due_day == date(2026, 9, 22)


def test_a_case_keeps_the_edition_of_the_day_it_was_received(more: Library) -> None:
    before, after = bound(more, date(2026, 6, 30)), bound(more, date(2026, 7, 1))
    assert before and after and before != after
    assert more.get("linhai-2026", before).obligation("acceptance").period.unit == "calendar_days"
    assert more.get("linhai-2026", after).obligation("acceptance").period.unit == "working_days"


def test_it_ends_on_its_last_day(more: Library) -> None:
    assert bound(more, date(2027, 12, 31)) is not None
    assert bound(more, date(2028, 1, 1)) is None
    with pytest.raises(NotInForce, match="2027-12-31"):
        more.in_force("linhai-2026", date(2028, 1, 1))


def test_calendar_days_run_over_rest_days_and_end_on_a_working_day(more: Library, calendar: Calendar) -> None:
    duty = more.in_force("linhai-2026", date(2026, 1, 1)).obligation("acceptance")
    assert due(duty, date(2026, 9, 22), calendar).due_day == date(2026, 9, 28)  # the 25th to the 27th are holidays


def test_hours_run_by_the_clock(more: Library, calendar: Calendar) -> None:
    duty = more.get("linhai-2026").obligation("handover")
    started = datetime.combine(date(2026, 9, 18), time(22, 30), ZONE)
    result = due(duty, started, calendar)
    assert result.due_at == datetime.combine(date(2026, 9, 19), time(2, 30), ZONE)
    assert result.due_day == date(2026, 9, 19)


def test_an_added_extension_reaches_that_much_further(more: Library, calendar: Calendar) -> None:
    duty = more.get("linhai-2026").obligation("resolution")
    result = due(duty, date(2026, 9, 7), calendar)
    assert (result.due_day, result.latest_day) == (date(2026, 9, 16), date(2026, 9, 20))


def test_a_report_may_be_due_inside_its_own_period(more: Library, calendar: Calendar) -> None:
    duty = more.get("linhai-2026").obligation("report")
    assert due(duty, date(2026, 2, 3), calendar).due_day == date(2026, 2, 28)


def test_each_of_its_duties_has_a_ladder(more: Library, calendar: Calendar) -> None:
    operations = load_operations()
    for duty in more.get("linhai-2026").obligations:
        rungs = rung_instants(operations, duty, due(duty, date(2026, 9, 21), calendar), calendar)
        assert [rung.kind for rung in rungs].count("breach") == 1
