"""Clocks that none of the five regulations has: data alone say them, or `law check` says what cannot be said."""

import shutil
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path

import pytest

from shared.law import Calendar, Instrument, LawErrors, due, load, load_operations
from shared.law.due import ZONE
from shared.law.happenings import Happening
from shared.law.history import duties, whatever_class
from tests.law.test_sixth import SIXTH

HOURS = "{unit: hours, length: 4}"
Changed = Callable[[str, str], Instrument]


@pytest.fixture
def changed(tmp_path: Path) -> Changed:
    """The sixth regulation with one text of its data in place of another."""

    def change(old: str, new: str) -> Instrument:
        folder = tmp_path / "linhai-2026"
        shutil.copytree(SIXTH / "linhai-2026", folder)
        text = (folder / "1-all.yaml").read_text(encoding="utf-8")
        assert old in text
        (folder / "1-all.yaml").write_text(text.replace(old, new, 1), encoding="utf-8")
        return load(tmp_path).get("linhai-2026")

    return change


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZONE)


@pytest.mark.parametrize(
    ("counted", "until", "instant"),
    [
        ("limit: 24, counted: total", "2026-09-18", "2026-09-19 00:00"),  # to the end of the day granted
        ("limit: 24, counted: total", "2026-09-19", "2026-09-19 10:30"),  # and never past the last hour
        ("limit: 20, counted: added", "2026-09-30", "2026-09-19 10:30"),
        ("limit: null, counted: total", "2026-09-20", "2026-09-21 00:00"),
        ("limit: 5, counted: total", "2026-09-17", "2026-09-18 14:30"),  # an extension never shortens
    ],
)
def test_hours_are_extended_in_hours(
    changed: Changed, calendar: Calendar, counted: str, until: str, instant: str
) -> None:
    duty = changed(HOURS, f"{HOURS}\n        extension: {{{counted}, decided_by: administration}}").obligation(
        "handover"
    )
    found = due(duty, at("2026-09-18 10:30"), calendar, until=date.fromisoformat(until))
    assert found.due_at == at(instant)


def test_after_a_late_act_in_hours_the_next_hours_run_from_when_it_was_due(
    changed: Changed, calendar: Calendar
) -> None:
    law = changed(
        "      - id: acceptance\n        title: 受理\n",
        "      - {id: promise, title: 承诺, owes: administration, period: {unit: hours, length: 2},\n"
        "         starts: [handed-over], ends: [accepted], late_start: handover}\n"
        "      - id: acceptance\n        title: 受理\n",
    )
    history = [Happening("received-by-administration", at("2026-09-18 10:30"))]
    for done, due_at in (("2026-09-18 14:29", "2026-09-18 16:29"), ("2026-09-18 15:00", "2026-09-18 16:30")):
        late = [*history, Happening("handed-over", at(done))]
        found = duties(law, late, calendar, kind="complaint", channel="web")
        assert found["promise", 1].due.due_at == at(due_at)


def test_lateness_is_handed_on_through_a_chain_of_acts_whatever_order_the_text_lists_them_in(
    changed: Changed, calendar: Calendar
) -> None:
    chain = (
        "      - {id: third, title: 三, owes: administration, period: {unit: working_days, length: 3},\n"
        "         starts: [replied], ends: [closed], late_start: second}\n"
        "      - {id: second, title: 二, owes: administration, period: {unit: working_days, length: 3},\n"
        "         starts: [accepted], ends: [replied], late_start: first}\n"
        "      - {id: first, title: 一, owes: administration, period: {unit: working_days, length: 3},\n"
        "         starts: [received-by-administration], ends: [accepted]}\n"
    )
    law = changed(
        "      - id: acceptance\n        title: 受理\n", chain + "      - id: acceptance\n        title: 受理\n"
    )
    history = [
        Happening("received-by-administration", at("2026-09-01 09:00")),
        Happening("accepted", at("2026-09-10 09:00")),  # was due on the 4th
        Happening("replied", at("2026-09-20 09:00")),  # was due on the 9th
    ]
    found = duties(law, history, calendar, kind="complaint", channel="web")
    assert [found[name, 1].due.start_day.day for name in ("first", "second", "third")] == [1, 4, 9]
    [last] = whatever_class(law, "third", history, calendar)
    assert last.due.due_day == date(2026, 9, 14)


@pytest.mark.parametrize(
    ("period", "day", "last"),
    [
        ("each: month, months_after: 1, day: 31", "2026-01-15", "2026-02-28"),
        ("each: month, months_after: 1, day: 30", "2024-01-15", "2024-02-29"),
        ("each: month, months_after: 0, day: 31", "2026-12-01", "2026-12-31"),
        ("each: year, months_after: 3, day: 31", "2026-05-01", "2027-03-31"),
        ("each: year, months_after: 2, day: last", "2027-05-01", "2028-02-29"),
        ("each: quarter, months_after: 24, day: 10", "2026-12-01", "2028-12-10"),
        ("each: half-year, only: [2], months_after: 1, day: 20", "2026-08-01", "2027-01-20"),
    ],
)
def test_reports_by_a_day_of_a_month(changed: Changed, calendar: Calendar, period: str, day: str, last: str) -> None:
    duty = changed("each: month, months_after: 0, day: last", period).obligation("report")
    assert due(duty, date.fromisoformat(day), calendar).due_day == date.fromisoformat(last)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("owes: agency\n        owed_to: administration\n        per", "owes: officer\n        per", "owed by one of"),
        ("owes: agency\n        owed_to: administration\n        per", "owes: superior\n        per", "owed by one of"),
        ("each: month,", "each: week,", "each"),
        ("{unit: date, each: month, months_after: 0, day: last}", "{unit: working_days, length: 5}", "with a date"),
        (HOURS, "{unit: minutes, length: 30}", "unit"),
        (HOURS, f"{HOURS}\n        extension: {{limit: 3, counted: total, decided_by: administration}}", "below"),
        ("starts: [received-by-administration]", "starts: [fined]", "starts"),
    ],
)
def test_what_the_data_cannot_say_is_refused_with_its_line(changed: Changed, old: str, new: str, said: str) -> None:
    with pytest.raises(LawErrors) as caught:
        changed(old, new)
    told = [str(fault) for fault in caught.value.faults]
    assert any(said in fault and "1-all.yaml:" in fault for fault in told), told


def test_what_the_complainant_owes_is_nobodys_to_be_chased_for(changed: Changed) -> None:
    law = changed("title: 质检\n        owes: administration", "title: 补正\n        owes: complainant")
    ladder = load_operations().rungs(law.id, law.obligation("check"))
    assert [rung.kind for rung in ladder] == ["warning", "breach"]


def test_an_urgent_case_keeps_the_warning_of_a_period_in_hours_and_does_not_hasten_the_complainant(
    changed: Changed,
) -> None:
    law, operations = (
        changed("title: 质检\n        owes: administration", "title: 补正\n        owes: complainant"),
        load_operations(),
    )
    for name in ("handover", "check"):
        duty = law.obligation(name)
        assert operations.rungs(law.id, duty, urgent=True) == operations.rungs(law.id, duty)
    duty = law.obligation("resolution")
    assert operations.rungs(law.id, duty, urgent=True) != operations.rungs(law.id, duty)
