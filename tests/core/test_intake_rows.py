"""Work-order files as rows: encodings, real line numbers, and files that cannot be read as a whole."""

import io
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.intake.core.rows import Row, Unusable, csv_rows, encoding_of, json_rows

HEAD = "工单编号,来电时间,行政区划,诉求类型,诉求内容"
LINE = "A1,2026-03-01 09:00,530102,投诉,内容"


def csv_of(text: str) -> list[Row]:
    return list(csv_rows(io.StringIO(text, newline="")))


def test_a_row_knows_the_line_it_begins_at_also_after_a_quoted_line_break() -> None:
    rows = csv_of(f'{HEAD}\r\nA1,t,530102,投诉,"一\r\n二\r\n三"\r\n\r\nA2,t,530102,投诉,四\r\n')
    assert [(row.line, row.cells["工单编号"]) for row in rows] == [(2, "A1"), (6, "A2")]


def test_a_row_with_too_many_cells_is_one_bad_row() -> None:
    rows = csv_of(f"{HEAD}\n{LINE},多\n{LINE}\n")
    assert rows[0].flaw is not None and rows[0].flaw.field == "row" and rows[0].line == 2
    assert rows[1].flaw is None


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("", "head"),
        ("\n\n", "head"),
        (LINE, "lacks 工单编号"),
        (HEAD.replace("工单编号,", "") + "\n", "lacks 工单编号"),
        (HEAD + ",标题,标题\n", "标题 twice"),
        (f'{HEAD}\n{LINE}\nA2,t,530102,投诉,"没有结束\n{LINE}\n', "line 3"),
        (f'{HEAD}\nA2,t,530102,投诉,"{"长" * 140_000}"\n', "line 2"),
    ],
)
def test_a_csv_file_that_cannot_be_read_says_where(text: str, named: str) -> None:
    with pytest.raises(Unusable, match=named):
        csv_of(text)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_the_encoding_is_found(encoding: str) -> None:
    raw = f"{HEAD}\n{LINE}\n".encode(encoding)
    found = encoding_of(raw[n : n + 1] for n in range(len(raw)))
    assert csv_of(raw.decode(found))[0].cells["工单编号"] == "A1"


@pytest.mark.parametrize("raw", ["工单".encode("utf-16"), b"\xff\xff\xff", b"a\0b"])
def test_another_encoding_is_refused_with_the_mend(raw: bytes) -> None:
    with pytest.raises(Unusable, match="save it as CSV UTF-8"):
        encoding_of([raw])


def json_of(text: str, size: int = 1 << 20) -> list[Row]:
    return list(json_rows(text[n : n + size] for n in range(0, len(text), size)))


@pytest.mark.parametrize("size", [1, 2, 7, 1000])
def test_json_is_read_in_pieces_with_real_lines(size: int) -> None:
    text = json.dumps([{"工单编号": f"A{n}", "诉求内容": '引"号\\'} for n in range(5)], indent=1, ensure_ascii=False)
    assert [row.line for row in json_of(text, size)] == [2, 6, 10, 14, 18]
    assert {row.cells["诉求内容"] for row in json_of(text, size)} == {'引"号\\'}


def test_json_cells_are_text_whatever_they_were() -> None:
    (row,) = json_of('[{"行政区划": 530102, "是否匿名": true, "是否保密": false, "标题": null, "别的": [1]}]')
    assert row.cells == {"行政区划": "530102", "是否匿名": "是", "是否保密": "否"}


@pytest.mark.parametrize("value", ['[{"标题": ["a"]}]', '[{"标题": 1.5}]', '["a"]', "[1]", "[null]"])
def test_a_json_row_of_another_shape_is_one_bad_row(value: str) -> None:
    (row,) = json_of(value)
    assert row.flaw is not None


@pytest.mark.parametrize("text", ["", "{}", "[", "[{}", "[{},]", "[{}{}]", "[{}] x", "[{]", '[{"a": "', "[" * 100_000])
def test_a_json_file_that_cannot_be_read_is_refused(text: str) -> None:
    with pytest.raises(Unusable):
        json_of(text)


@given(st.text(), st.integers(1, 50))
def test_no_text_breaks_a_reader_with_anything_but_unusable(text: str, size: int) -> None:
    for read in (csv_of, lambda text: json_of(text, size), lambda text: csv_of(f"{HEAD}\n{text}")):
        try:
            read(text)
        except Unusable:
            continue


@given(
    st.lists(
        st.dictionaries(st.sampled_from(HEAD.split(",")), st.text(max_size=5), min_size=1), min_size=1, max_size=5
    ),
    st.integers(1, 9),
)
def test_json_in_any_pieces_reads_as_the_whole(orders: list[dict[str, Any]], size: int) -> None:
    text = json.dumps(orders)
    assert [row.cells for row in json_of(text, size)] == orders
