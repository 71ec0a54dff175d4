"""When two complaints are one: certain, likely or never; and what a merge means for the case that stays."""

from itertools import permutations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.routing.core import matching
from services.routing.core.decide import World
from services.routing.core.matching import Match, Opening, compare
from services.routing.core.merging import follow_up, withdrawals
from shared.events.base import Actor
from shared.events.cases import Acted, Opened, Rejected
from shared.events.intake import Accused, ActRequested, ComplainantMarks, MatterNamed
from shared.law.history import duties
from tests.core.cases import Story, at, complaint

WANG = ComplainantMarks(id_index="a" * 64, phone_index="b" * 64)
OTHER = ComplainantMarks(id_index="c" * 64, phone_index="d" * 64)


def story(world: World, id: str, received: str = "2026-09-18 10:00", **fields: Any) -> Story:
    return Story(world, complaint(received, id=id, **({"complainant": WANG, "project_no": "P1"} | fields)))


def opening(one: Story) -> Opening:
    event = one.events[0]
    assert isinstance(event, Opened)
    return matching.opening(event)


def match(one: Story, other: Story) -> Match | None:
    found = compare(opening(one), opening(other))
    assert found == compare(opening(other), opening(one))  # the order of arrival is irrelevant
    return found


def test_the_same_affair_by_the_same_complainant_is_certain_and_the_earlier_one_stays(world: World) -> None:
    earlier, later = story(world, "b"), story(world, "a", "2026-09-19 10:00")
    found = match(later, earlier)
    assert found and found.certain and (found.earlier, found.later) == (earlier.case.id, later.case.id)


def test_the_same_source_reference_by_the_same_complainant_is_certain(world: World) -> None:
    one = story(world, "a", project_no=None, source_reference="12345-1")
    other = story(world, "b", project_no=None, source_reference="12345-1", channel="hotline")
    assert (found := match(one, other)) and found.certain and "same-source" in found.reasons


@pytest.mark.parametrize(
    "marks",
    [
        OTHER,
        ComplainantMarks(),
        ComplainantMarks(id_index="c" * 64, phone_index="b" * 64),  # a phone lent to somebody else
        ComplainantMarks(id_index="a" * 64, anonymous=True),  # the link would name who asked not to be named
        ComplainantMarks(id_index="a" * 64, discloses=False),
    ],
)
def test_never_across_different_complainants(world: World, marks: ComplainantMarks) -> None:
    assert match(story(world, "a"), story(world, "b", complainant=marks, source_reference="R1")) is None


def test_two_applications_of_one_person_are_two_matters(world: World) -> None:
    assert match(story(world, "a"), story(world, "b", project_no="P2")) is None


def test_the_same_matter_and_organisation_is_suggested_with_its_reasons(world: World) -> None:
    one = story(world, "a", project_no=None)
    other = story(
        world, "b", "2026-09-20 10:00", project_no=None,
        matter=MatterNamed(name="企业设立登记"), accused=Accused(organisation="五华区市场监督管理局"),
    )  # fmt: skip
    near = story(world, "c", "2026-09-20 10:00", project_no=None, accused=Accused(organisation="五华区市场监督管理局"))
    found = match(one, near)
    assert found and not found.certain and found.score >= matching.SUGGESTED
    assert {reason.partition("-")[0] for reason in found.reasons} == {
        "same",
        "matter",
        "organisation",
        "division",
        "time",
    }
    assert match(one, other) is None  # one gave a code, the other a name: nothing to hold against each other


def test_what_says_nothing_of_its_matter_is_not_suggested(world: World) -> None:
    bare = {"project_no": None, "matter": MatterNamed()}
    assert match(story(world, "a", **bare), story(world, "b", **bare)) is None


def test_the_more_alike_the_higher_the_score(world: World) -> None:
    one = opening(story(world, "a", project_no=None))
    scores = [
        compare(one, opening(story(world, "b", day, project_no=None)))
        for day in ("2026-09-19 10:00", "2026-10-19 10:00", "2026-11-19 10:00")
    ]
    assert [each.score for each in scores if each] == sorted((each.score for each in scores if each), reverse=True)


@given(st.permutations(range(4)))
def test_of_many_the_earliest_stays_whatever_order_they_come_in(order: list[int]) -> None:
    made = [
        matching.Opening(
            case=f"c{n}", received_at=at(f"2026-09-1{n} 10:00"), received_on=at(f"2026-09-1{n} 10:00").date(),
            kind="complaint", division="530102", instrument="x", project_no="P", id_index="i",
        )
        for n in range(4)
    ]  # fmt: skip
    found = {(m.earlier, m.later) for a, b in permutations([made[n] for n in order], 2) if (m := compare(a, b))}
    assert found == {(f"c{a}", f"c{b}") for a in range(4) for b in range(a + 1, 4)}


class TestWhatIsAsked:
    def asks(self, world: World, earlier: Story, later: Story, **more: bool) -> ActRequested | None:
        found = match(earlier, later)
        assert found is not None
        return matching.asks(
            found, later.case, earlier.case, world.instrument(later.case), at("2026-09-20 09:00"), **more
        )

    def test_a_certain_match_is_merged_where_the_law_allows_it_in_this_state(self, world: World) -> None:
        earlier, later = story(world, "a").handed_over(), story(world, "b", "2026-09-19 10:00").handed_over()
        act = self.asks(world, earlier, later)
        assert act and (act.act, act.case_id, act.data["into"]) == ("merge", later.case.id, earlier.case.id)
        assert act.by.role == "system"

    def test_what_another_agency_of_another_administration_has_is_suggested_and_not_merged(self, world: World) -> None:
        there = {"division": "530103", "matter": MatterNamed(), "accused": {"organisation": "11530103XXXXXXX012"}}
        earlier = story(world, "a", **there).handed_over()
        later = story(world, "b", "2026-09-19 10:00").handed_over()
        act = self.asks(world, earlier, later)
        assert act and (act.act, act.data["other"]) == ("note", earlier.case.id)
        found = match(earlier, later)
        assert found and not matching.waits(found, later.case, earlier.case, world.instrument(later.case))

    def test_the_law_decides_in_which_state(self, world: World) -> None:
        for each in world.law.instruments.values():
            allowed = {state for state in matching.OPEN if matching.allows_merging(each, state)}
            assert allowed == {
                "yunnan-2022": {"assigned", "accepted"}, "suining-2023": {"pending", "assigned"},
            }.get(each.id, allowed if each.merging else set())  # fmt: skip

    def test_where_the_law_has_no_merging_it_is_suggested(self, world: World) -> None:
        qinghai = {"division": "630102", "matter": MatterNamed(code="YL31001")}
        act = self.asks(world, story(world, "a", **qinghai), story(world, "b", "2026-09-19 10:00", **qinghai))
        assert act and (act.act, act.data["suggestion"], act.data["score"]) == ("note", "same-open", 100)

    def test_the_suggestion_is_in_the_record_and_changes_nothing(self, world: World) -> None:
        qinghai = {"division": "630102", "matter": MatterNamed(code="YL31001")}
        earlier, later = story(world, "a", **qinghai), story(world, "b", "2026-09-19 10:00", **qinghai)
        act = self.asks(world, earlier, later)
        assert act is not None
        noted = ask(later, act)
        assert isinstance(noted, Acted) and noted.data["other"] == earlier.case.id
        assert later.case.state == "pending"

    def test_the_same_as_a_closed_one_is_pointed_out_as_that(self, world: World) -> None:
        earlier = story(world, "a").handed_over().accepted()
        earlier.applied("classify", "2026-09-22 11:00", class_="off-site")
        earlier.applied("answer", "2026-09-28 10:00", text="x", served_by="phone")
        earlier.applied("close", "2026-09-28 11:00", outcome="unsubstantiated")
        act = self.asks(world, earlier, story(world, "b", "2026-10-09 10:00").handed_over("2026-10-09 11:00"))
        assert act and (act.act, act.data["suggestion"]) == ("note", "same-closed")

    def test_nothing_is_asked_of_what_is_over(self, world: World) -> None:
        earlier, later = story(world, "a"), story(world, "b", "2026-09-19 10:00")
        later.applied("withdraw", "2026-09-19 11:00", "complainant")
        assert self.asks(world, earlier, later) is None


def ask(one: Story, request: ActRequested) -> object:
    """What the case makes of an act that routing asked for."""
    from services.routing.core import decide

    one.decided = decide.act(request, one.case, one.world)
    one.events += [event for event, _ in one.decided.events]
    one.values += [value for _, value in one.decided.events]
    return one.events[-1]


class TestTheCaseThatStays:
    """The absorbed case came first but was given in later: an imported day, say. Its clock must not be lost."""

    def merged(self, world: World, by: str = "2026-09-22 12:00") -> tuple[Story, Story, ActRequested]:
        survivor = story(world, "a", "2026-09-21 10:00").handed_over("2026-09-22 09:00")
        absorbed = story(world, "b", "2026-09-18 10:00").handed_over("2026-09-18 11:00")
        absorb = self.act(absorbed, "merge", by, survivor, into=survivor.case.id)
        assert absorb is not None
        return survivor, absorbed, absorb

    @staticmethod
    def act(one: Story, act: str, when: str, other: Story, **data: Any) -> ActRequested | None:
        before = one.case
        request = ActRequested(
            act_id=other.case.id[:-4] + f"{len(one.events):04d}", case_id=one.case.id, act=act,
            by=Actor(organisation="suda", role="system"), received_at=at(when), data=data,
        )  # fmt: skip
        event = ask(one, request)
        assert isinstance(event, Acted), event
        return follow_up(event, request, before, one.world.instrument(before), one.world.calendar)

    @staticmethod
    def due(one: Story, name: str) -> str:
        law, opened = one.world.instrument(one.case), one.case.opened
        assert law is not None
        found = duties(law, one.case.history, one.world.calendar, kind=opened.kind, channel=opened.channel)
        return found[name, 1].due.due_day.isoformat()

    def test_its_clocks_run_from_the_earliest_start(self, world: World) -> None:
        survivor, absorbed, absorb = self.merged(world)
        assert self.due(survivor, "acceptance") == "2026-09-28"
        assert isinstance(ask(survivor, absorb), Acted)
        assert self.due(survivor, "acceptance") == "2026-09-22" == self.due(absorbed, "acceptance")

    def test_a_later_clock_changes_nothing(self, world: World) -> None:
        survivor, absorbed, absorb = self.merged(world)
        starts = {"acceptance": {"day": "2026-09-25", "at": "2026-09-25T10:00:00+08:00"}}
        other = absorb.model_copy(update={"data": {**absorb.data, "starts": starts}})
        assert isinstance(ask(survivor, other), Acted)
        assert self.due(survivor, "acceptance") == "2026-09-28"

    def test_what_was_done_is_not_made_late_by_it(self, world: World) -> None:
        survivor, _, absorb = self.merged(world, "2026-09-24 12:00")
        survivor.applied("accept", "2026-09-24 11:00", served_by="phone", served_on="2026-09-24")
        before = self.due(survivor, "acceptance")
        ask(survivor, absorb)
        assert self.due(survivor, "acceptance") == before

    def test_an_undone_merge_gives_the_clock_back(self, world: World) -> None:
        survivor, absorbed, absorb = self.merged(world)
        ask(survivor, absorb)
        release = self.act(absorbed, "unmerge", "2026-09-22 13:00", survivor, reason="x")
        assert release is not None and "starts" not in release.data
        ask(survivor, release)
        assert self.due(survivor, "acceptance") == "2026-09-28"
        assert absorbed.case.state == "assigned"

    def test_a_survivor_that_is_over_cannot_take_it_over_and_the_merge_is_undone(self, world: World) -> None:
        survivor, absorbed, absorb = self.merged(world)
        survivor.applied("withdraw", "2026-09-22 12:00", "complainant")
        before = survivor.case
        refused = ask(survivor, absorb)
        assert isinstance(refused, Rejected)
        undone = follow_up(refused, absorb, before, world.instrument(before), world.calendar)
        assert undone is not None and (undone.act, undone.case_id) == ("unmerge", absorbed.case.id)
        assert isinstance(ask(absorbed, undone), Acted) and absorbed.case.state == "assigned"

    def test_the_follow_up_has_the_same_id_and_bytes_however_often_it_is_made(self, world: World) -> None:
        _, _, one = self.merged(world)
        _, _, other = self.merged(world)
        assert one.to_bytes() == other.to_bytes()

    def test_nobody_but_routing_can_absorb(self, world: World) -> None:
        survivor, _, absorb = self.merged(world)
        forged = absorb.model_copy(update={"by": Actor(organisation=survivor.case.accountable or "", role="officer")})
        assert isinstance(ask(survivor, forged), Rejected)
        assert withdrawals(forged.model_copy(update={"data": {"starts": {}, "absorbed": "no id"}}), "x") == []
