"""What moves a due day besides an extension, and clocks the five regulations do not have: hours, by the minute."""

from dataclasses import replace
from datetime import date

import pytest

from services.routing.core.decide import World
from services.sla.core.timers import prevented, row, rungs
from services.sla.core.watch import Emitted, Facts, Watched, changes
from shared.events.deadlines import DeadlineEvent
from shared.law import load
from shared.law.happenings import Happening, Start
from shared.law.operations import load_operations
from tests.core.cases import at
from tests.law.test_sixth import SIXTH

OPERATIONS = load_operations()


class Case:
    """One case, followed happening by happening."""

    def __init__(self, world: World, instrument: str, kind: str = "complaint") -> None:
        self.world, self.law = world, world.law.get(instrument)
        facts = Facts(instrument=instrument, kind=kind, channel="web")
        self.watched = Watched("00000000-0000-5000-8000-000000000001", facts=facts)
        self.emitted = self.watched.emitted

    def then(self, on: str, when: str, **more: object) -> list[DeadlineEvent]:
        """What the next event of the case changes."""
        happened = Happening(on, at(when), **more)  # type: ignore[arg-type]
        now = replace(self.watched, seq=self.watched.seq + 1, history=(*self.watched.history, happened))
        self.emitted = now.emitted
        self.watched, found = changes(now, self.law, self.world.calendar, at(when))
        return found

    def taken_back(self, event: DeadlineEvent) -> Emitted | None:
        """Which breach the event shows not to have happened."""
        return prevented(event, self.emitted.get((event.obligation, event.generation)))


def started(obligation: str, when: str, until: date | None = None) -> tuple[Start, ...]:
    return (Start(obligation, at(when).date(), at(when), until),)


@pytest.fixture
def sixth(world: World) -> World:
    return replace(world, law=load(SIXTH))


def test_a_merge_brings_the_earlier_day_says_so_and_its_undoing_brings_the_own_day_back(world: World) -> None:
    case = Case(world, "yunnan-2022")
    case.then("received-by-agency", "2026-09-21 10:00")
    (brought,) = case.then(
        "took-over", "2026-09-22 10:00", other="b", other_seq=5, starts=started("acceptance", "2026-09-17 10:00")
    )
    assert (brought.type, brought.from_day, brought.due_day) == ("reprojected", date(2026, 9, 24), date(2026, 9, 21))
    assert brought.why and brought.start_day == date(2026, 9, 17) and brought.citations
    assert case.taken_back(brought) is None  # whatever was late is later still
    (back,) = case.then("took-over", "2026-09-23 10:00", other="b", other_seq=6)
    assert (back.type, back.from_day, back.due_day) == ("reprojected", date(2026, 9, 21), date(2026, 9, 24))
    undone = case.taken_back(back)
    assert undone is not None and undone.due_at == at("2026-09-22 00:00")


ACCEPTED = "2026-09-22 10:00"  # due on 13 October, at most on the 27th
LATER = "2026-09-30 10:00"  # due on 20 October, at most on 3 November


@pytest.mark.parametrize(
    ("brought", "own", "before", "after", "due", "change"),
    [
        # an earlier clock that was extended stays extended: nobody missed the day it was first due
        ((ACCEPTED, "2026-10-27"), LATER, None, None, "2026-10-20", None),
        ((ACCEPTED, "2026-10-15"), LATER, None, None, "2026-10-15", "reprojected"),
        ((ACCEPTED, "2026-10-15"), LATER, "2026-10-30", None, "2026-10-15", "reprojected"),
        # one's own extension does not lengthen the clock that is brought
        ((ACCEPTED, None), LATER, "2026-10-30", None, "2026-10-13", "reprojected"),
        ((LATER, None), ACCEPTED, "2026-10-27", None, "2026-10-20", "reprojected"),
        # granted to what is handled as one, it stretches both, each within its own limit
        ((ACCEPTED, None), LATER, None, "2026-10-30", "2026-10-27", "extended"),
        ((ACCEPTED, "2026-10-26"), LATER, None, "2026-10-30", "2026-10-26", "extended"),
        ((LATER, None), ACCEPTED, None, "2026-10-23", "2026-10-23", "extended"),
    ],
)  # fmt: skip
def test_of_merged_clocks_the_one_that_is_due_first_counts_as_far_as_each_was_extended(
    world: World,
    brought: tuple[str, str | None],
    own: str,
    before: str | None,
    after: str | None,
    due: str,
    change: str | None,
) -> None:
    """Yunnan 13: merging lengthens nothing, and makes nobody late who was not."""
    case, (start, until) = Case(world, "yunnan-2022"), brought
    case.then("received-by-agency", own)
    case.then("accepted", own)
    extended = date.fromisoformat(until) if until else None
    if before:
        case.then("extension-approved", "2026-10-09 10:00", until=date.fromisoformat(before))
    clocks = started("resolution", start, extended)
    made = case.then("took-over", "2026-10-10 10:00", other="b", other_seq=5, starts=clocks)
    if after:
        made = case.then("extension-approved", "2026-10-12 10:00", until=date.fromisoformat(after))
    assert [event.type for event in made] == ([change] if change else [])
    assert case.watched.emitted["resolution", 1].due_day == date.fromisoformat(due)
    at_last = case.then("took-over", "2026-10-12 11:00", other="b", other_seq=6)
    lasting = before or after or {ACCEPTED: "2026-10-13", LATER: "2026-10-20"}[own]
    assert case.watched.emitted["resolution", 1].due_day == date.fromisoformat(lasting), at_last


def test_a_presumed_start_gives_way_to_the_real_one(world: World) -> None:
    case = Case(world, "qinghai-2022")
    case.then("received-by-agency", "2026-09-21 09:00")
    (moved,) = case.then("accused-told", "2026-09-23 09:00")
    assert (moved.obligation, moved.type, moved.due_day) == ("appeal", "reprojected", date(2026, 9, 28))
    assert case.taken_back(moved) == Emitted(date(2026, 9, 23), at("2026-09-24 00:00"), "open")


@pytest.mark.parametrize("before", ["accused-told", "first-contact"])
def test_who_has_asked_for_a_review_is_given_no_second_time_to_ask(world: World, before: str) -> None:
    """Qinghai 9: told again, or handed over only afterwards; else there is a breach that nobody could prevent."""
    case = Case(world, "qinghai-2022")
    case.then(before, "2026-09-18 09:00")
    case.then("appealed", "2026-09-18 10:00")
    case.then("received-by-agency", "2026-09-21 09:00")
    case.then("accused-told", "2026-09-22 09:00")
    appeals = {key: one.status for key, one in case.watched.emitted.items() if key[0] == "appeal"}
    assert appeals == ({("appeal", 1): "met"} if before == "accused-told" else {})
    assert case.watched.emitted["review", 1].status == "open"


def test_what_another_class_ends_is_still_said_to_have_run_from_its_own_start(world: World) -> None:
    case = Case(world, "yunnan-2022")
    case.then("received-by-agency", "2026-09-21 09:00")
    case.then("accepted", "2026-09-22 09:00")
    ended = case.then("classified", "2026-09-23 09:00", disposal="on-spot")[-1]
    assert (ended.obligation, ended.type) == ("resolution", "superseded")
    assert (ended.start_day, ended.due_day) == (date(2026, 9, 22), date(2026, 10, 13))
    assert ended.interpretation and {citation.article for citation in ended.citations} == {"13", "12"}


def test_only_an_extension_is_called_one(world: World) -> None:
    case = Case(world, "yunnan-2022")
    case.then("received-by-agency", "2026-09-21 09:00")
    case.then("accepted", "2026-09-22 09:00")
    (event,) = case.then("extension-approved", "2026-09-23 09:00", until=date(2026, 10, 20))
    assert (event.type, event.why) == ("extended", None)


def test_what_ended_a_duty_in_time_takes_its_breach_back_whatever_ended_it(world: World) -> None:
    for when, held in (("2026-09-22 23:59:59", True), ("2026-09-23 00:00", False)):
        case = Case(world, "yunnan-2022")
        case.then("received-by-agency", "2026-09-18 09:00")
        (gone,) = case.then("withdrawn", when)
        assert gone.type == "superseded" and (case.taken_back(gone) is not None) == held


def test_hours_run_from_the_minute_and_no_rung_stands_before_it(sixth: World) -> None:
    case = Case(sixth, "linhai-2026")
    (opened,) = case.then("received-by-administration", "2026-09-18 10:30")
    stored = row(opened, 0, case.law.obligation("handover"), OPERATIONS, sixth.calendar)
    assert [(rung.name, rung.at) for rung in rungs(stored)] == [
        ("warning-hours", at("2026-09-18 12:30")),
        ("breach", at("2026-09-18 14:30")),
        ("supervision", at("2026-09-20 09:00")),  # a make-up Sunday
    ]


@pytest.mark.parametrize(("done", "judged"), [("14:29:59.999999", "met"), ("14:30", "late")])
def test_hours_are_judged_to_the_instant_on_the_day_itself(sixth: World, done: str, judged: str) -> None:
    case = Case(sixth, "linhai-2026")
    case.then("received-by-administration", "2026-09-18 10:30")
    (event,) = case.then("handed-over", f"2026-09-18 {done}")
    assert case.watched.emitted["handover", 1].status == judged
    assert (case.taken_back(event) is not None) == (judged == "met")


def test_an_earlier_start_within_the_day_moves_a_period_in_hours(sixth: World) -> None:
    case = Case(sixth, "linhai-2026")
    case.then("received-by-administration", "2026-09-18 10:30")
    (moved,) = case.then(
        "took-over", "2026-09-18 11:00", other="b", other_seq=5, starts=started("handover", "2026-09-18 09:00")
    )
    assert (moved.type, moved.due_at) == ("reprojected", at("2026-09-18 13:00"))
    stored = row(moved, 0, case.law.obligation("handover"), OPERATIONS, sixth.calendar)
    assert [rung.at for rung in rungs(stored) if rung.kind == "breach"] == [moved.due_at]
