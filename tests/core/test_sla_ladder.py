"""Who is expected to act at each rung, urgent cases, and the cases that no regulation gives a first period."""

from dataclasses import replace
from datetime import date, datetime, timedelta

import pytest

from services.routing.core.decide import World
from services.sla.core.ladder import expected_by
from services.sla.core.timers import fired, row, rungs
from services.sla.core.unwatched import Watches
from services.sla.core.watch import Facts, Watched, advance, changes
from services.sla.heap import Heap, instant, micros
from shared.clock import ZONE
from shared.directory.model import Organisation
from shared.events.cases import AnyCaseEvent
from shared.events.deadlines import DeadlineEvent
from shared.law.happenings import Happening
from shared.law.operations import load_operations
from tests.core.cases import Story, at, complaint
from tests.core.test_unusual import loaded

WUHUA, KUNMING, YUNNAN = "11530102XXXXXXX001", "11530100XXXXXXX001", "11530000XXXXXXX001"
AGENCY = "11530102XXXXXXX012"
DAY = date(2026, 9, 21)
OPERATIONS = load_operations()
RULES = Watches(OPERATIONS.watches, OPERATIONS.label)


@pytest.mark.parametrize(
    ("expects", "owes", "facts", "code"),
    [
        ("debtor", "agency", Facts(division="530102", accountable=AGENCY, administration=WUHUA), AGENCY),
        ("debtor-leader", "agency", Facts(division="530102", accountable=AGENCY, administration=WUHUA), AGENCY),
        ("supervisor", "agency", Facts(division="530102", accountable=AGENCY, administration=WUHUA), WUHUA),
        ("level-above", "agency", Facts(division="530102", accountable=AGENCY, administration=WUHUA), KUNMING),
        ("level-above", "administration", Facts(division="530102", administration=WUHUA), KUNMING),
        ("level-above", "administration", Facts(division="530100", administration=KUNMING), YUNNAN),
        ("level-above", "administration", Facts(division="530000", administration=YUNNAN), None),
        (
            "debtor",
            "agency",
            Facts(division="530102", administration=WUHUA),
            WUHUA,
        ),  # nobody's yet
        ("supervisor", "agency", Facts(division="530181", accountable=AGENCY), KUNMING),  # has no own administration
        ("debtor", "superior", Facts(division="530102", accountable=AGENCY, administration=WUHUA), KUNMING),
        ("level-above", "superior", Facts(division="530102", accountable=AGENCY, administration=WUHUA), YUNNAN),
        ("debtor", "complainant", Facts(division="530102", accountable=AGENCY, administration=WUHUA), None),
        ("debtor", "receiver", Facts(division="530102", administration=WUHUA, receiver=AGENCY), AGENCY),
        # nobody supervises itself: not the administration its own duty, nor a case that is its own to answer for
        ("supervisor", "administration", Facts(division="530102", accountable=AGENCY, administration=WUHUA), KUNMING),
        ("supervisor", "agency", Facts(division="530102", accountable=WUHUA, administration=WUHUA), KUNMING),
        ("supervisor", "agency", Facts(division="530000", accountable=YUNNAN, administration=YUNNAN), None),
        # not handed over yet: whoever lies with it is to act, not the unit that has not been given it
        ("debtor", "agency", Facts(division="530102", accountable=AGENCY, administration=WUHUA, held=True), WUHUA),
        (
            "supervisor",
            "agency",
            Facts(division="530102", accountable=AGENCY, administration=WUHUA, held=True),
            KUNMING,
        ),
        ("debtor", "receiver", Facts(division="530102", administration=WUHUA, receiver=AGENCY, held=True), AGENCY),
    ],
)
def test_each_word_names_an_organisation(world: World, expects: str, owes: str, facts: Facts, code: str | None) -> None:
    assert expected_by(expects, owes, facts, world.directory, DAY) == code


HEIR, NEW = "11530102XXXXXXX013", "11530102XXXXXXX099"
GONE = {"until": date(2026, 9, 20)}


@pytest.mark.parametrize(
    ("changed", "expects", "code"),
    [
        ({AGENCY: GONE | {"successor": HEIR}}, "debtor", HEIR),
        ({AGENCY: GONE}, "debtor", WUHUA),  # nobody came after it: the administration's
        ({WUHUA: GONE | {"successor": NEW}}, "supervisor", NEW),
        ({WUHUA: GONE | {"successor": NEW}}, "level-above", KUNMING),  # not the successor, which is of the same level
        ({WUHUA: GONE}, "supervisor", KUNMING),
        ({WUHUA: GONE}, "level-above", YUNNAN),
        ({WUHUA: GONE, KUNMING: GONE}, "supervisor", YUNNAN),
        ({WUHUA: GONE, KUNMING: GONE, YUNNAN: GONE}, "supervisor", None),
    ],
)
def test_no_rung_names_an_abolished_organisation(
    changed: dict[str, dict[str, object]], expects: str, code: str
) -> None:
    directory = loaded(changed)
    new = Organisation(code=NEW, name="五华区数据局（样例）", kind="administration", division="530102", sample=True)
    directory.apply(new, directory.offset + 1)
    facts = Facts(division="530102", accountable=AGENCY, administration=WUHUA)
    assert expected_by(expects, "agency", facts, directory, DAY) == code


def test_a_case_that_was_not_handed_over_is_the_administrations_to_see_to(world: World) -> None:
    """Qinghai 7, 8: the five days run from the administration's receipt; the unit has not been given it yet."""
    unit, office = "11630102XXXXXXX012", "11630102XXXXXXX001"
    story = Story(world, complaint(division="630102", matter={}, accused={"organisation": unit}))
    watched, _ = followed(world, story.events)
    assert watched.facts.held and watched.facts.accountable == unit
    assert expected_by("debtor", "agency", watched.facts, world.directory, DAY) == office
    story.applied("verify", "2026-09-18 11:00", "supervisor", result="confirmed")
    story.applied("hand-over", "2026-09-18 12:00", "supervisor", to=unit)
    watched, _ = followed(world, story.events)
    assert expected_by("debtor", "agency", watched.facts, world.directory, DAY) == unit


def followed(world: World, events: list[AnyCaseEvent]) -> tuple[Watched, list[DeadlineEvent]]:
    watched, found = Watched(events[0].case_id), list[DeadlineEvent]()
    for event in events:
        law = world.law.get(event.instrument) if event.instrument else None
        here = world.calendar.at("530102")
        watched, made = changes(advance(watched, event), law, here, event.at, RULES)
        found += made
    return watched, found


def test_a_breach_and_what_follows_say_how_late_in_working_days_and_under_which_label(world: World) -> None:
    watched, (opened,) = followed(world, Story(world).events)
    duty = world.law.get("yunnan-2022").obligation("handover")
    stored = row(opened, 0, duty, OPERATIONS, world.calendar, watched.facts, watched.seq)
    made = [
        fired(opened, rung, rung.at, watched.facts, world.directory, world.calendar, OPERATIONS.label)
        for rung in rungs(stored)
    ]
    assert [(event.rung, event.late_days, event.expected_by) for event in made] == [
        ("warning-before", None, WUHUA),
        ("warning-last-day", None, WUHUA),
        ("breach", 1, WUHUA),
        ("level-above", 2, KUNMING),
    ]
    assert {event.label for event in made} == {OPERATIONS.label}


def test_whoever_must_answer_is_named_from_the_opening_on_also_where_the_period_began_before_that_was_known(
    world: World,
) -> None:
    """Zaozhuang 18(3): from whoever first received it; the case is opened first and dispatched after."""
    unit = "11370400XXXXXXX012"
    came = complaint(division="370400", channel="letter", matter={}, accused={"organisation": unit})
    _, opened = followed(world, Story(world, came).events)
    assert {event.obligation: event.debtor for event in opened} == {
        "first-response": "11370400XXXXXXX001", "leader-approved": unit, "unassigned-watch": "11370400XXXXXXX001"
    }  # fmt: skip
    assert all(event.type == "opened" and event.at == came.received_at for event in opened)


def test_an_urgent_case_climbs_its_own_ladder(world: World) -> None:
    story = Story(world, complaint(urgent=True)).handed_over().accepted()
    watched, events = followed(world, story.events)
    assert watched.facts.urgent
    opened = next(event for event in events if event.obligation == "resolution")
    duty = world.law.get("yunnan-2022").obligation("resolution")
    names = [rung.name for rung in rungs(row(opened, 0, duty, OPERATIONS, world.calendar, watched.facts))]
    assert names == ["warning-early", "warning-before", "warning-last-day", "breach", "supervision", "level-above"]


def test_an_unbound_case_is_watched_for_its_administration_without_any_law(world: World) -> None:
    watched, (opened,) = followed(world, Story(world, complaint("2022-07-08 10:00")).events)
    assert (opened.obligation, opened.owes, opened.debtor) == ("unbound-watch", "administration", WUHUA)
    assert (opened.instrument, opened.citations, opened.label) == ("operations", (), OPERATIONS.label)
    assert opened.due_day == date(2022, 7, 12) and opened.interpretation is None
    stored = row(opened, 0, RULES.all.obligation("unbound-watch"), OPERATIONS, world.calendar, watched.facts)
    assert [rung.name for rung in rungs(stored)][-1] == "level-above"


def test_an_unassigned_case_is_watched_only_where_the_text_has_no_period_for_handing_over(world: World) -> None:
    came = complaint(division="630102", kind="bad-review", channel="evaluation", accused={}, matter={})
    _, qinghai = followed(world, Story(world, came).events)
    assert "unassigned-watch" in {event.obligation for event in qinghai}
    _, yunnan = followed(world, Story(world).events)
    assert {event.obligation for event in yunnan} == {"handover"}


@pytest.mark.parametrize("only", [{"channels": ("hotline",)}, {"kinds": ("suggestion",)}, {"when_class": ("on-spot",)}])
def test_a_period_for_handing_over_some_cases_leaves_no_other_unwatched(
    world: World, only: dict[str, tuple[str, ...]]
) -> None:
    """For a further regulation, whose hand-over is of some channels, kinds or classes only."""
    law = world.law.get("yunnan-2022")
    some = law.obligation("handover").model_copy(update=only)
    narrow = law.model_copy(update={"obligations": (some, *law.obligations[1:]), "digest": "narrow"})
    watched = Watched("00000000-0000-5000-8000-000000000001")
    for event in Story(world).events:
        watched, made = changes(advance(watched, event), narrow, world.calendar, event.at, RULES)
    assert [(event.obligation, event.instrument) for event in made] == [("unassigned-watch", "operations")]


@pytest.mark.parametrize(("bound", "judged"), [("2022-07-12 23:59:59", None), ("2022-07-13 00:00", 1)])
def test_the_watch_over_an_unbound_case_is_over_when_it_is_bound_and_that_may_be_late(
    world: World, bound: str, judged: int | None
) -> None:
    watched, _ = followed(world, Story(world, complaint("2022-07-08 10:00")).events)
    law, happened = world.law.get("yunnan-2022"), Happening("rebound", at(bound))
    facts = replace(watched.facts, instrument=law.id, law_digest=law.digest)
    now = replace(watched, seq=3, facts=facts, history=(*watched.history, happened))
    _, made = changes(now, law, world.calendar, at(bound), RULES)
    done = next(event for event in made if event.obligation == "unbound-watch")
    assert (done.type, done.late_days, done.instrument) == ("discharged", judged, "operations")
    assert [event.obligation for event in made if event.type == "opened"] == ["handover"]


def test_a_case_that_is_taken_back_is_watched_no_longer(world: World) -> None:
    story = Story(world, complaint("2022-07-08 10:00"))
    story.applied("withdraw", "2022-07-09 10:00", "complainant")
    _, events = followed(world, story.events)
    assert [event.type for event in events] == ["opened", "discharged"]


def stored_row(name: str, *when: str, partition: int = 0) -> dict[str, object]:
    found = [
        {"name": f"r{n}", "kind": "warning", "expects": "debtor", "at": at(one).isoformat()}
        for n, one in enumerate(when)
    ]
    return {"_id": f"{name}:x:1@2026-09-21", "partition": partition, "rungs": found}


def test_rungs_of_many_duties_come_in_order_of_time_not_duty_by_duty() -> None:
    heap = Heap()
    heap.push(stored_row("a", "2026-09-01 09:00", "2026-09-05 09:00"))
    heap.push(stored_row("b", "2026-09-03 09:00", "2026-09-04 09:00"))
    taken = heap.take(at("2026-09-30 00:00"), 10, {0})
    assert [(one.rung.row[0], one.rung.name) for one in taken] == [("a", "r0"), ("b", "r0"), ("b", "r1"), ("a", "r1")]
    assert heap.first is None


def test_what_was_put_back_comes_again_and_what_fired_before_does_not() -> None:
    heap = Heap()
    heap.push(stored_row("a", "2026-09-01 09:00", "2026-09-05 09:00"), over=["r0"])
    heap.push(stored_row("b", "2026-09-03 09:00", "2026-09-04 09:00"))
    taken = heap.take(at("2026-09-30 00:00"), 10, {0})
    heap.put_back(taken)
    assert heap.take(at("2026-09-30 00:00"), 10, {0}) == taken == sorted(taken, key=lambda one: one.rung.at)


def test_a_partition_that_was_not_under_the_barrier_waits_and_one_that_is_lost_is_forgotten() -> None:
    heap = Heap()
    heap.push(stored_row("a", "2026-09-01 09:00", partition=1))
    heap.push(stored_row("b", "2026-09-02 09:00", partition=2))
    assert [one.rung.row[0] for one in heap.take(at("2026-09-30 00:00"), 10, {2})] == ["b"]
    assert heap.first == at("2026-09-01 09:00")
    heap.lose({1, 2})
    assert heap.first is None and len(heap) == 0 and not heap.kinds


def test_instants_are_exact() -> None:
    for text in ("2026-09-21 23:59:59.999999", "2026-09-22 00:00:00", "2400-02-29 00:00:00.000001"):
        assert instant(micros(at(text))) == at(text)
    assert instant(0) == datetime(1970, 1, 1, 8, tzinfo=ZONE) and instant(1) - instant(0) == timedelta(microseconds=1)
