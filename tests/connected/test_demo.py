"""`suda demo` as somebody runs it: a process of its own, in an empty home and then again in the same one."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from services.cli.demonstration.stories import ORDER
from shared.stack import process

pytestmark = [pytest.mark.connected, pytest.mark.timeout(900)]
COUNT = len(ORDER)  # every story at least once

# What the stories say under yunnan-2022, counted by hand: 2 refused; 1 never handed over, 1 accepted and never closed;
# handed over late: 2; accepted late: 1; closed late, never closed, asked for more time when it was over: 3.
FIGURES = {
    "received": 20,
    "dispatched": 20,
    "open": 2,
    "closed": 16,
    "refused": 2,
    "breaches": {"acceptance": 1, "handover": 2, "resolution": 3},
    "extended": 2,
    "rejected_acts": 1,
    "verified": True,
    "missing": [],
}


def demo(home: Path) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "services.cli.main", "demo", "--complaints", str(COUNT), "--json"],
        env={**os.environ, "SUDA_HOME": str(home), "SUDA_DOCKER": "false", "PYTHONPATH": os.getcwd()},
        capture_output=True,
        text=True,
        timeout=420,
        check=False,
    )


def test_the_demo_ends_with_the_figures_of_its_stories_however_often_it_runs(tmp_path: Path) -> None:
    home = tmp_path / "home"
    reports: list[dict[str, Any]] = []
    for _ in range(2):
        done = demo(home)
        assert done.returncode == 0, done.stderr[-3000:]
        report = json.loads(done.stdout)  # one object and nothing else
        assert {name: report[name] for name in FIGURES} == FIGURES
        assert report["seconds"] > 0 and all(check["holds"] for check in report["checks"])
        assert list(Path(report["folder"]).glob("hotline-*.csv")), "the files it sent are left behind"
        reports.append(report)
        assert process.records(home) == [], "nothing runs on"
    assert reports[0]["from"] < reports[1]["from"]
