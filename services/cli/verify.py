"""`suda verify`: prove from topics and stores that nothing was lost, doubled, missed or changed (DESIGN.md 6.8)."""

import asyncio
import json
import sys
from collections.abc import Callable
from typing import Annotated, Any

import httpx
import typer
from rich.console import Console
from rich.table import Table

from services.cli.proof import deadlines, record
from services.cli.proof.evidence import Evidence, gather
from services.cli.running import running, settled
from services.reporting.core import check as read_model
from services.sla.core.unwatched import Watches
from shared.bus import Bus
from shared.clock import Clock
from shared.errors import Unavailable
from shared.law import Calendar, load
from shared.law.operations import load_operations
from shared.privacy import tokens
from shared.privacy.keys import Keyring, keyring_path
from shared.settings import Settings, settings
from shared.stack.running import Running
from shared.store import connect

SHOWN = 10
PATIENCE = 300.0  # seconds for everything in the input to go through


def verify(
    as_json: Annotated[
        bool, typer.Option("--json", help="one JSON object on stdout, with the heads of all chains")
    ] = False,
) -> None:
    """Prove that nothing was lost, doubled or missed; exit 0 only when all of it holds. 核验。

    Starts what is not running and waits until all input has gone through.

    Examples: ./suda verify · ./suda verify --json
    """
    with running(settings(), say=lambda text: print(text, file=sys.stderr)) as stack:
        report = asyncio.run(proof(stack))
    if as_json:
        print(json.dumps(report, ensure_ascii=False))
    else:
        show(report, Console())
    raise typer.Exit(0 if report["verified"] else 1)


async def proof(stack: Running) -> dict[str, Any]:
    """What `--json` prints: `verified`, each check with its findings, counts, the cases under other data, the heads."""
    current = stack.settings
    now = Clock(current.home / "clock", current.clock).now()
    client = connect(current)
    try:
        async with Bus(current, "suda-verify") as bus:
            try:
                await asyncio.wait_for(settled(stack, bus), PATIENCE)
            except TimeoutError:
                raise Unavailable("the input does not go through; see ./suda status and the services' logs") from None
            found = await gather(current, bus, client, now)
            stated = await statistics(stack)
    finally:
        await client.close()
    return judge(found, current, stated)


async def statistics(stack: Running) -> dict[str, Any]:
    """The counters as reporting answers them."""
    current = stack.settings
    clock = Clock(current.home / "clock", current.clock)
    keyring = Keyring.load(keyring_path(current))
    token = tokens.issue(keyring, current, "suda", "system", user="verify", now=clock.now())
    url = stack.urls.get("reporting", f"http://{current.host}:{current.reporting_port}")
    async with httpx.AsyncClient(timeout=60) as http:
        try:
            answer = await http.get(f"{url}/v1/statistics", headers={"Authorization": f"Bearer {token}"})
            found: dict[str, Any] = answer.raise_for_status().json()
        except (httpx.HTTPError, ValueError) as problem:
            raise Unavailable(f"reporting does not tell its counters: {problem!r}; see ./suda status") from None
    for line in found.get("organisations", ()):
        line.pop("name", None)
    return found


def _watches(current: Settings) -> Watches:
    operations = load_operations(current.operations)
    return Watches(operations.watches, operations.label)


def judge(found: Evidence, current: Settings, stated: dict[str, Any]) -> dict[str, Any]:
    """The evidence held against itself."""
    recomputed = deadlines.recompute(found, load(current.law), Calendar.deployed(current.law), _watches(current))
    events = [event for case in found.events.values() for event, _ in case.values()]
    checks: dict[str, Callable[[], list[str]]] = {
        "every complaint and act accounted for": lambda: record.complaints_accounted(found),
        "every input has its receipt": lambda: record.receipts_published(found),
        "sequences contiguous, hashes chained": lambda: record.sequences(found),
        "routing's journal = suda.cases": lambda: record.routing_journal(found),
        "sla's journal = suda.deadlines": lambda: record.sla_journal(found),
        "deadlines identical when recomputed": lambda: deadlines.deadlines(found, recomputed),
        "every breach declared once, none wrongly": lambda: deadlines.breaches(found, recomputed),
        "case rows = fold of suda.cases": lambda: read_model.case_differences(events, found.rows),
        "deadline rows = suda.deadlines": lambda: read_model.deadline_differences(
            (event for event, _ in found.deadlines.values()), found.deadline_rows
        ),
        "counters = rows": lambda: read_model.statistics_differences(found.rows, found.deadline_rows, stated),
        "nothing early, claimed or unreadable left over": lambda: record.leftovers(found),
    }
    results = {name: check() for name, check in checks.items()}
    return {
        "verified": not any(results.values()),
        "checks": [{"check": name, "holds": not wrong, "findings": wrong[:SHOWN], "count": len(wrong)}
                   for name, wrong in results.items()],
        "counts": {
            "inputs": len(found.inputs), "cases": len(found.events), "events": len(events),
            "deadline_events": len(found.deadlines), "rows": len(found.rows), "dead_letters": len(found.letters),
            "receipts_never_published": record.unpublished(found),
        },
        "under_other_data": {why: cases for why, cases in recomputed.other.items()},
        "judged_otherwise": deadlines.judged_otherwise(found, recomputed),
        "heads": record.heads(found),
    }  # fmt: skip


def show(report: dict[str, Any], console: Console) -> None:
    """The report for people."""
    table = Table("", "check", "findings", title="suda verify 核验", title_justify="left")
    for check in report["checks"]:
        table.add_row("✔" if check["holds"] else "✘", check["check"], str(check["count"] or ""))
    console.print(table)
    for check in report["checks"]:
        for finding in check["findings"]:
            console.print(f"  ✘ {finding}", highlight=False)
    for why, cases in report["under_other_data"].items():
        console.print(f"  {len(cases)} cases under other data: {why}")
    for sentence in report["judged_otherwise"]:
        console.print(f"  {sentence}", highlight=False)
    counts = "  ".join(f"{name} {count}" for name, count in report["counts"].items())
    console.print(counts + ("" if report["verified"] else "\n[bold red]does not hold[/]"), highlight=False)
