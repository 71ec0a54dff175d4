"""The alerts: over metrics that exist, each with its runbook, and firing when they should (promtool, where it is)."""

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client.metrics import MetricWrapperBase

from shared import metrics

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
RULES = DEPLOY / "prometheus" / "rules" / "suda.yml"
TESTS = DEPLOY / "prometheus" / "tests" / "suda.yml"
FAMILIES = [f for one in vars(metrics).values() if isinstance(one, MetricWrapperBase) for f in one.describe()]
SOURCES = {"up"} | {name + end for name in (family.name for family in FAMILIES) for end in ("", "_total", "_bucket")}
NEEDED = (
    *("BarrierStuck", "ConsumerLag", "EarlyRowsAgeing", "DeadLettersGrow"),
    *("RungsUnfired", "RungsLate", "Breaches", "ServiceDown", "ConsumerStopped", "TimersUnwatched"),
)


def rules() -> list[dict[str, Any]]:
    found = yaml.safe_load(RULES.read_text(encoding="utf-8"))
    return [rule for group in found["groups"] for rule in group["rules"]]


def test_what_must_be_told_is_told() -> None:
    assert {f"Suda{name}" for name in NEEDED} <= {rule["alert"] for rule in rules()}


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule["alert"])
def test_every_alert_has_a_runbook_a_severity_and_metrics_that_exist(rule: dict[str, Any]) -> None:
    assert rule["labels"]["severity"] in ("page", "ticket", "info") and rule["annotations"]["summary"]
    book = ROOT / rule["annotations"]["runbook_url"]
    first = book.read_text(encoding="utf-8").splitlines()[0]
    assert re.match(r"# .*[\u4e00-\u9fff].* · [A-Z]", first), first
    used = set(re.findall(r"\b(suda_[a-z_]+|up)\b", rule["expr"]))
    assert used and used <= SOURCES, used - SOURCES


def test_every_runbook_is_reached_by_an_alert() -> None:
    reached = {Path(rule["annotations"]["runbook_url"]).name for rule in rules()}
    assert {book.name for book in (DEPLOY / "runbooks").glob("*.md")} <= reached


def test_prometheus_loads_the_rules_where_they_are_mounted() -> None:
    (loaded,) = yaml.safe_load((DEPLOY / "prometheus.yml").read_text(encoding="utf-8"))["rule_files"]
    compose = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
    assert f"./deploy/prometheus/rules:{Path(loaded).parent}:ro" in compose["services"]["prometheus"]["volumes"]


def test_the_alerts_fire_when_they_should_and_not_before() -> None:
    promtool = os.environ.get("PROMTOOL") or shutil.which("promtool")
    if promtool is None:
        pytest.skip("promtool is not installed; it comes with Debian's package `prometheus`")
    for argv in (["check", "rules", str(RULES)], ["test", "rules", str(TESTS)]):
        done = subprocess.run([promtool, *argv], capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stdout + done.stderr
