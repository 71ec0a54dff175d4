"""`suda law`: the shapes others rely on."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from services.cli.law import app
from shared.law import LawErrors, NotInForce
from shared.settings import settings

FURTHER = Path(__file__).parent / "sixth"


def run(*words: str) -> str:
    result = CliRunner().invoke(app, list(words), catch_exceptions=False)
    assert result.exit_code == 0
    return result.output


def answer(*words: str) -> dict[str, Any]:
    found = json.loads(run("due", *words, "--json"))
    assert isinstance(found, dict)
    return found


@pytest.fixture
def further(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("SUDA_LAW", str(FURTHER))
    settings.cache_clear()
    yield
    settings.cache_clear()


def test_due_answers_with_exactly_these_keys() -> None:
    found = answer("yunnan-2022", "resolution", "2026-09-28")
    keys = "instrument obligation start_day due_day latest_day provisional citations interpretation days"
    assert list(found) == keys.split()
    assert (found["due_day"], found["latest_day"], found["provisional"]) == ("2026-10-16", "2026-10-30", False)
    assert set(found["citations"][0]) == {"instrument", "article", "item", "title"}
    assert set(found["days"][0]) == {"day", "counts", "why"}
    assert found["citations"][0]["article"] == "13" and found["citations"][0]["item"] == "2"


def test_due_binds_by_the_day_received() -> None:
    assert answer("suining-2023", "return-visit", "2025-10-27", "--received", "2025-09-29")["due_day"] == "2025-10-30"
    with pytest.raises(NotInForce):
        run("due", "suining-2023", "return-visit", "2025-10-27")


def test_due_past_the_calendar_is_provisional() -> None:
    assert answer("henan-2020", "resolution-complex", "2026-12-30")["provisional"] is True


def test_due_in_words_shows_the_walk_the_article_and_the_reading() -> None:
    text = run("due", "yunnan-2022", "handover", "2026-09-18")
    assert "调休上班" in text and "第十条" in text and "2026-09-21" in text and "解读" in text


def test_list_names_all_five() -> None:
    text = run("list")
    for id in ("yunnan-2022", "suining-2023", "zaozhuang-2020", "henan-2020", "qinghai-2022"):
        assert id in text
    assert len(json.loads(run("list", "--json"))) == 5


def test_show_follows_the_text() -> None:
    text = run("show", "yunnan-2022")
    places = [text.index(f"\n{title}　") for title in ("第一条", "第八条", "第十三条", "第十九条", "附件4")]
    assert places == sorted(places)
    assert "第十二条" not in run("show", "yunnan-2022", "13").split("\n※")[0].split("  ·")[0]


def test_check_is_content_with_the_data() -> None:
    assert json.loads(run("check", "--json"))["valid"] is True


def test_a_further_folder_is_seen_by_every_command(further: None) -> None:
    assert "linhai-2026" in run("list")
    assert answer("linhai-2026", "acceptance", "2026-09-21")["due_day"] == "2026-09-22"


def test_check_reports_faults(tmp_path: Path) -> None:
    bad = tmp_path / "bad-1"
    bad.mkdir()
    (bad / "instrument.yaml").write_text("id: bad-1\ntitle: x\n")
    with pytest.raises(LawErrors):
        run("check", str(tmp_path), "--json")
    result = CliRunner().invoke(app, ["check", str(tmp_path), "--json"])
    assert json.loads(result.output)["valid"] is False
