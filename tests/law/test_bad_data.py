"""Data that cannot be law is refused with file, line and mend."""

import copy
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.law import LawErrors, load
from shared.law.errors import LawError
from shared.law.source import MAX_BYTES, read

SIXTH = Path(__file__).parent / "sixth" / "linhai-2026"
TEXT, HEAD = "1-all.yaml", "instrument.yaml"


def faults(folder: Path, file: str, old: str, new: str) -> list[str]:
    """What `load` says about the sixth instrument after one change, with `old` found on the line marked in it."""
    copy = folder / "linhai-2026"
    shutil.copytree(SIXTH, copy)
    text = (copy / file).read_text(encoding="utf-8")
    assert text.count(old) >= 1, old
    (copy / file).write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(LawErrors) as caught:
        load(folder)
    return [str(fault) for fault in caught.value.faults]


def line(file: str, needle: str) -> int:
    lines = (SIXTH / file).read_text(encoding="utf-8").splitlines()
    return next(number for number, text in enumerate(lines, 1) if needle in text)


@pytest.mark.parametrize(
    ("file", "old", "new", "said"),
    [
        (TEXT, "{unit: working_days, length: 7}", "{length: 7}", "unit"),
        (TEXT, "{unit: working_days, length: 7}", "{unit: working_days}", "length"),
        (TEXT, "{unit: working_days, length: 7}", "{unit: weeks, length: 7}", "unit"),
        (TEXT, "{unit: working_days, length: 7}", "{unit: working_days, length: 0}", "length"),
        (TEXT, "- {act: accept,", "- {act: admit,", "act"),
        (TEXT, "{role: inspector,", "{role: mayor,", "role"),
        (TEXT, "starts: [appealed]", "starts: [complained]", "starts"),
        (TEXT, "starts: [appealed]", "starts: []", "starts and ends"),
        (TEXT, "item: 1, text", "item: 0, text", "no article"),
        (TEXT, "article: 7", "article: 99", "article 99 of a text with 7"),
        (TEXT, "article: 7", "article: 6", "article 6 twice"),
        (TEXT, "    not_operative: 施行日期见 instrument.yaml", "", "neither rule nor reason"),
        (TEXT, "heading: 月报", "heading: 月报\n    not_operative: 无", "rules and not_operative"),
        (TEXT, "until: 2026-06-30", "until: 2026-07-31", "both hold"),
        (TEXT, "late_start: acceptance", "late_start: handover", "late_start"),
        (TEXT, "before_due: resolution", "before_due: settlement", "settlement"),
        (TEXT, "act: approve-extension", "act: request-extension", "nobody may approve"),
        (TEXT, "after: [appealed]", "after: [visited]", "visited"),
        (TEXT, "starts: [appealed]", "starts: [visited]", "visited"),
        (TEXT, "grounds: [{id: unclear, item: 1, text: 不明确}]", "", "needs a ground"),
        (TEXT, "limit: 3, counted: added", "limit: 3, counted: total", "below the period"),
        (TEXT, "limit: 3,", "limit: 3, when: later,", "when"),
        (TEXT, "      - id: review", "      - id: Review Board", "id"),
        (TEXT, "title: 复核", "title: 复核\n        when_class: [urgent]", "'urgent'"),
        (TEXT, "    heading: 月报", "    heading: 月报\n    penalties: []", "penalties"),
        (TEXT, "title: 月报", "title: 月报\n        title: 报告", "twice"),
        (TEXT, "title: 月报", "title: &a 月报", "anchor or alias"),
        (TEXT, "title: 月报", "title: !!python/object:os.system 月报", "tag"),
        (TEXT, "title: 月报", "title: " + "[" * 40 + "]" * 40, "nested deeper"),
        (TEXT, "from: 2026-07-01", "from: 2026-13-01", "no day of the calendar"),
        (TEXT, "chapter: 全文", "chapter: [全文", "no YAML"),
        (HEAD, "id: linhai-2026", "id: linhai", "'linhai-2026'"),
        (HEAD, "articles: 7", "articles: 8", "article 8 is missing"),
        (HEAD, "until: 2027-12-31", "until: 2025-12-31", "until lies before from"),
        (HEAD, "from: 2026-01-01", "since: 2026-01-01", "from"),
        (HEAD, "kinds: [complaint, consultation]", "kinds: [petition]", "kinds"),
        (HEAD, "issuer: 虚构单位", "issuer: 虚构单位\nvariant: true", "variant"),
        (TEXT, "scope: [{id: all, text: 虚构的投诉}]", "scope: 5", "no list"),
        (TEXT, "title: 月报", "title: 月报\n        also: 3", "also is no list"),
        (TEXT, "title: 月报", "title: 月报\n        citations: []", "not written by hand"),
        (HEAD, "issuer: 虚构单位", "issuer: 虚构单位\nowner: 某人", "owner"),
        (HEAD, '["9901"]', '["Linhai"]', "divisions"),
        (HEAD, "  kinds:", "  venues: []\n  kinds: []\n  kinds:", "twice"),
    ],
)
def test_a_fault_names_file_line_and_mend(tmp_path: Path, file: str, old: str, new: str, said: str) -> None:
    found = faults(tmp_path, file, old, new)
    assert any(said in fault for fault in found), found
    for fault in found:
        where, _, rest = fault.partition(": ")
        assert "linhai-2026/" in where and where.rsplit(":", 1)[-1].isdigit(), fault
        assert "; " in rest, fault


def test_the_line_is_the_one_with_the_fault(tmp_path: Path) -> None:
    found = faults(tmp_path, TEXT, "{unit: working_days, length: 7}", "{unit: weeks, length: 7}")
    assert f"{TEXT}:{line(TEXT, 'length: 7')}: " in found[0]


def test_all_faults_are_told_at_once(tmp_path: Path) -> None:
    found = faults(tmp_path, TEXT, "unit: working_days", "unit: weeks")
    copy = tmp_path / "linhai-2026" / TEXT
    copy.write_text(copy.read_text(encoding="utf-8").replace("act: reply", "act: whisper"), encoding="utf-8")
    with pytest.raises(LawErrors) as caught:
        load(tmp_path)
    assert len(caught.value.faults) > len(found)


def test_two_texts_for_the_same_cases_are_a_conflict(tmp_path: Path) -> None:
    found = faults(tmp_path, HEAD, '["9901"]', '["53"]')
    assert "linhai-2026 and yunnan-2022" in found[0] or "yunnan-2022 and linhai-2026" in found[0]


def test_a_built_in_name_is_not_taken(tmp_path: Path) -> None:
    shutil.copytree(SIXTH, tmp_path / "yunnan-2022")
    with pytest.raises(LawErrors, match="built in"):
        load(tmp_path)


def test_a_folder_without_an_instrument_is_named(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(LawError, match=r"instrument\.yaml"):
        load(tmp_path)


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(LawError, match="SUDA_LAW"):
        load(tmp_path / "nowhere")


def test_a_bomb_is_refused_before_it_is_built(tmp_path: Path) -> None:
    rows = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    rows += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 20)]
    (tmp_path / "bomb.yaml").write_text("\n".join(rows))
    with pytest.raises(LawError, match="anchor or alias"):
        read(tmp_path / "bomb.yaml")


def test_an_over_large_file_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "large.yaml").write_text("a: " + "x" * MAX_BYTES)
    with pytest.raises(LawError, match="KiB"):
        read(tmp_path / "large.yaml")


@pytest.mark.parametrize("text", ["", "- a\n", "a\n", "a: 1\n---\nb: 2\n", "? [a]\n: b\n", "a: \x07\n"])
def test_what_is_no_single_mapping_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "odd.yaml").write_text(text)
    with pytest.raises(LawError, match="odd.yaml"):
        read(tmp_path / "odd.yaml")


def test_words_that_yaml_would_turn_into_something_else_stay_text(tmp_path: Path) -> None:
    (tmp_path / "plain.yaml").write_text('a: no\nb: 12:30\nc: "12"\nd: 12\ne: 0x10\nf: true\n')
    found = read(tmp_path / "plain.yaml")
    assert dict(found) == {"a": "no", "b": "12:30", "c": "12", "d": 12, "e": "0x10", "f": True}


JUNK = [None, 5, "x", [], {}, [1], {"a": 1}, True, -1, "", 1.5]


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every place inside a document."""
    if path:
        yield path
    if isinstance(value, dict):
        for key in value:
            yield from places(value[key], (*path, key))
    elif isinstance(value, list):
        for number, each in enumerate(value):
            yield from places(each, (*path, number))


WHOLE = {file: yaml.safe_load((SIXTH / file).read_text(encoding="utf-8")) for file in (TEXT, HEAD)}
PLACES = [(file, path) for file, whole in WHOLE.items() for path in places(whole)]


@settings(max_examples=80, deadline=None)
@given(st.sampled_from(PLACES), st.sampled_from(JUNK))
def test_junk_anywhere_is_taken_or_refused_but_never_a_crash(place: tuple[str, tuple[Any, ...]], junk: Any) -> None:
    file, path = place
    changed = copy.deepcopy(WHOLE)
    inside = changed[file]
    for step in path[:-1]:
        inside = inside[step]
    inside[path[-1]] = junk
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "linhai-2026"
        folder.mkdir()
        for each, data in changed.items():
            (folder / each).write_text(yaml.safe_dump(data, allow_unicode=True, sort_keys=False), encoding="utf-8")
        try:
            load(Path(name))
        except (LawError, LawErrors) as error:
            assert all(str(fault) for fault in error.faults)
