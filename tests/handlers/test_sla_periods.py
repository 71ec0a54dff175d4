"""Reports that organisations owe: opened when the period is over, once, by the timers; ended by a filing."""

from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from services.routing.core.decide import World
from services.sla.core.periodic import Period, owed, turns
from services.sla.filing import NotYours
from shared import clock
from shared.events.deadlines import DeadlineEvent
from shared.law.library import Library
from shared.privacy.tokens import Subject
from tests.core.cases import Story, at, complaint
from tests.core.test_unusual import loaded
from tests.handlers.fakes import FakeBus, case_record
from tests.handlers.test_sla_handlers import FakeStore, Process

AGENCY = "11530102XXXXXXX012"
WUHUA, PROVINCE = "11530102XXXXXXX001", "11530000XXXXXXX001"
XINING, QINGHAI = "11630100XXXXXXX001", "11630000XXXXXXX001"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    clock.write(tmp_path / "clock", clock.Reading(datetime.now(UTC), at("2026-09-18 10:00"), 0.0))
    return tmp_path / "clock"


@pytest.fixture
async def sla(world: World, path: Path) -> Process:
    process = Process(world, FakeStore(), FakeBus(), path)
    await process.handler.gained({0})
    return process


def of(process: Process, obligation: str, debtor: str) -> list[DeadlineEvent]:
    return [event for event in process.events() if event.obligation == obligation and event.debtor == debtor]


async def test_a_quarters_report_is_owed_from_its_end_by_every_agency_and_climbs_the_same_ladder(sla: Process) -> None:
    await sla.fire("2026-09-30 23:59:59")
    assert not [event for event in sla.events() if event.period]
    await sla.fire("2026-10-01 00:00")
    (opened,) = of(sla, "quarterly-report", AGENCY)
    assert (opened.type, opened.period, opened.at) == ("opened", "2026-Q3", at("2026-10-01 00:00"))
    assert (opened.due_day.isoformat(), opened.due_at) == ("2026-10-15", at("2026-10-16 00:00"))
    assert {citation.article for citation in opened.citations} == {"18"}
    await sla.fire("2026-10-30 12:00")
    rungs = of(sla, "quarterly-report", AGENCY)[1:]
    assert [(event.rung, event.expected_by) for event in rungs] == [
        ("warning-week", AGENCY), ("warning-last-day", AGENCY), ("breach", AGENCY),
        ("supervision", WUHUA),  # to whom the report is owed
        ("level-above", "11530100XXXXXXX001"),  # above the district's administration: the city's
    ]  # fmt: skip
    assert [event.rung_due for event in rungs] == sorted(event.rung_due for event in rungs if event.rung_due)


async def test_nobody_whom_the_text_leaves_out_owes_one(sla: Process) -> None:
    await sla.fire("2026-10-01 00:00")
    owing = {event.debtor for event in sla.events() if event.obligation == "quarterly-report"}
    assert "11530100XXXXXXX020" not in owing  # the tax office, managed by the central government's line
    assert "12530100XXXXXXX021" not in owing  # a unit under another one reports through it
    assert "11530102XXXXXXX091" not in owing  # abolished in 2018
    assert all(code is not None and code[2:4] == "53" for code in owing)


def owing(world: World, instrument: str, obligation: str, period: Period, **rule: object) -> set[str]:
    """Who owes this report where the text said something else of it."""
    law = world.law.get(instrument)
    duty = law.obligation(obligation)
    changed = duty.model_copy(update={name: value for name, value in rule.items() if name != "venues"})
    governs = law.governs.model_copy(update={"venues": rule["venues"]}) if "venues" in rule else law.governs
    other = law.model_copy(update={"obligations": (changed,), "governs": governs})
    return {one.debtor for one in owed(Library((other,)), world.directory, period, ())}


async def test_who_owes_one_follows_the_places_a_text_governs_and_to_whom_it_is_owed(world: World) -> None:
    quarter = next(p for p in turns(date(2026, 9, 1), date(2026, 10, 1)) if p.label == "2026-Q3")
    year = next(p for p in turns(date(2026, 12, 1), date(2027, 1, 1)) if p.label == "2026")
    everywhere = owing(world, "yunnan-2022", "quarterly-report", quarter)
    stationed = owing(world, "yunnan-2022", "quarterly-report", quarter, venues=("service-centre",))
    assert AGENCY in everywhere - stationed and "11530100XXXXXXX014" in stationed
    assert PROVINCE not in owing(world, "yunnan-2022", "annual-report", year)
    assert {PROVINCE, WUHUA} <= owing(world, "yunnan-2022", "annual-report", year, owed_to="public")


async def test_the_years_report_goes_one_level_up_and_the_province_owes_none(sla: Process) -> None:
    await sla.fire("2027-01-01 00:00")
    assert [event.period for event in of(sla, "annual-report", WUHUA)] == ["2026"]
    assert of(sla, "annual-report", WUHUA)[0].due_day.isoformat() == "2027-01-31"
    assert of(sla, "annual-report", PROVINCE) == [] and of(sla, "half-year-report", WUHUA) == []
    await sla.fire("2027-07-01 00:00")
    assert [event.period for event in of(sla, "half-year-report", WUHUA)][-1] == "2027-H1"


async def test_qinghais_table_is_owed_by_the_city_where_something_came_in_and_by_nobody_else(
    world: World, sla: Process
) -> None:
    story = Story(world, complaint("2026-09-30 23:59:59", division="630102", kind="bad-review", channel="evaluation"))
    await sla.handler.handle([case_record(event) for event in story.events])
    await sla.fire("2026-10-01 00:00")
    tables = [event for event in sla.events() if event.obligation == "monthly-report" and event.type == "opened"]
    assert [(event.debtor, event.period, event.due_day.isoformat()) for event in tables] == [
        (XINING, "2026-09", "2026-10-10")  # a Saturday: a date does not move
    ]
    await sla.fire("2026-11-01 00:00")
    assert len(of(sla, "monthly-report", XINING)) - len([e for e in of(sla, "monthly-report", XINING) if e.rung]) == 1


async def test_after_a_downtime_over_the_turn_each_is_opened_once_by_whoever_comes(
    world: World, sla: Process, path: Path
) -> None:
    clock.step(path, at("2026-11-23 09:00"))
    later = Process(world, sla.store, FakeBus(), path)
    await later.handler.gained({0})
    await later.fire("2026-11-23 09:00")
    assert [event.type for event in of(later, "quarterly-report", AGENCY)] == [
        "opened", "warned", "warned", "breached", "escalated", "escalated"
    ]  # fmt: skip
    again = Process(world, sla.store, FakeBus(), path)
    await again.handler.gained({0})
    await again.fire("2026-11-23 10:00")
    assert again.events() == []


async def test_a_clock_stepped_over_a_year_tells_all_that_was_due_once_and_in_order(world: World, sla: Process) -> None:
    await sla.handler.handle([case_record(event) for event in Story(world).events])
    await sla.fire("2027-12-01 09:00")
    rungs = [event for event in sla.events() if event.rung]
    assert len({event.id for event in rungs}) == len(rungs)
    due = [event.rung_due for event in rungs if event.rung_due]
    assert due == sorted(due) and {event.fired for event in rungs} == {at("2027-12-01 09:00")}
    assert [event.rung for event in rungs if event.obligation == "handover"][-1] == "level-above"
    opened = [event.period for event in of(sla, "quarterly-report", AGENCY) if event.type == "opened"]
    assert opened == ["2026-Q3", "2026-Q4", "2027-Q1", "2027-Q2", "2027-Q3"]


async def test_a_report_due_before_these_duties_were_kept_is_not_made_up_afterwards(sla: Process) -> None:
    await sla.fire("2026-10-01 00:00")
    assert {event.period for event in sla.events() if event.obligation == "quarterly-report"} == {"2026-Q3"}


async def filed(process: Process, duty: str, organisation: str) -> DeadlineEvent:
    return await process.timers.filings.file(duty, Subject(organisation, "officer"))


async def test_a_filing_ends_the_duty_once_and_only_its_own_organisation_may(sla: Process) -> None:
    await sla.fire("2026-10-01 00:00")
    (opened,) = of(sla, "quarterly-report", AGENCY)
    with pytest.raises(NotYours):
        await filed(sla, opened.case_id, WUHUA)
    first, second = await filed(sla, opened.case_id, AGENCY), await filed(sla, opened.case_id, AGENCY)
    assert first == second and first.type == "discharged" and first.late_days is None
    await sla.fire("2026-11-30 00:00")
    assert [event.type for event in of(sla, "quarterly-report", AGENCY)] == ["opened", "discharged"]


async def test_the_platform_may_file_for_anybody_and_an_organisations_system_for_its_own(sla: Process) -> None:
    await sla.fire("2026-10-01 00:00")
    (opened,) = of(sla, "quarterly-report", AGENCY)
    file = sla.timers.filings.file
    with pytest.raises(NotYours):
        await file(opened.case_id, Subject("11530103XXXXXXX012", "system"))
    assert (await file(opened.case_id, Subject("suda-import", "system"))).type == "discharged"
    assert (await file(opened.case_id, Subject(AGENCY, "system"))).type == "discharged"


async def test_the_report_of_an_abolished_agency_is_its_successors_to_file_and_to_be_reminded_of(
    world: World, path: Path
) -> None:
    """0086: an organisation that is gone stands nowhere; its successor stands in its place."""
    heir = "11530102XXXXXXX013"
    directory = loaded({AGENCY: {"until": date(2026, 10, 8), "successor": heir}})
    sla = Process(replace(world, directory=directory), FakeStore(), FakeBus(), path)
    await sla.handler.gained({0})
    await sla.fire("2026-10-01 00:00")
    (opened,) = of(sla, "quarterly-report", AGENCY)
    await sla.fire("2026-10-08 09:00")
    await sla.fire("2026-10-14 09:00")
    assert [event.expected_by for event in of(sla, "quarterly-report", AGENCY) if event.rung] == [AGENCY, heir]
    with pytest.raises(NotYours):
        await filed(sla, opened.case_id, AGENCY)
    assert (await filed(sla, opened.case_id, heir)).type == "discharged"


async def test_a_late_filing_that_is_met_before_its_breach_still_breaches(
    world: World, sla: Process, path: Path
) -> None:
    await sla.fire("2026-10-01 00:00")
    (opened,) = of(sla, "quarterly-report", AGENCY)
    clock.step(path, at("2026-10-19 10:00"))  # nothing has fired since
    done = await filed(sla, opened.case_id, AGENCY)
    assert done.late_days == 2
    await sla.fire("2026-10-30 00:00")
    assert [event.type for event in of(sla, "quarterly-report", AGENCY)] == ["opened", "discharged", "breached"]


async def test_a_filing_dead_between_commit_and_publish_is_carried_out_by_the_next_owner(
    world: World, sla: Process, path: Path
) -> None:
    await sla.fire("2026-10-01 00:00")
    (opened,) = of(sla, "quarterly-report", AGENCY)
    sla.bus.away = 1
    with pytest.raises(Exception, match="away"):
        await filed(sla, opened.case_id, AGENCY)
    successor = Process(world, sla.store, FakeBus(), path)
    await successor.handler.gained({0})
    await successor.fire("2026-10-30 00:00")
    assert [event.type for event in of(successor, "quarterly-report", AGENCY)] == ["discharged"]
    assert sla.store.claims == {}


async def test_a_filing_that_was_in_time_and_met_its_breach_takes_it_back(sla: Process) -> None:
    await sla.fire("2026-10-01 00:00")
    (opened,) = of(sla, "quarterly-report", AGENCY)
    timers = sla.timers
    commit = timers.filings._filed(await known(sla, opened.case_id), opened, at("2026-10-15 23:59:59"))
    real = sla.store.claim

    async def claim(batch: str, partitions: set[int], rungs: list[dict[str, object]]) -> set[str]:
        if any(str(rung["_id"]).endswith(":breach") for rung in rungs):
            await sla.store.journal.append([commit])  # the filing comes in just before the breach is claimed
        return await real(batch, partitions, rungs)

    sla.store.claim = claim  # type: ignore[method-assign]
    await sla.fire("2026-10-16 00:00")
    assert [event.type for event in of(sla, "quarterly-report", AGENCY)][-2:] == ["breached", "breach-withdrawn"]


async def known(process: Process, duty: str):  # type: ignore[no-untyped-def]
    await process.timers.filings.desk.load([duty], anew=True)
    return process.timers.filings.desk.known(duty)
