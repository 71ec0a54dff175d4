"""The timers on real parts: whatever dies, when it dies, each rung is told once, none early, none lost.

Every test ends with `suda verify`, which replays the whole record (services/cli/proof).
"""

from collections import Counter
from collections.abc import AsyncIterator, Iterator
from datetime import date, datetime, timedelta

import httpx
import pytest

from shared.events import deadlines, topics
from shared.events.deadlines import DeadlineEvent
from shared.stack import Running
from tests.connected.pipeline import AGENCY, Pipeline, at, meeting, metric, started, until, working_day

pytestmark = pytest.mark.connected
LADDER = ["warning-before", "warning-last-day", "breach", "level-above"]
POINTS = [
    "timers: look, note",
    "timers: note, claim",
    "timers: claim, publish",
    "timers: publish, confirm",
]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with started(tmp_path_factory.mktemp("timers") / "home") as running:
        yield running


@pytest.fixture
async def suda(whole: Running) -> AsyncIterator[Pipeline]:
    async with meeting(whole) as pipeline:
        yield pipeline


async def pending(suda: Pipeline, count: int) -> tuple[list[str], datetime]:
    """Cases nobody hands over, and the instant at which their hand-over is late (two working days)."""
    day = await suda.morning()
    found = [(await suda.complain())["case_id"] for _ in range(count)]
    await suda.settle()
    return found, at(working_day(day, 2), 0) + timedelta(days=1)


async def rungs(suda: Pipeline, cases: list[str]) -> list[DeadlineEvent]:
    """The rungs of these cases' hand-over as a reader folds them: by id, in the order of the log."""
    found: dict[str, DeadlineEvent] = {}
    for record in await suda.records(topics.DEADLINES):
        event = deadlines.parse(record.value)
        if event.case_id in cases and event.obligation == "handover" and event.rung:
            assert found.setdefault(event.id, event) == event
    return list(found.values())


async def told(suda: Pipeline, cases: list[str], names: list[str]) -> bool:
    counted = Counter(event.rung for event in await rungs(suda, cases))
    return all(counted[name] == len(cases) for name in names)


async def hold(suda: Pipeline, cases: list[str], names: list[str]) -> None:
    """Each case has exactly these rungs, once, none before its instant; and the whole record holds."""
    await suda.settle()
    found = await rungs(suda, cases)
    assert Counter((e.case_id, e.rung) for e in found) == Counter((c, name) for c in cases for name in names)
    assert all(event.fired and event.rung_due and event.fired >= event.rung_due for event in found)
    await suda.verify()


@pytest.mark.parametrize("point", POINTS)
async def test_killed_at_any_step_each_rung_is_told_once(suda: Pipeline, point: str) -> None:
    cases, late = await pending(suda, 8)
    armed = suda.arm(point)
    suda.turn(late)
    await until(lambda: not armed.exists(), f"nobody passed “{point}”")
    await until(lambda: told(suda, cases, LADDER[:3]), "every breach is told")
    await hold(suda, cases, LADDER[:3])


@pytest.mark.parametrize("point", ["sla: journal, publish", "sla: publish, watch"])
async def test_killed_while_a_duty_is_opened_it_is_watched_all_the_same(suda: Pipeline, point: str) -> None:
    armed = suda.arm(point)
    cases, late = await pending(suda, 4)
    await until(lambda: not armed.exists(), f"nobody passed “{point}”")
    suda.turn(late)
    await until(lambda: told(suda, cases, LADDER[:3]), "every breach is told")
    await hold(suda, cases, LADDER[:3])


UNPROMPTED = [
    "sla: unprompted note, journal",
    "sla: unprompted journal, publish",
    "sla: unprompted publish, watch",
    "sla: unprompted watch, confirm",
]


async def reports(suda: Pipeline, since: datetime) -> dict[str, list[DeadlineEvent]]:
    """What was said of each periodic duty that began then or later, by duty, each event once."""
    found: dict[str, dict[str, DeadlineEvent]] = {}
    for record in await suda.records(topics.DEADLINES):
        event = deadlines.parse(record.value)
        if event.period and event.due_at > since and event.obligation == "quarterly-report":
            assert found.setdefault(event.case_id, {}).setdefault(event.id, event) == event
    return {duty: list(said.values()) for duty, said in found.items()}


def turn_of_quarter(now: datetime) -> datetime:
    month = (now.month - 1) // 3 * 3 + 4
    return at(date(now.year + month // 13, (month - 1) % 12 + 1, 1), 0)


@pytest.mark.parametrize("point", UNPROMPTED)
async def test_killed_while_a_report_is_opened_or_filed_it_is_told_once_and_climbs_the_ladder(
    suda: Pipeline, point: str
) -> None:
    before, turn = await reports(suda, suda.now), turn_of_quarter(suda.now)
    armed = suda.arm(point)
    suda.turn(turn)
    await until(lambda: not armed.exists(), f"nobody passed “{point}” at an opening")
    await suda.settle()
    opened = {duty: said for duty, said in (await reports(suda, turn)).items() if duty not in before}
    assert opened and all([event.type for event in said] == ["opened"] for said in opened.values())
    filed = next(duty for duty, said in opened.items() if said[0].debtor == AGENCY)
    armed = suda.arm(point)
    url = f"{suda.running.url('sla')}/v1/periodic-duties/{filed}/filings"
    with pytest.raises(httpx.TransportError):
        await suda.http.post(url, headers=suda.bearer("officer", AGENCY))
    assert not armed.exists()

    async def acknowledged() -> bool:
        return (await suda.http.post(url, headers=suda.bearer("officer", AGENCY))).status_code == 201

    await until(acknowledged, "it is filed")
    suda.turn(turn + timedelta(days=40))
    await suda.settle()
    for duty, said in (await reports(suda, turn)).items():
        if duty in opened:
            ladder = ["warned", "warned", "breached", "escalated", "escalated"]
            after = ["discharged"] if duty == filed else ladder
            assert [event.type for event in said] == ["opened", *after]
    await suda.verify()


async def test_a_process_that_sleeps_past_its_session_is_replaced_and_does_no_harm_when_it_wakes(
    suda: Pipeline,
) -> None:
    cases, late = await pending(suda, 12)
    suda.running.start("sla-2")
    try:
        suda.running.pause("sla")
        suda.turn(late)
        await until(lambda: told(suda, cases, LADDER[:3]), "the other process tells every breach")
        suda.running.resume("sla")
        await hold(suda, cases, LADDER[:3])
        suda.running.pause("sla-2")
        suda.turn(late + timedelta(days=14))
        await until(lambda: told(suda, cases, LADDER), "the first one takes over again")
    finally:
        suda.running.resume("sla")
        suda.running.resume("sla-2")
        suda.running.stop("sla-2")
    await hold(suda, cases, LADDER)


@pytest.mark.parametrize("part", ["store", "kafka"])
async def test_with_the_store_or_the_broker_killed_while_rungs_fire_none_is_lost(suda: Pipeline, part: str) -> None:
    cases, late = await pending(suda, 30)
    suda.turn(late)
    suda.running.kill(part)
    await until(lambda: told(suda, cases, LADDER[:3]), "every breach is told")
    await hold(suda, cases, LADDER[:3])


async def test_while_routing_has_not_decided_what_came_in_nothing_fires_and_it_shows(suda: Pipeline) -> None:
    cases, late = await pending(suda, 3)
    suda.running.pause("routing")
    await suda.post_complaint()
    suda.turn(late)

    async def shows() -> bool:
        page = (await suda.http.get(f"{suda.running.url('sla')}/metrics")).text
        return metric(page, "suda_barrier_age_seconds") > 1

    await until(shows, "the age of the barrier shows")
    assert "breach" not in {event.rung for event in await rungs(suda, cases)}
    suda.running.resume("routing")
    await until(lambda: told(suda, cases, LADDER[:3]), "every breach is told")
    await hold(suda, cases, LADDER[:3])


async def test_after_a_month_without_sla_everything_missed_is_told_once_in_due_order(suda: Pipeline) -> None:
    first, late = await pending(suda, 6)
    suda.turn(late - timedelta(days=1, hours=15))
    second, later = await pending(suda, 6)
    suda.running.stop("sla")
    back = later + timedelta(days=30)
    suda.turn(back)
    suda.running.start("sla")
    cases = first + second
    await until(lambda: told(suda, cases, LADDER), "every missed rung is told")
    await hold(suda, cases, LADDER)
    missed = [event for event in await rungs(suda, cases) if event.fired and event.fired >= back]
    due: dict[int, list[datetime]] = {}
    for record in await suda.records(topics.DEADLINES):
        event = deadlines.parse(record.value)
        if event in missed and event.rung_due:
            due.setdefault(record.partition, []).append(event.rung_due)
    assert missed and all(instants == sorted(instants) for instants in due.values())
    assert all(event.late_days for event in missed if event.rung in LADDER[2:])


async def test_a_reply_in_time_behind_a_long_queue_never_breaches(suda: Pipeline) -> None:
    cases, late = await pending(suda, 2)
    suda.running.pause("routing")
    await suda.post_act(cases[0], "hand-over", "supervisor", "11530102XXXXXXX001", to="11530102XXXXXXX012")
    suda.turn(late)
    suda.running.resume("routing")
    await until(lambda: told(suda, cases[1:], LADDER[:3]), "the other one breaches")
    await suda.settle()
    assert "breach" not in {event.rung for event in await rungs(suda, cases[:1])}
    await suda.verify()
