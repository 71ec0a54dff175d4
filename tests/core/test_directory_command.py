"""services/cli/directory: the samples go onto an empty topic once, and nobody's own directory is touched."""

import json
from collections.abc import Iterable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from services.cli import directory as cli
from shared.directory.files import read
from shared.directory.model import Division, Record
from shared.directory.tree import Directory
from shared.errors import ConfigurationError
from shared.settings import Settings


class Topic:
    """Stands for `suda.directory`; `most` records of a load arrive before it is cut off."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.records: list[Record] = []
        self.most = 10_000
        monkeypatch.setattr(cli, "publish", self.publish)
        monkeypatch.setattr(cli, "from_topic", self.read)
        monkeypatch.setattr(cli, "connected", Settings)

    async def publish(self, records: Iterable[Record], settings: Settings) -> int:
        self.records += list(records)[: self.most]
        return len(self.records)

    async def read(self, settings: Settings) -> tuple[Directory, tuple[str, ...]]:
        found = Directory()
        for offset, record in enumerate(self.records):
            found.apply(record, offset)
        return found, ()


@pytest.fixture
def topic(monkeypatch: pytest.MonkeyPatch) -> Topic:
    return Topic(monkeypatch)


async def test_the_samples_are_loaded_once_and_called_samples(topic: Topic, capsys: pytest.CaptureFixture[str]) -> None:
    assert await cli.load_if_empty(Settings()) == len(read(cli.SAMPLES))
    assert "SAMPLES" in capsys.readouterr().err
    assert await cli.load_if_empty(Settings()) == 0
    assert capsys.readouterr().err == ""


async def test_a_load_that_was_cut_off_is_completed(topic: Topic) -> None:
    topic.most = 7
    await cli.load_if_empty(Settings())
    topic.most = 10_000
    await cli.load_if_empty(Settings())
    assert sorted(map(repr, topic.records)) == sorted(map(repr, read(cli.SAMPLES)))


async def test_a_directory_of_ones_own_gets_no_samples(topic: Topic) -> None:
    topic.records.append(Division(code="530000", name="云南省", level="province"))
    assert await cli.load_if_empty(Settings()) == 0


def test_load_and_show(topic: Topic, tmp_path: Path) -> None:
    run = CliRunner()
    assert json.loads(run.invoke(cli.app, ["load", str(cli.SAMPLES), "--check", "--json"]).stdout)["loaded"] is False
    assert topic.records == []
    assert "loaded: 36 divisions" in run.invoke(cli.app, ["load", str(cli.SAMPLES)]).stdout
    shown = run.invoke(cli.app, ["show", "530102"]).stdout
    assert "530102" in shown and "五华区" in shown
    found = json.loads(run.invoke(cli.app, ["show", "--json", "11530102XXXXXXX091"]).stdout)
    assert [record["successor"] for record in found["records"]] == ["11530102XXXXXXX012"]
    assert "2019-03-01" in run.invoke(cli.app, ["show", "11532901XXXXXXX001"]).stdout
    assert isinstance(run.invoke(cli.app, ["show", "999999"]).exception, ConfigurationError)
    assert isinstance(run.invoke(cli.app, ["load", str(tmp_path / "none.yaml")]).exception, ConfigurationError)
