"""By when: the deadlines that follow from a case's events, in whatever runs and order the log brings them."""

from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.routing.core.decide import World
from services.sla.core.timers import prevented, row, rungs, withdrawn
from services.sla.core.watch import Emitted, Watched, advance, changes, late_days
from shared.events.cases import AnyCaseEvent
from shared.events.deadlines import DeadlineEvent
from shared.law.operations import load_operations
from tests.core.cases import Story, at, complaint

SERVED = {"served_by": "phone", "served_on": "2026-09-22"}


def follow(world: World, events: list[AnyCaseEvent]) -> list[DeadlineEvent]:
    """Every deadline event of a case, computed event by event."""
    watched, found = Watched(events[0].case_id), list[DeadlineEvent]()
    for event in events:
        instrument = world.law.get(event.instrument) if event.instrument else None
        watched, made = changes(advance(watched, event), instrument, world.calendar, event.at)
        found += made
    return found


def told(events: list[DeadlineEvent]) -> list[tuple[str, str, str]]:
    return [(event.obligation, event.type, event.due_day.isoformat()) for event in events]


def test_each_duty_starts_at_its_debtors_receipt_and_ends_with_its_act(world: World) -> None:
    story = Story(world).handed_over("2026-09-21 10:00").accepted("2026-09-24 10:00")
    story.applied("answer", "2026-09-30 10:00", text="x", **SERVED)
    story.applied("close", "2026-10-15 23:59:59", outcome="partly")
    assert told(follow(world, story.events)) == [
        ("handover", "opened", "2026-09-21"),  # the 20th is a make-up working day
        ("handover", "discharged", "2026-09-21"),
        ("acceptance", "opened", "2026-09-24"),
        ("acceptance", "discharged", "2026-09-24"),
        ("resolution", "opened", "2026-10-15"),
        ("resolution", "discharged", "2026-10-15"),
    ]


def test_a_late_acceptance_starts_the_resolution_on_the_day_it_was_due(world: World) -> None:
    story = Story(world).handed_over("2026-09-21 10:00").accepted("2026-09-28 10:00")
    events = follow(world, story.events)
    late = next(event for event in events if event.obligation == "acceptance" and event.type == "discharged")
    opened = next(event for event in events if event.obligation == "resolution")
    assert late.late_days == 1  # Friday to Sunday are holidays
    assert (opened.start_day, opened.due_day) == (date(2026, 9, 24), date(2026, 10, 15))


def test_an_extension_moves_the_due_day_and_never_beyond_the_law(world: World) -> None:
    story = Story(world).handed_over("2026-09-21 10:00").accepted("2026-09-24 10:00")
    told_on = {"complainant_told_on": "2026-10-12"}
    story.applied("approve-extension", "2026-10-12 10:00", "leader", until="2026-10-20", **told_on)
    extended = follow(world, story.events)[-1]
    assert (extended.type, extended.due_day) == ("extended", date(2026, 10, 20))
    assert extended.latest_day is not None and extended.due_day <= extended.latest_day


def test_on_the_spot_is_due_on_the_day_of_first_contact_however_late_it_is_so_classified(world: World) -> None:
    story = Story(world).handed_over("2026-09-21 10:00").accepted("2026-09-22 10:00")
    story.applied("classify", "2026-09-23 10:00", class_="on-spot")
    assert told(follow(world, story.events))[-2:] == [
        ("on-spot", "opened", "2026-09-18"),
        ("resolution", "superseded", "2026-10-13"),
    ]


def test_reclassified_the_other_period_runs_from_its_own_start(world: World) -> None:
    story = Story(world).handed_over("2026-09-21 10:00").accepted("2026-09-22 10:00")
    story.applied("classify", "2026-09-23 10:00", class_="on-spot")
    story.applied("classify", "2026-09-28 10:00", class_="off-site")
    assert told(follow(world, story.events))[-2:] == [
        ("resolution", "opened", "2026-10-13"),
        ("on-spot", "superseded", "2026-09-18"),
    ]


def test_a_refusal_and_a_withdrawal_leave_no_duty_open(world: World) -> None:
    refused = Story(world).handed_over()
    refused.applied("refuse", "2026-09-22 10:00", ground="unclear", reason="x", **SERVED)
    withdrawn_ = Story(world)
    withdrawn_.applied("withdraw", "2026-09-19 10:00", "complainant")
    assert told(follow(world, refused.events))[-1][:2] == ("acceptance", "discharged")
    assert told(follow(world, withdrawn_.events))[-1][:2] == ("handover", "superseded")


def test_an_unbound_case_has_no_deadline(world: World) -> None:
    assert follow(world, Story(world, complaint("2022-07-09 10:00")).events) == []


def test_a_rejected_act_changes_no_deadline(world: World) -> None:
    story = Story(world).handed_over()
    before = follow(world, story.events)
    story.rejected("close", "2026-09-22 10:00", outcome="invalid")
    assert follow(world, story.events) == before


def test_a_discharge_before_the_due_instant_prevents_its_breach_and_one_at_it_does_not(world: World) -> None:
    for when, day in (("2026-09-21 23:59:59.999999", date(2026, 9, 21)), ("2026-09-22 00:00", None)):
        event = follow(world, Story(world).handed_over(when).events)[1]
        due = prevented(event, None)
        assert event.type == "discharged" and (due and due.due_day) == day
    taken_back = withdrawn(event, Emitted.of(event, "met"))
    assert (taken_back.type, taken_back.due_at) == ("breach-withdrawn", at("2026-09-22 00:00"))


def test_no_rung_stands_before_the_duty_began_and_the_breach_is_the_legal_instant(world: World) -> None:
    operations = load_operations()
    for event in follow(world, Story(world).handed_over().accepted().events):
        if event.type == "opened":
            obligation = world.law.get("yunnan-2022").obligation(event.obligation)
            stored = rungs(row(event, 0, obligation, operations, world.calendar))
            assert [rung.at for rung in stored if rung.kind == "breach"] == [event.due_at]
            assert all(event.at < rung.at < event.due_at for rung in stored if rung.kind == "warning")
            assert all(rung.at > event.due_at for rung in stored if rung.kind == "escalation")


@pytest.mark.parametrize(
    ("done", "days"),
    [("2026-09-22 09:00", 1), ("2026-09-25 09:00", 3), ("2026-09-28 09:00", 4), ("2026-10-10 09:00", 9)],
)
def test_lateness_is_counted_in_working_days(world: World, done: str, days: int) -> None:
    assert late_days(date(2026, 9, 21), at(done), world.calendar) == days


ACTS = st.sampled_from(
    [
        ("hand-over", "supervisor"), ("accept", "officer"), ("refuse", "officer"), ("classify-on", "officer"),
        ("classify-off", "officer"), ("approve-extension", "leader"), ("answer", "officer"), ("close", "leader"),
        ("withdraw", "complainant"), ("note", "officer"),
    ]
)  # fmt: skip


def play(world: World, acts: list[tuple[tuple[str, str], int]]) -> Story:
    """A random life: each act some hours after the one before, applied or rejected as the law says."""
    story, now = Story(world), Story(world).events[0].at
    for (act, role), hours in acts:
        now += timedelta(hours=hours)
        today = now.date()
        data = {
            "hand-over": {"to": story.case.accountable},
            "accept": SERVED,
            "refuse": {"ground": "unclear", "reason": "x", **SERVED},
            "approve-extension": {
                "until": (today + timedelta(days=9)).isoformat(), "complainant_told_on": today.isoformat(),
            },
            "answer": {"text": "x", **SERVED},
            "close": {"outcome": "invalid"},
            "note": {"text": "x"},
        }  # fmt: skip
        name = act.removesuffix("-on").removesuffix("-off")
        given_ = data.get(
            act, {"class_": "on-spot" if act.endswith("-on") else "off-site"} if name == "classify" else {}
        )
        story.act(name, now.strftime("%Y-%m-%d %H:%M"), role, **given_)
    return story


@settings(max_examples=60, deadline=None)
@given(acts=st.lists(st.tuples(ACTS, st.integers(0, 200)), max_size=14), cuts=st.lists(st.integers(1, 5), max_size=14))
def test_however_the_events_are_cut_into_runs_the_deadlines_are_those_of_a_replay(
    world: World, acts: list[tuple[tuple[str, str], int]], cuts: list[int]
) -> None:
    story = play(world, acts)
    whole = follow(world, story.events)
    watched, found, left = Watched(story.case.id), list[DeadlineEvent](), list(story.events)
    for size in [*cuts, len(left)]:
        run, left = left[:size], left[size:]
        for event in run:
            watched, made = changes(advance(watched, event), world.law.get("yunnan-2022"), world.calendar, event.at)
            found += made
    assert found == whole
    assert len({event.id for event in whole}) == len(whole)


@settings(max_examples=60, deadline=None)
@given(acts=st.lists(st.tuples(ACTS, st.integers(0, 200)), max_size=14))
def test_no_act_moves_a_deadline_earlier_or_past_the_latest_day_and_nothing_restarts_a_clock(
    world: World, acts: list[tuple[tuple[str, str], int]]
) -> None:
    starts: dict[tuple[str, int], date] = {}
    dues: dict[tuple[str, int], date] = {}
    for event in follow(world, play(world, acts).events):
        key = (event.obligation, event.generation)
        if event.type in ("opened", "extended"):
            assert starts.setdefault(key, event.start_day) == event.start_day
            assert event.due_day >= dues.get(key, event.due_day)
            dues[key] = event.due_day
            assert event.latest_day is None or event.due_day <= event.latest_day
            assert world.calendar.day(event.due_day).counts or event.obligation == "on-spot"


def test_a_case_sent_back_is_watched_by_the_limit_that_was_set(world: World) -> None:
    unit, centre = "11370400XXXXXXX012", {"division": "370400", "channel": "hotline", "matter": {}}
    story = Story(world, complaint("2026-09-18 10:00", accused={"organisation": unit}, **centre))
    story.applied("hand-over", "2026-09-18 11:00", "supervisor", to=unit)
    story.applied("reply", "2026-09-20 11:00", investigation="x", signed_by="wu")
    story.applied("close", "2026-09-20 12:00", outcome="substantiated")
    story.applied("visit", "2026-09-21 10:00", "supervisor", result="reached", satisfied=False)
    back = {"class_": "leader-approved", "until": "2026-09-22", "reason": "x"}
    story.applied("send-back", "2026-09-21 11:00", "supervisor", **back)
    (opened,) = [each for each in follow(world, story.events) if each.limit]
    assert told([opened]) == [("leader-approved", "opened", "2026-09-22")] and opened.limit == date(2026, 9, 22)
    obligation = world.law.get("zaozhuang-2020").obligation("leader-approved")
    stored = row(opened, 0, obligation, load_operations(), world.calendar)
    assert next(rung.at for rung in rungs(stored) if rung.kind == "breach") == at("2026-09-23 00:00")
