"""Whose is it, and who may do what under yunnan-2022: the pure core of routing."""

import pytest

from services.routing.core import decide
from services.routing.core.decide import World
from services.routing.core.state import fold
from shared.events.base import Actor, digest
from shared.events.cases import Dispatched, Opened
from shared.events.intake import Accused, ActRequested, MatterNamed
from tests.core.cases import ADMINISTRATION, MARKET, Story, articles, at, complaint


def dispatched(world: World, **fields: object) -> Dispatched:
    event = Story(world, complaint(**fields)).events[1]
    assert isinstance(event, Dispatched)
    return event


def test_a_case_is_opened_under_the_instrument_in_force_with_its_basis(world: World) -> None:
    opened = Story(world).events[0]
    assert isinstance(opened, Opened)
    assert (opened.instrument, opened.seq, opened.state) == ("yunnan-2022", 1, "pending")
    assert opened.law_digest == world.law.get("yunnan-2022").digest
    assert "2026-09-18" in opened.basis and opened.citations


def test_before_the_instrument_is_in_force_the_case_opens_unbound_and_goes_to_the_administration(world: World) -> None:
    story = Story(world, complaint("2022-07-09 10:00"))
    assert story.case.instrument is None
    assert story.case.state == "pending"
    assert story.case.administration == ADMINISTRATION


def test_the_matter_decides_before_the_name(world: World) -> None:
    other = world.directory.organisation_by_name("五华区人社局", "530102", at("2026-09-18 10:00").date())
    assert other is not None
    event = dispatched(world, accused=Accused(organisation=other.code))
    assert event.accountable not in (other.code, None)
    assert [step.asked for step in event.steps] == ["matter", "division"]


def test_without_a_matter_the_named_organisation_answers(world: World) -> None:
    event = dispatched(world, matter=MatterNamed())
    named = world.directory.organisation_by_name(MARKET, "530102", at("2026-09-18 10:00").date())
    assert named is not None and event.accountable == named.code
    assert event.steps[0].asked == "organisation" and event.steps[0].found == named.code


def test_without_either_the_administration_of_the_division_decides(world: World) -> None:
    event = dispatched(world, matter=MatterNamed(), accused=Accused())
    assert (event.accountable, event.administration) == (ADMINISTRATION, ADMINISTRATION)
    assert articles(event) == {"5"}


def test_an_unknown_name_is_said_and_left_to_the_administration(world: World) -> None:
    event = dispatched(world, matter=MatterNamed(code="NONE"), accused=Accused(organisation="查无此局"))
    assert event.accountable == ADMINISTRATION
    assert [step.found for step in event.steps] == [None, None, ADMINISTRATION]


def test_what_the_agency_received_itself_needs_no_hand_over(world: World) -> None:
    agency = dispatched(world).accountable
    event = dispatched(world, received_by=agency)
    assert (event.holder, event.state) == ("agency", "assigned")


def test_a_case_goes_from_hand_over_to_closed(world: World) -> None:
    story = Story(world).handed_over().accepted()
    story.applied("classify", "2026-09-22 11:00", class_="off-site")
    story.applied("answer", "2026-09-28 10:00", text="x", served_by="phone")
    closed = story.applied("close", "2026-09-28 11:00", outcome="substantiated")
    assert (story.case.state, closed.done) == ("closed", "closed")
    assert "13" in articles(closed)


def test_closing_before_the_answer_is_rejected_with_the_article(world: World) -> None:
    refused = Story(world).handed_over().accepted().rejected("close", "2026-09-28 11:00", outcome="invalid")
    assert refused.reason == "missing-step" and "13" in articles(refused)


@pytest.mark.parametrize("ground", ["unclear", "already-accepted", "other-remedy", "repeated"])
def test_each_ground_of_article_8_refuses_and_is_cited(world: World, ground: str) -> None:
    story = Story(world).handed_over()
    served = {"served_by": "post", "served_on": "2026-09-22"}
    event = story.applied("refuse", "2026-09-22 10:00", ground=ground, reason="x", **served)
    assert story.case.state == "refused"
    assert any(article.startswith("8(") for article in articles(event))


def test_a_ground_the_instrument_does_not_have_is_rejected_naming_those_it_has(world: World) -> None:
    served = {"served_by": "post", "served_on": "2026-09-22"}
    story = Story(world).handed_over()
    event = story.rejected("refuse", "2026-09-22 10:00", ground="not-competent", reason="x", **served)
    assert event.reason == "no-such-ground" and "unclear" in event.explanation
    assert story.case.state == "assigned"


def test_an_act_no_article_gives_is_nobodys(world: World) -> None:
    event = Story(world).handed_over().rejected("terminate", "2026-09-22 10:00", ground="waiver", reason="x")
    assert event.reason == "not-in-law"


def test_the_agency_cannot_hand_over_to_itself(world: World) -> None:
    story = Story(world)
    assert story.rejected("hand-over", "2026-09-21 10:00", "officer", to=story.case.accountable).reason == "not-allowed"


def test_who_has_no_part_in_the_case_is_told_nothing_but_that(world: World) -> None:
    event = Story(world).rejected("accept", "2026-09-21 10:00", "officer", "11530103XXXXXXX012")
    assert event.reason == "out-of-scope" and not event.citations


def test_a_hand_over_to_nobody_known_is_rejected(world: World) -> None:
    event = Story(world).rejected("hand-over", "2026-09-21 10:00", "supervisor", to="11530102XXXXXXX999")
    assert event.reason == "unknown-organisation" and "10" in articles(event)


def test_accepting_twice_is_a_wrong_state(world: World) -> None:
    story = Story(world).handed_over().accepted()
    served = {"served_by": "phone", "served_on": "2026-09-23"}
    assert story.rejected("accept", "2026-09-23 10:00", **served).reason == "wrong-state"


def test_the_complainant_may_withdraw_and_only_on_the_own_case(world: World) -> None:
    story = Story(world)
    stranger = ActRequested(
        act_id="00000000-0000-4000-8000-000000000001", case_id=story.case.id, act="withdraw",
        by=Actor(organisation="", role="complainant", case_id="00000000-0000-4000-8000-000000000002"),
        received_at=at("2026-09-21 10:00"),
    )  # fmt: skip
    rejected = decide.act(stranger, story.case, world).events[0][0]
    assert rejected.type == "rejected" and rejected.reason == "out-of-scope"
    story.applied("withdraw", "2026-09-21 10:00", "complainant")
    assert story.case.state == "withdrawn"


class TestAnExtension:
    """Once, before the first due day has passed, at most twenty working days in all, and told (Art. 13(2))."""

    def story(self, world: World) -> Story:
        story = Story(world, complaint("2026-09-23 10:00")).handed_over("2026-09-24 10:00")
        return story.accepted("2026-09-28 10:00")  # due 2026-10-16, at most 2026-10-30

    def test_up_to_the_latest_day_is_granted_by_the_leader(self, world: World) -> None:
        story = self.story(world)
        story.applied(
            "approve-extension", "2026-10-12 10:00", "leader", until="2026-10-30", complainant_told_on="2026-10-12"
        )

    def test_a_day_further_is_beyond_the_limit(self, world: World) -> None:
        event = self.story(world).rejected(
            "approve-extension", "2026-10-12 10:00", "leader", until="2026-11-02", complainant_told_on="2026-10-12"
        )
        assert event.reason == "beyond-limit" and "13(2)" in articles(event)

    def test_on_the_last_instant_it_is_in_time_and_a_moment_later_too_late(self, world: World) -> None:
        given = {"until": "2026-10-30", "complainant_told_on": "2026-10-16"}
        assert self.story(world).applied("approve-extension", "2026-10-16 23:59:59.999999", "leader", **given)
        event = self.story(world).rejected("approve-extension", "2026-10-17 00:00", "leader", **given)
        assert event.reason == "too-late"

    def test_late_acceptance_does_not_lengthen_it(self, world: World) -> None:
        story = Story(world, complaint("2026-09-21 09:00")).handed_over("2026-09-21 10:00")
        story.accepted("2026-09-28 10:00")  # it was due on the 24th, and the ten days count from there: the 15th
        event = story.rejected("request-extension", "2026-10-16 10:00", until="2026-10-20", reason="x")
        assert event.reason == "too-late" and "2026-10-15" in event.explanation

    def test_only_once(self, world: World) -> None:
        story = self.story(world)
        told = {"complainant_told_on": "2026-10-12"}
        story.applied("approve-extension", "2026-10-12 10:00", "leader", until="2026-10-20", **told)
        event = story.rejected("approve-extension", "2026-10-13 10:00", "leader", until="2026-10-30", **told)
        assert event.reason == "already-extended"

    def test_not_to_an_earlier_day(self, world: World) -> None:
        event = self.story(world).rejected(
            "approve-extension", "2026-10-12 10:00", "leader", until="2026-10-16", complainant_told_on="2026-10-12"
        )
        assert event.reason == "not-later"

    def test_the_complainant_cannot_have_been_told_tomorrow(self, world: World) -> None:
        event = self.story(world).rejected(
            "approve-extension", "2026-10-12 10:00", "leader", until="2026-10-20", complainant_told_on="2026-10-13"
        )
        assert event.reason == "told-too-late"

    def test_without_telling_the_complainant_it_is_incomplete(self, world: World) -> None:
        event = self.story(world).rejected("approve-extension", "2026-10-12 10:00", "leader", until="2026-10-20")
        assert event.reason == "missing" and "complainant_told_on" in event.explanation


def test_each_event_is_chained_to_the_bytes_before_it_and_the_fold_is_the_case(world: World) -> None:
    story = Story(world).handed_over().accepted()
    story.rejected("close", "2026-09-28 11:00", outcome="invalid")
    assert [event.seq for event in story.events] == [1, 2, 3, 4, 5]
    assert story.events[0].prev is None
    for earlier, event in zip(story.values, story.events[1:], strict=False):
        assert event.prev == digest(earlier)
    assert fold(zip(story.events, story.values, strict=True)) == story.case


def test_an_act_far_behind_the_last_event_is_flagged_backdated(world: World) -> None:
    story = Story(world).handed_over("2026-09-21 10:00")
    served = {"served_by": "phone", "served_on": "2026-09-21"}
    assert story.applied("accept", "2026-09-21 09:54:59", **served).backdated
    assert not Story(world).handed_over("2026-09-21 10:00").applied("accept", "2026-09-21 09:55", **served).backdated
