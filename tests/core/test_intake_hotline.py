"""One 12345 work order: what its cells mean, and what is said of a bad one."""

from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.intake.core.hotline import PLACES, REQUIRED, WorkOrder, work_order

NOW = datetime(2026, 3, 2, 1, 30, tzinfo=UTC)
CELLS = {
    "工单编号": "YL12345-2026-00001",
    "来电时间": "2026-03-01 23:30:00",
    "来电人": "林样例",
    "联系电话": "19900001000",
    "行政区划": "530102",
    "诉求类型": "投诉",
    "标题": "反复补正",
    "诉求内容": "三次要求补正。",
}


def good(**more: str) -> WorkOrder:
    order = work_order(CELLS | more, NOW)
    assert isinstance(order, WorkOrder), order
    return order


def bad(**more: str) -> dict[str, str]:
    order = work_order(CELLS | more, NOW)
    assert isinstance(order, list)
    return {flaw.field: flaw.problem for flaw in order}


def test_a_work_order_is_a_complaint_by_hotline_with_its_number_as_reference() -> None:
    order = good()
    made = order.complaint
    assert (made.channel, made.door, made.kind, made.division) == ("hotline", "12345", "complaint", "530102")
    assert order.number == made.source_reference == "YL12345-2026-00001"
    assert made.complainant.name == "林样例" and made.complainant.discloses and made.complainant.wants_answer


def test_the_day_of_the_call_is_the_day_of_receipt_in_shanghai() -> None:
    assert good().received_on == date(2026, 3, 1)
    assert good(来电时间="2026-03-01T17:00:00Z").received_on == date(2026, 3, 2)


@pytest.mark.parametrize(
    "text",
    [
        "2026-03-01 09:05:00",
        "2026/3/1 9:05",
        "2026-03-01T09:05:00+08:00",
        "20260301T090500",
        "20260301090500",
        "2026年3月1日 9时5分",
        "2026.3.1 09:05:00.0",
    ],
)
def test_times_are_read_as_they_are_written(text: str) -> None:
    assert good(来电时间=text).complaint.occurred_at == datetime(2026, 3, 1, 1, 5, tzinfo=UTC)


@pytest.mark.parametrize("text", ["", "昨天", "2026-13-01 00:00", "0001-01-01T00:00+14:00", "9999-12-31 23:59", "1"])
def test_a_time_that_is_none_is_a_flaw_of_its_column(text: str) -> None:
    assert set(bad(来电时间=text)) == {"来电时间"}


def test_a_call_in_the_future_is_refused() -> None:
    assert bad(来电时间="2026-03-02 09:30:01") == {"来电时间": "lies in the future"}


def test_whoever_asks_for_secrecy_does_not_disclose() -> None:
    made = good(是否保密="是", 是否匿名="是", 是否需要回复="否", 紧急程度="特急").complaint
    assert not made.complainant.discloses and made.complainant.anonymous and made.urgent
    assert not made.complainant.wants_answer


def test_what_hotlines_write_for_nothing_is_nothing() -> None:
    who = good(来电人="不详", 联系电话="无", 证件号码="-").complaint.complainant
    assert (who.name, who.phone, who.id_number) == (None, None, None)


def test_a_division_of_nine_or_twelve_digits_is_the_same_division() -> None:
    assert good(行政区划="530102000000").complaint.division == good(行政区划="530102000").complaint.division == "530102"


@pytest.mark.parametrize(
    ("column", "text"),
    [
        ("行政区划", "530102001"),
        ("行政区划", "五华区"),
        ("诉求类型", "表扬"),
        ("是否匿名", "也许"),
        ("紧急程度", "立刻"),
        ("联系电话", "1.38E+10"),
        ("工单编号", "2.0260301E+13"),
        ("工单编号", "A 1"),
        ("标题", "长" * 201),
        ("诉求内容", "a\x00b"),
        ("诉求内容", "a\ud800b"),
        ("工单编号", "a\udfffb"),
        ("窗口", "找13812345678"),
        ("证件号码", "五三〇"),
    ],
)
def test_a_bad_cell_is_named_by_its_column_and_not_repeated(column: str, text: str) -> None:
    found = bad(**{column: text})
    assert set(found) == {column} and text not in found[column]


def test_every_empty_cell_that_must_be_filled_is_named() -> None:
    found = work_order({}, NOW)
    assert isinstance(found, list) and {flaw.field for flaw in found} == set(REQUIRED)


@given(st.dictionaries(st.sampled_from(list(PLACES)), st.text(max_size=30)))
def test_no_cell_breaks_the_reader(cells: dict[str, str]) -> None:
    work_order(CELLS | cells, NOW)
