"""Orders of acts that are rare, and what must hold all the same: nobody's clock is hurried, nothing reaches too far."""

from dataclasses import replace

import pytest

from services.routing.core import decide
from services.routing.core.decide import World
from services.routing.core.merging import follow_up
from services.routing.core.standing import not_governed
from services.sla.core.watch import Watched, advance, changes
from services.sla.desk import entry
from services.sla.memory import facts, restored
from shared.directory.files import read
from shared.directory.tree import Directory
from shared.events.base import Actor
from shared.events.cases import Acted, Dispatched, Rejected
from shared.events.intake import Accused, ActRequested, MatterNamed
from shared.journal import Commit
from shared.law.history import duties
from tests.conftest import SAMPLES
from tests.core.cases import Story, articles, at, complaint

MARKET, SOCIAL, CIVIL = "11530102XXXXXXX012", "11530102XXXXXXX013", "11530102XXXXXXX017"
WUHUA, KUNMING = "11530102XXXXXXX001", "11530100XXXXXXX001"
SERVED = {"served_by": "phone", "served_on": "2026-09-21"}
SUINING = {"division": "510900", "accused": {"organisation": "11510900XXXXXXX013"}, "matter": {}}


def due(story: Story) -> dict[str, str]:
    """The due day of each duty as sla publishes it last."""
    watched, found = Watched(story.case.id), {}
    for event in story.events:
        instrument = story.world.instrument(story.case)
        watched, made = changes(advance(watched, event), instrument, story.world.calendar, event.at)
        found |= {one.obligation: one.due_day.isoformat() for one in made if one.type == "opened"}
    return found


def loaded(changed: dict[str, dict[str, object]]) -> Directory:
    """The sample directory with some records changed."""
    found = Directory()
    for offset, record in enumerate(read(SAMPLES / "directory.yaml")):
        found.apply(record.model_copy(update=changed.get(record.code, {})), offset)
    return found


@pytest.mark.parametrize("act", ["hand-over", "designate-lead"])
def test_a_case_is_handed_to_nobody_outside_the_divisions_its_regulation_governs(world: World, act: str) -> None:
    given = {"hand-over": {"to": "11510900XXXXXXX013"}, "designate-lead": {"lead": "11510900XXXXXXX013"}}[act]
    refused = Story(world).rejected(act, "2026-09-18 11:00", "supervisor", **given)
    assert refused.reason == "not-governed" and "行政区划" in refused.explanation


def test_a_unit_of_another_province_is_not_made_to_answer_and_the_step_says_why(world: World) -> None:
    story = Story(world, complaint(matter=MatterNamed(), accused=Accused(organisation="11510900XXXXXXX013")))
    dispatched = story.events[1]
    assert isinstance(dispatched, Dispatched) and dispatched.accountable == WUHUA
    assert "行政区划" in dispatched.steps[0].why and "12345" in dispatched.steps[0].why


def test_naming_the_lead_before_the_hand_over_is_the_hand_over(world: World) -> None:
    """Yunnan 15, 10."""
    story = Story(world)
    named = story.applied("designate-lead", "2026-09-21 10:00", "supervisor", lead=SOCIAL, organisations=[CIVIL])
    assert (named.state, named.accountable, named.assisting) == ("assigned", SOCIAL, (CIVIL,))
    assert {"15", "10"} <= articles(named) and due(story)["acceptance"] == "2026-09-24"


def test_a_direct_complaint_given_back_reaches_the_administration_for_the_first_time(world: World) -> None:
    """Suining 10, 14(2): its two days begin then; given back once more, nothing begins anew."""
    unit, other = "11510900XXXXXXX013", "11510900XXXXXXX015"
    story = Story(world, complaint("2025-09-15 09:00", received_by=unit, **SUINING))
    assert "handover" not in due(story)
    story.applied("bounce", "2025-09-16 10:00", reason="x")
    assert due(story) == {"acceptance": "2025-09-17", "resolution": "2025-09-18", "handover": "2025-09-18"}
    story.applied("hand-over", "2025-09-17 10:00", "supervisor", to=other)
    again = story.applied("bounce", "2025-09-17 11:00", reason="x")
    assert again.also is None and due(story)["handover"] == "2025-09-18"
    assert [event.done for event in story.events if isinstance(event, Acted)].count("bounced") == 2


def test_a_reminder_is_needed_and_an_attempt_that_reached_nobody_is_none(world: World) -> None:
    """Suining 19(1)."""
    story = Story(world, complaint("2025-09-15 09:00", received_by="11510900XXXXXXX013", **SUINING))
    story.applied("contact", "2025-09-15 10:00", result="unreachable")
    assert story.rejected("terminate", "2025-09-15 11:00", ground="not-candid", reason="x").reason == "ask-first"
    story.applied("contact", "2025-09-15 12:00", result="reminded")
    assert story.applied("terminate", "2025-09-16 11:00", ground="not-candid", reason="x").state == "terminated"


def test_a_case_is_sent_back_only_after_a_visit(world: World) -> None:
    """Zaozhuang 18(5)."""
    unit = "11370400XXXXXXX012"
    given = {"division": "370400", "channel": "onsite", "matter": {}, "accused": {"organisation": unit}}
    story = Story(world, complaint("2026-09-18 10:00", received_by=unit, **given))
    story.applied("reply", "2026-09-18 11:00", investigation="x", signed_by="wu")
    story.applied("close", "2026-09-18 12:00", outcome="substantiated")
    back = {"class_": "transfer", "until": "2026-09-21", "reason": "x"}
    assert story.rejected("send-back", "2026-09-20 10:00", "supervisor", **back).reason == "missing-step"
    story.applied("visit", "2026-09-20 11:00", "supervisor", result="reached", satisfied=False)
    assert story.applied("send-back", "2026-09-20 12:00", "supervisor", **back).state == "assigned"


def test_under_a_text_about_a_centre_the_administration_is_that_of_the_centre(world: World) -> None:
    """Zaozhuang 3: the city's office, also where the complaint names a district; the district's has no part in it."""
    unit, office, district = "11370400XXXXXXX012", "11370400XXXXXXX001", "11370402XXXXXXX001"
    given = {"division": "370402", "matter": {}, "accused": {"organisation": unit}}
    story = Story(world, complaint("2026-09-18 10:00", **given))
    assert (story.case.instrument, story.case.administration) == ("zaozhuang-2020", office)
    assert story.rejected("hand-over", "2026-09-18 10:30", "supervisor", district, to=unit).reason == "out-of-scope"
    story.applied("hand-over", "2026-09-18 11:00", "supervisor", to=unit)


def test_an_abolished_units_successor_acts_in_its_place_and_the_abolished_one_no_longer(world: World) -> None:
    gone = {"until": at("2026-09-22 00:00").date(), "successor": SOCIAL}
    changed = replace(world, directory=loaded({MARKET: gone}))
    story = Story(changed).handed_over("2026-09-21 10:00")
    assert story.case.accountable == MARKET
    served = {"served_by": "phone", "served_on": "2026-09-21"}
    assert story.rejected("accept", "2026-09-21 11:00", "officer", SOCIAL, **served).reason == "out-of-scope"
    assert story.rejected("accept", "2026-09-23 10:00", "officer", MARKET, **served).reason == "out-of-scope"
    assert story.applied("accept", "2026-09-23 11:00", "officer", SOCIAL, **served).state == "accepted"


def test_a_higher_administration_guides_and_visits_and_does_not_hand_over(world: World) -> None:
    """Yunnan 4, 10, 15: 本级; 16: 各级."""
    story = Story(world)
    assert story.rejected("hand-over", "2026-09-21 09:00", "supervisor", KUNMING, to=MARKET).reason == "not-allowed"
    story.handed_over("2026-09-21 10:00").accepted("2026-09-22 10:00")
    lead = story.rejected("designate-lead", "2026-09-22 11:00", "supervisor", KUNMING, lead=SOCIAL)
    assert lead.reason == "not-allowed"
    story.applied("note", "2026-09-22 12:00", "supervisor", KUNMING, text="x")
    story.applied("answer", "2026-09-23 10:00", text="x", served_by="phone")
    story.applied("close", "2026-09-23 11:00", outcome="partly")
    assert "16" in articles(story.applied("visit", "2026-09-24 10:00", "supervisor", KUNMING, result="reached"))


def test_the_administration_of_the_units_own_level_stands_beside_that_of_the_place(world: World) -> None:
    """Yunnan 5 (分级负责): a complaint of Wuhua about a bureau of the city."""
    bureau = "11530100XXXXXXX013"
    story = Story(world, complaint(matter=MatterNamed(), accused=Accused(organisation=bureau)))
    assert story.case.administration == WUHUA
    assert story.applied("hand-over", "2026-09-21 09:00", "supervisor", KUNMING, to=bureau).state == "assigned"


def merged_into(world: World, one: Story, other: Story) -> Rejected | Acted:
    """What the survivor makes of it when `one` was merged into it."""
    before = one.case
    event = one.applied("merge", "2026-09-22 11:00", into=other.case.id)
    instrument = world.instrument(before)
    asked = follow_up(event, request_of(event), before, instrument, world.calendar)
    assert asked is not None and asked.case_id == other.case.id
    other.decided = decide.act(asked, other.case, world)
    [(answer, _)] = other.decided.events
    other.events.append(answer)
    assert isinstance(answer, Rejected | Acted)
    return answer


def request_of(event: Acted) -> ActRequested:
    given = {"act_id": event.cause, "case_id": event.case_id, "act": event.act, "by": event.by}
    return ActRequested(received_at=event.at, data=event.data, **given)


def test_nobody_hurries_the_clocks_of_anothers_case_by_merging_into_it(world: World) -> None:
    mine = Story(world, complaint("2026-09-01 10:00", id="mine")).handed_over("2026-09-02 10:00")
    here = Story(world, complaint(id="here")).handed_over()
    assert merged_into(world, mine, here).type == "acted"
    elsewhere = Story(
        world, complaint(id="there", division="530103", matter={}, accused={"organisation": "11530103XXXXXXX012"})
    ).handed_over()
    mine = Story(world, complaint("2026-09-01 10:00", id="mine too")).handed_over("2026-09-02 10:00")
    refused = merged_into(world, mine, elsewhere)
    assert isinstance(refused, Rejected) and refused.reason == "not-together"


def test_a_complaint_whose_period_was_extended_makes_nobody_late_by_being_merged(world: World) -> None:
    """Yunnan 13: the survivor follows the clock that is due first, as far as each was extended."""
    mine = Story(world, complaint("2026-09-01 10:00", id="long")).handed_over("2026-09-02 10:00")
    mine.accepted("2026-09-03 10:00")
    told = {"complainant_told_on": "2026-09-10"}
    mine.applied("approve-extension", "2026-09-10 10:00", "leader", until="2026-09-30", **told)
    here = Story(world, complaint("2026-09-15 10:00", id="short")).handed_over("2026-09-15 11:00")
    here.accepted("2026-09-15 12:00")
    assert merged_into(world, mine, here).type == "acted"
    watched, stored = Watched(here.case.id), list[Commit]()
    for event in here.events:
        after, made = changes(advance(watched, event), world.instrument(here.case), world.calendar, event.at)
        entries = tuple(entry(one, None) for one in made)
        stored.append(Commit(here.case.id, event.seq, str(event.seq), entries, facts(watched, after)))
        watched = after
    assert watched.emitted["resolution", 1].due_day.isoformat() == "2026-09-29"  # its own: the other's is the 30th
    assert restored(stored) == watched


def test_a_complainant_who_asks_for_something_never_becomes_the_person_complained_about(world: World) -> None:
    """For a further regulation in which the complainant may appeal."""
    story = Story(world)
    by = Actor(organisation="", role="complainant", user="somebody", case_id=story.case.id)
    fields = {"act": "appeal", "done": "appealed", "by": by, "state": "closed"}
    made = decide.chained(story.case.id, story.case, [(Acted, fields)], at=at("2026-09-22 10:00"), cause="x")
    assert made.case.accused == frozenset()


def absorbed(world: World) -> Story:
    story = Story(world).handed_over()
    story.applied("merge", "2026-09-21 11:00", into=Story(world, complaint(id="other")).case.id)
    return story


def test_a_merged_complaint_is_closed_only_after_its_own_notice_and_its_own_answer(world: World) -> None:
    """Yunnan 11, 13: otherwise its notice would stay owed for ever, since nothing is served on a closed case."""
    story = absorbed(world)
    story.applied("answer", "2026-09-22 10:00", text="x", served_by="phone")
    assert story.rejected("close", "2026-09-22 11:00", outcome="partly").explanation.endswith("accepted")
    story.applied("accept", "2026-09-22 12:00", served_by="phone", served_on="2026-09-22")
    assert story.applied("close", "2026-09-22 13:00", outcome="partly").state == "closed"


def test_a_letter_answered_by_nobody_before_the_close_can_still_be_responded_to(world: World) -> None:
    """Zaozhuang 14: owed to the complainant, so the case is not archived without it."""
    unit = "11370400XXXXXXX012"
    given = {"division": "370400", "channel": "letter", "matter": {}, "accused": {"organisation": unit}}
    story = Story(world, complaint("2026-09-18 10:00", received_by=unit, **given))
    story.applied("reply", "2026-09-18 11:00", investigation="x", signed_by="wu")
    story.applied("close", "2026-09-18 12:00", outcome="unsubstantiated")
    story.applied("visit", "2026-09-20 10:00", "supervisor", result="reached")
    assert story.rejected("archive", "2026-09-20 11:00", "supervisor").reason == "still-owed"
    story.applied("contact", "2026-09-20 12:00", "supervisor", result="reached")
    assert story.applied("archive", "2026-09-20 13:00", "supervisor").state == "archived"


def test_what_was_found_true_is_put_right_by_the_unit_and_not_answered_away_by_the_administration(world: World) -> None:
    """Qinghai 8, 10."""
    given = {"division": "630102", "matter": {}, "accused": {"organisation": "11630102XXXXXXX012"}}
    story = Story(world, complaint("2026-09-18 10:00", **given))
    story.applied("verify", "2026-09-18 11:00", "supervisor", result="confirmed")
    answer = {"text": "x", "served_by": "phone"}
    assert story.rejected("answer", "2026-09-18 12:00", "supervisor", **answer).reason == "missing-step"
    story.applied("verify", "2026-09-18 13:00", "supervisor", result="refuted")
    story.applied("answer", "2026-09-18 14:00", "supervisor", **answer)
    assert story.rejected("close", "2026-09-18 15:00", "supervisor", outcome="substantiated").reason == "wrong-word"
    story.applied("close", "2026-09-18 16:00", "supervisor", outcome="unsubstantiated")


@pytest.mark.parametrize(
    ("act", "data", "reason"),
    [
        ("merge", {"into": "nobody's"}, "no-such-case"),
        ("merge", {"into": 7}, "no-such-word"),
        ("classify", {"class_": ["off-site"]}, "no-such-word"),
        ("classify", {"class_": "x" * 200}, "no-such-word"),
        ("accept", {"served_by": "phone", "served_on": "明天"}, "no-such-day"),
        ("accept", {"served_by": "phone", "served_on": "2026-13-40"}, "no-such-day"),
        ("accept", {"served_by": "phone", "served_on": 20260921}, "no-such-day"),
        ("refuse", SERVED | {"ground": {"id": "unclear"}, "reason": "x"}, "no-such-word"),
    ],
)  # fmt: skip
def test_data_of_a_wrong_type_is_rejected_with_the_field_and_the_article(
    world: World, act: str, data: dict[str, object], reason: str
) -> None:
    """Intake takes none of it; another producer on the topic may send it, and it must not stop anybody."""
    refused = Story(world).handed_over().rejected(act, "2026-09-21 11:00", **data)
    assert refused.reason == reason and refused.citations and len(refused.explanation) < 200


def test_an_undone_merge_leaves_accepted_what_was_accepted_in_it_and_its_clocks_running(world: World) -> None:
    """Suining 10, 11: merged before the hand-over, accepted by the agency, then taken apart again."""
    story = Story(world, complaint("2025-09-15 09:00", **SUINING))
    other = Story(world, complaint(id="other", **SUINING)).case.id
    story.applied("merge", "2025-09-15 10:00", "supervisor", into=other)
    story.applied("accept", "2025-09-16 10:00", served_by="phone", served_on="2025-09-16")
    story.applied("unmerge", "2025-09-17 10:00", "supervisor", reason="x")
    assert story.case.state == "accepted"
    instrument, opened = world.law.get("suining-2023"), story.case.opened
    now = duties(instrument, story.case.history, world.calendar, kind=opened.kind, channel=opened.channel)
    assert {name: duty.status for (name, _), duty in now.items()} == {
        "handover": "superseded", "acceptance": "met", "resolution": "open"
    }  # fmt: skip


def test_an_undone_merge_brings_back_the_hand_over_where_nothing_was_decided(world: World) -> None:
    story = Story(world, complaint("2025-09-15 09:00", **SUINING))
    other = Story(world, complaint(id="other", **SUINING)).case.id
    story.applied("merge", "2025-09-15 10:00", "supervisor", into=other)
    back = story.applied("unmerge", "2025-09-16 10:00", "supervisor", reason="x")
    assert (back.state, back.holder) == ("pending", "administration")
    story.applied("hand-over", "2025-09-17 10:00", "supervisor", to="11510900XXXXXXX013")
    assert due(story)["acceptance"] == "2025-09-19"


def test_a_stand_in_applied_elsewhere_says_nothing_about_places(world: World) -> None:
    """A text that a deployment applies outside its own divisions reaches the units of that place."""
    unit = world.directory.organisation("11510900XXXXXXX013", at("2026-09-18 10:00").date())
    law = world.law.get("yunnan-2022")
    day = at("2026-09-18 10:00").date()
    assert unit and not_governed(unit, law, world.directory, day, "510900") is None
    assert not_governed(unit, law, world.directory, day, "530102")


def test_what_is_owed_to_the_complainant_anew_is_answered_before_the_close(world: World) -> None:
    """Qinghai 8: found untrue and answered, then found true and handed over: the unit owes an answer of its own."""
    unit = "11630102XXXXXXX012"
    given = {"division": "630102", "matter": {}, "accused": {"organisation": unit}}
    story = Story(world, complaint("2026-09-18 10:00", **given))
    answer = {"text": "x", "served_by": "phone"}
    story.applied("verify", "2026-09-18 11:00", "supervisor", result="refuted")
    story.applied("answer", "2026-09-18 12:00", "supervisor", **answer)
    story.applied("verify", "2026-09-20 10:00", "supervisor", result="confirmed")
    story.applied("hand-over", "2026-09-20 11:00", "supervisor", to=unit)
    refused = story.rejected("close", "2026-09-21 10:00", outcome="substantiated")
    assert refused.reason == "still-owed" and "8" in articles(refused)
    story.applied("answer", "2026-09-21 11:00", **answer)
    assert story.applied("close", "2026-09-21 12:00", outcome="substantiated").state == "closed"
