"""bench/: what it measures is what it says, and nothing of it stays."""

import os
import signal
from pathlib import Path

import bson
import pytest
from typer import Typer
from typer.testing import CliRunner

from bench import complaints, harness, law, parts, relay
from services.cli.bench import bench
from services.routing.core.decide import World, open_case
from shared.directory.files import read
from shared.directory.tree import Directory
from shared.errors import ConfigurationError
from shared.events.intake import ComplaintReceived, parse
from shared.law import Calendar, load
from shared.privacy.keys import Keyring

KEYRING = Keyring({"1": b"m" * 16}, "1", b"i" * 32, b"c" * 32, b"t" * 32, b"d" * 32)
DIRECTORY = Path(__file__).parents[2] / "deploy" / "samples" / "directory.yaml"


def sample_directory() -> Directory:
    directory = Directory()
    for offset, record in enumerate(read(DIRECTORY)):
        directory.apply(record, offset)
    return directory


def command() -> Typer:
    app = Typer()
    app.command("bench")(bench)
    return app


def test_without_a_stage_every_stage_is_listed_with_one_line() -> None:
    shown = CliRunner().invoke(command(), [])
    assert shown.exit_code == 0
    assert [line.split()[0] for line in shown.stdout.splitlines()] == list(harness.STAGES)


def test_an_unknown_stage_is_refused_before_anything_is_measured() -> None:
    told = CliRunner().invoke(command(), ["law", "flight"])
    assert isinstance(told.exception, ConfigurationError)
    assert "'flight'" in str(told.exception) and "pipeline" in str(told.exception)


def test_targets_have_a_direction() -> None:
    stage = harness.Stage("", "", at_least={"ratio": 0.35}, at_most={"seconds": 2})
    assert stage.met({"ratio": 0.35, "seconds": 2})
    assert not stage.met({"ratio": 0.34, "seconds": 1})
    assert not stage.met({"ratio": 0.5, "seconds": 2.1})


def test_the_law_stage_says_its_figures_with_their_range() -> None:
    figures = harness.measure("law", 100, lambda _: None)
    assert figures["case"]["min"] <= figures["us_per_case"] <= figures["case"]["max"]
    assert figures["stage"] == "law" and figures["instruments"] >= 5 and figures["machine"]["cpus"] >= 1
    assert law.LIFE[-1][0] == "closed"


def test_complaints_are_those_that_intake_would_take_and_lie_under_yunnan() -> None:
    directory = sample_directory()
    made = list(complaints.records(40, KEYRING, directory))
    world = World(load(), directory, Calendar.load())
    for record in made:
        event = parse(record.value)
        assert isinstance(event, ComplaintReceived) and record.key == event.case_id.encode()
        assert open_case(event, world).case.instrument == "yunnan-2022"
        assert "content" in event.sealed
    assert len({record.key for record in made}) == 40


def test_the_relay_writes_documents_of_the_same_bytes_under_ids_of_its_own() -> None:
    case = "194afca3-b0b3-5279-a9fe-e4fd351749cd"
    template = {"journal": [{"_id": f"{case}:1", "v": b"x" * 900}, {"_id": f"{case}:2"}], "cases": [{"_id": case}]}
    made = relay.copies([template, template], 7, 1000)
    assert [len(made["journal"]), len(made["cases"])] == [2000, 1000]
    assert relay.size(made["journal"]) == 1000 * relay.size(template["journal"])
    ids = [document["_id"] for documents in made.values() for document in documents]
    assert len(set(ids)) == 3000


def test_templates_survive_the_file(tmp_path: Path) -> None:
    templates = [{"cases": [{"_id": "a", "v": b"\0\1", "nested": {"n": 1}}]}]
    relay.write(tmp_path / "t.bson", templates)
    assert relay.read(tmp_path / "t.bson") == templates
    assert relay.size(templates[0]["cases"]) == len(bson.encode(templates[0]["cases"][0]))


def test_a_home_goes_whatever_happens_in_it() -> None:
    with pytest.raises(ZeroDivisionError), harness.home("test") as home:
        (home / "file").write_text("x")
        raise ZeroDivisionError
    assert not home.exists()


def test_a_home_goes_when_the_bench_is_told_to_end() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(SystemExit), harness.home("test") as home:
        os.kill(os.getpid(), signal.SIGTERM)
    assert not home.exists()
    assert signal.getsignal(signal.SIGTERM) is before


def test_what_the_caller_set_reaches_no_part_of_a_bench(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SUDA_KAFKA", "production:9092")
    with parts.nothing_set():
        assert not [name for name in os.environ if name.startswith("SUDA_")]
    assert os.environ["SUDA_KAFKA"] == "production:9092"
