"""The examples of docs/law.md are data that the loader takes."""

import re
from datetime import date
from pathlib import Path
from textwrap import dedent

from shared.law import Calendar, load

PAGE = (Path(__file__).parents[2] / "docs" / "law.md").read_text(encoding="utf-8")


def block(first: str) -> str:
    """The indented block that begins with `first`."""
    found = re.search(rf"^( +){re.escape(first)}.*\n(?:(?:\1.*)?\n)+", PAGE, re.MULTILINE)
    assert found, first
    return dedent(found[0]).strip() + "\n"


def test_the_instrument_of_the_page_loads(tmp_path: Path) -> None:
    folder = tmp_path / "linhai-2026"
    folder.mkdir()
    head = block("id: linhai-2026").replace("replaces: [older-2020]", "").replace("articles: 22", "articles: 2")
    (folder / "instrument.yaml").write_text(head, encoding="utf-8")
    chapter = block("chapter: 第三章").replace("article: 11", "article: 1").replace("article: 12", "article: 2")
    acts = "".join(
        f"      - {{act: {act}, by: [{{role: officer, relation: accountable}}], states: [assigned], to: {to}}}\n"
        for act, to in (("accept", "accepted"),)
    )
    chapter = chapter.replace("also: [8]", "also: [2]").replace("  - article: 2", f"    acts:\n{acts}  - article: 2")
    (folder / "1.yaml").write_text(chapter, encoding="utf-8")
    (tmp_path / "deployment.yaml").write_text(block("stand_ins:"), encoding="utf-8")
    library = load(tmp_path)
    assert library.get("linhai-2026").obligation("acceptance").citations[0].short == "1(1)"
    assert library.deployment.overrides and library.deployment.stand_ins and library.deployment.supersessions


def test_the_calendar_of_the_page_loads(tmp_path: Path) -> None:
    (tmp_path / "2027.yaml").write_text(block("complete:"), encoding="utf-8")
    calendar = Calendar.load(tmp_path)
    assert not calendar.day(date(2027, 1, 1)).counts and not calendar.day(date(2027, 1, 4)).provisional
