"""Who must answer, found in the order of each instrument's own principles, with the evidence for every step."""

from datetime import date

import pytest

from services.routing.core.accountability import Found, find
from services.routing.core.affair import Affair, Holding, merged
from services.routing.core.decide import World
from shared.directory.model import Division, Matter, Organisation
from shared.directory.tree import Directory
from shared.events.cases import Dispatched
from shared.events.intake import Accused, MatterNamed
from tests.core.cases import Story, complaint

ADMINISTRATIONS = {"530102": "11530102XXXXXXX001", "410503": "11410503XXXXXXX001"}
HERE, ABOVE, OLD, NEW = (f"11530102XXXXXXX{n}" for n in ("012", "801", "802", "803"))


def unit(code: str, name: str, division: str = "530102", **more: object) -> Organisation:
    return Organisation.model_validate({"code": code, "name": name, "kind": "agency", "division": division, **more})


def directory(*more: Organisation | Matter, division: str = "530102") -> Directory:
    """One division with its administration, a unit here, one that is gone with a successor, and what is added."""
    administration = ADMINISTRATIONS.get(division, "11530102XXXXXXX001")
    found = Directory()
    records = [
        Division(code=division, name="区", level="county", administration=administration),
        Organisation(code=administration, name="政务局", kind="administration", division=division),
        unit(HERE, "市监局", division),
        unit(OLD, "工商局", division, until="2026-08-31", successor=NEW),
        unit(NEW, "新局", division, **{"from": "2026-09-01"}),
        Matter(code="M1", name="食品经营许可", division=division, agency=HERE),
        *more,
    ]
    for offset, record in enumerate(records):
        found.apply(record, offset)
    return found


def affair(**fields: object) -> Affair:
    return Affair.model_validate({"project_no": "P1", "accepted_by": HERE, **fields}, strict=False)


def search(
    world: World, instrument: str | None, known: Directory, said: Affair | None = None, **fields: object
) -> Found:
    given: dict[str, object] = {"matter": MatterNamed(), "accused": Accused(), "project_no": "P1" if said else None}
    law = world.law.get(instrument) if instrument else None
    return find(complaint(**(given | fields)), law, known, said)  # type: ignore[arg-type]


def test_the_affair_comes_before_the_matter_and_the_name(world: World) -> None:
    known = directory(unit(ABOVE, "审批局"))
    found = search(
        world, "yunnan-2022", known, affair(accepted_by=ABOVE),
        matter=MatterNamed(code="M1"), accused=Accused(organisation=HERE),
    )  # fmt: skip
    assert found.accountable == ABOVE
    assert [(step.asked, step.found) for step in found.steps] == [
        ("affair", ABOVE),
        ("division", ADMINISTRATIONS["530102"]),
    ]


def test_an_affair_that_was_never_imported_is_said_and_the_matter_decides(world: World) -> None:
    found = search(world, "yunnan-2022", directory(), project_no="P9", matter=MatterNamed(code="M1"))
    assert found.accountable == HERE
    assert [step.asked for step in found.steps] == ["affair", "matter", "division"]
    assert found.steps[0].found is None and "没有导入" in found.steps[0].why


def test_without_a_project_number_no_affair_is_asked_for(world: World) -> None:
    assert [step.asked for step in search(world, "yunnan-2022", directory()).steps] == ["division"]


def test_the_matter_of_the_affair_serves_where_its_units_are_unknown(world: World) -> None:
    found = search(world, "yunnan-2022", directory(), affair(accepted_by="11990000XXXXXXX999", matter="M1"))
    assert [(step.asked, step.found) for step in found.steps[:2]] == [("affair", None), ("matter", HERE)]


@pytest.mark.parametrize(
    ("day", "who"), [("2026-09-02", ABOVE), ("2026-09-03", HERE), ("2026-09-09", HERE), ("2026-09-18", HERE)]
)
def test_who_held_the_affair_on_the_day_answers_in_qinghai(world: World, day: str, who: str) -> None:
    passed = affair(
        accepted_by=HERE,
        handled=[{"by": ABOVE, "from": "2026-09-01", "until": "2026-09-02"}, {"by": HERE, "from": "2026-09-03"}],
    )
    found = search(world, "qinghai-2022", directory(unit(ABOVE, "审批局")), passed, occurred_at=f"{day}T10:00:00+08:00")
    assert found.accountable == who and day in found.steps[0].why


def test_who_approved_answers_in_yunnan_and_who_handled_in_qinghai(world: World) -> None:
    known = directory(unit(ABOVE, "审批局"))
    said = affair(handled=[{"by": HERE}], concluded_by=ABOVE, concluded_on="2026-09-10")
    assert search(world, "yunnan-2022", known, said).accountable == ABOVE
    assert search(world, "qinghai-2022", known, said).accountable == HERE


def test_what_is_not_concluded_yet_is_with_whoever_handles_it(world: World) -> None:
    said = affair(handled=[{"by": HERE}], concluded_by=ABOVE, concluded_on="2026-09-19")
    assert search(world, "yunnan-2022", directory(unit(ABOVE, "审批局")), said).accountable == HERE


def test_an_abolished_unit_is_answered_for_by_its_successor_on_that_day(world: World) -> None:
    found = search(world, "yunnan-2022", directory(), affair(accepted_by=OLD))
    assert found.accountable == NEW and OLD in found.steps[0].why and "新局" in found.steps[0].why
    before = search(world, "yunnan-2022", directory(), affair(accepted_by=OLD), received="2026-08-31 10:00")
    assert before.accountable == OLD and "承继" not in before.steps[0].why


def test_a_unit_gone_without_a_successor_is_said_and_the_search_goes_on(world: World) -> None:
    gone = unit(ABOVE, "撤销的局", until="2026-01-01")
    found = search(world, "yunnan-2022", directory(gone), affair(accepted_by=ABOVE), matter=MatterNamed(code="M1"))
    assert found.accountable == HERE and found.steps[0].found is None


TAX = "11530102XXXXXXX820"


def test_a_vertically_managed_unit_is_redirected_with_the_reason_and_where_to_turn(world: World) -> None:
    above = unit(ABOVE, "市税务局", vertical=True)
    tax = unit(TAX, "税务局", vertical=True, parent=ABOVE)
    found = search(world, "yunnan-2022", directory(above, tax), accused=Accused(organisation=TAX))
    step = found.steps[0]
    assert found.accountable == ADMINISTRATIONS["530102"] and step.found is None
    assert "垂直管理" in step.why and "市税务局" in step.why and "12345" in step.why


def test_its_window_in_a_service_centre_is_not_excluded(world: World) -> None:
    centre = Organisation(
        code="12530102XXXXXXX900", name="政务服务中心", kind="centre", division="530102", venue_kind="service-centre"
    )
    tax = unit(TAX, "税务局", vertical=True, venue=centre.code)
    found = search(world, "yunnan-2022", directory(centre, tax), accused=Accused(organisation=TAX))
    assert found.accountable == TAX


def test_a_window_names_its_unit_where_the_directory_knows_it(world: World) -> None:
    desk = unit(ABOVE, "不动产登记中心", aliases=["不动产登记窗口", "社保"])
    for window in ("不动产登记窗口", "社保2号窗口", "社保窗口"):
        found = search(world, "yunnan-2022", directory(desk), accused=Accused(window=window))
        assert (found.accountable, found.steps[0].asked) == (ABOVE, "window"), window
    lost = search(world, "yunnan-2022", directory(desk), accused=Accused(window="3号窗口"))
    assert lost.steps[0].found is None and lost.accountable == ADMINISTRATIONS["530102"]


class TestThePlaceFirst:
    """Henan 6: 属地管理优先."""

    @staticmethod
    def known() -> Directory:
        return directory(unit(ABOVE, "省厅", "410000"), division="410503")

    def test_a_unit_of_the_place_wins_over_the_one_elsewhere_that_handled_it(self, world: World) -> None:
        found = search(
            world, "henan-2020", self.known(), affair(accepted_by=ABOVE),
            division="410503", channel="platform", matter=MatterNamed(code="M1"),
        )  # fmt: skip
        assert found.accountable == HERE
        assert [(step.asked, step.found) for step in found.steps[:2]] == [("affair", None), ("matter", HERE)]
        assert "属地管理优先" in found.steps[0].why

    def test_the_unit_elsewhere_answers_where_the_place_has_none(self, world: World) -> None:
        found = search(
            world, "henan-2020", self.known(), affair(accepted_by=ABOVE), division="410503", channel="platform"
        )
        assert found.accountable == ABOVE and found.steps[0].found == ABOVE

    def test_elsewhere_the_order_stays(self, world: World) -> None:
        known = directory(unit(ABOVE, "市局", "530100"))
        found = search(world, "yunnan-2022", known, affair(accepted_by=ABOVE), matter=MatterNamed(code="M1"))
        assert found.accountable == ABOVE


@pytest.mark.parametrize(
    ("instrument", "affair_article", "principle", "place_article"),
    [
        ("yunnan-2022", "5", "谁审批谁负责", "5"),
        ("suining-2023", "6", "谁审批谁负责", "6"),
        ("zaozhuang-2020", "3", "处置本单位", "3"),
        ("henan-2020", "6", "谁主管谁负责", "6"),
        ("qinghai-2022", "8", "谁办理谁负责", "7"),
    ],
)
def test_each_step_cites_the_principle_of_its_own_instrument(
    world: World, instrument: str, affair_article: str, principle: str, place_article: str
) -> None:
    first, last = search(world, instrument, directory(), affair()).steps
    assert principle in first.principle
    assert [(c.instrument, c.article) for c in first.citations] == [(instrument, affair_article)]
    assert [(c.instrument, c.article) for c in last.citations] == [(instrument, place_article)]


def test_an_unbound_case_is_searched_for_all_the_same_without_citations(world: World) -> None:
    found = search(world, None, directory(), affair())
    assert found.accountable == HERE and not any(step.citations for step in found.steps)


class TestMerging:
    def test_the_same_again_changes_nothing(self) -> None:
        said = affair(handled=[{"by": HERE, "from": "2026-09-01"}])
        assert merged(merged(None, said), said) == merged(None, said)

    def test_holdings_are_added_up_in_whatever_order_they_come(self) -> None:
        one = affair(handled=[{"by": HERE, "from": "2026-09-01", "until": "2026-09-02"}])
        other = affair(handled=[{"by": ABOVE, "from": "2026-09-03"}])
        assert merged(merged(None, one), other) == merged(merged(None, other), one)
        assert [each.by for each in merged(merged(None, other), one).handled] == [HERE, ABOVE]

    def test_a_field_left_out_stays_and_a_known_end_is_not_lost(self) -> None:
        done = affair(concluded_on="2026-09-10", handled=[{"by": HERE, "from": "2026-09-01", "until": "2026-09-09"}])
        again = affair(handled=[{"by": HERE, "from": "2026-09-01"}])
        after = merged(done, again)
        assert after.concluded_on == date(2026, 9, 10)
        assert after.handled == (Holding(by=HERE, since=date(2026, 9, 1), until=date(2026, 9, 9)),)

    def test_another_division_contradicts(self) -> None:
        with pytest.raises(ValueError):
            merged(affair(division="530102"), affair(division="530103"))


@pytest.mark.parametrize(
    "wrong",
    [
        {"project_no": "x" * 51}, {"project_no": ""}, {"accepted_by": HERE + "0"}, {"base_code": "1" * 11},
        {"task_code": "1" * 25}, {"division": "1" * 10}, {"kind": "3"}, {"accepted_on": "2026-13-01"},
        {"applicant": "张三"}, {"accepted_by": None}, {"accepted_on": "2026-09-02", "concluded_on": "2026-09-01"},
        {"handled": [{"by": HERE, "from": "2026-09-02", "until": "2026-09-01"}]}, {"handled": [{"by": HERE, "x": 1}]},
    ],
)  # fmt: skip
def test_lengths_and_codes_are_those_of_the_standard_and_nothing_else_is_taken(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError):
        affair(**wrong)


def test_who_is_left_out_is_redirected_also_where_that_leaves_the_case_unbound(world: World) -> None:
    place = World(world.law, directory(unit(TAX, "税务局", vertical=True)), world.calendar)
    story = Story(place, complaint(matter=MatterNamed(), accused=Accused(organisation=TAX)))
    event = story.events[1]
    assert isinstance(event, Dispatched) and story.case.instrument is None
    assert event.accountable == ADMINISTRATIONS["530102"] and "垂直管理" in event.steps[0].why
