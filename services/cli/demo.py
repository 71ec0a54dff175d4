"""`suda demo`: the main job on sample input, on the real parts, ending with `verify`."""

import asyncio
import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from services.cli.demonstration.figures import Figures, figures
from services.cli.demonstration.player import Player, Say
from services.cli.directory import load_if_empty
from services.cli.running import running
from services.cli.verify import proof
from shared import clock
from shared.bus import Bus
from shared.directory.topic import TOPIC, fold
from shared.errors import ConfigurationError
from shared.settings import Settings, settings
from shared.stack.running import Running

ORIGIN = datetime(2026, 9, 6, 18, 0, tzinfo=clock.ZONE)  # a Sunday; the sample work orders lie before it
OBLIGATIONS = {"handover": "交办", "acceptance": "受理决定", "on-spot": "当场办结", "resolution": "办结"}


def demo(
    complaints: Annotated[int, typer.Option(min=1, max=20_000, help="how many sample complaints")] = 200,
    as_json: Annotated[bool, typer.Option("--json", help="one JSON object on stdout")] = False,
) -> None:
    """Live through six weeks of sample complaints in about a minute, then verify. 演示。

    Starts what is not running. Exit 0 only if every complaint is accounted for and verify holds.
    Examples: ./suda demo · ./suda demo --complaints 1000 --json
    """
    console = Console(file=sys.stderr if as_json else sys.stdout)
    current = prepared(settings())
    with running(current, say=lambda text: console.print(f"[dim]{text}[/]")) as stack:
        report, found = asyncio.run(_run(stack, complaints, console))
    (Path(report["folder"]) / "report.json").write_text(json.dumps(report, ensure_ascii=False, indent=1), "utf-8")
    if as_json:
        print(json.dumps(report, ensure_ascii=False))
    else:
        show(report, found, console)
    raise typer.Exit(0 if report["verified"] and found.accounted else 1)


def prepared(current: Settings) -> Settings:
    """Settings with a home whose clock stands: this one, or `demo` inside a home that lives in real time."""
    if current.clock is not None:
        raise ConfigurationError("the demo steps the clock itself: unset SUDA_CLOCK")
    path = current.home.absolute() / "clock"
    if path.exists() and clock.Reading.parse(path.read_text()).speed != 0:
        current = current.model_copy(update={"home": current.home.absolute() / "demo"})
        path = current.home / "clock"
    if not path.exists():
        clock.write(path, clock.Reading(datetime.now(UTC), ORIGIN, 0.0))
    return current


async def _run(stack: Running, count: int, console: Console) -> tuple[dict[str, Any], Figures]:
    await load_if_empty(stack.settings)
    began = time.monotonic()
    async with Bus(stack.settings, "suda-demo") as bus:
        directory, _ = await fold(bus.read_all(TOPIC))
        with progress(console) as say:
            player = Player(stack, bus, directory, count, say)
            await player.play()
        bearer = player.bearer("system", "suda")
        found = await figures(stack.url("reporting"), bearer, bus, player.played)
    seconds = time.monotonic() - began
    console.print("[dim]verifying[/]")
    verified = await proof(stack)
    return {
        "received": found.received,
        "dispatched": found.dispatched,
        "open": found.open,
        "closed": found.closed,
        "refused": found.refused,
        "breaches": found.breaches,
        "extended": found.extended,
        "rejected_acts": found.rejected_acts,
        "seconds": round(seconds, 1),
        "complaints_per_second": round(found.received / seconds, 1),
        "verified": verified["verified"] and found.accounted,
        "checks": [{"check": c["check"], "holds": c["holds"], "findings": c["findings"]} for c in verified["checks"]],
        "missing": list(found.missing),
        "from": player.start.isoformat(),
        "folder": str(player.folder),
        "home": str(stack.home),
        "urls": stack.urls,
    }, found


@contextmanager
def progress(console: Console) -> Iterator[Say]:
    """A bar over the steps of the six weeks, with the demo's own date."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console) as bar:
        task = bar.add_task("demo", total=None)

        def say(day: str, done: int, total: int) -> None:
            bar.update(task, description=f"demo clock {day}", completed=done, total=total)

        yield say


def show(report: dict[str, Any], found: Figures, console: Console) -> None:
    """The closing table."""
    table = Table("", "", title="suda demo 演示", title_justify="left", show_header=False)
    lines = (("received 收到", "received"), ("dispatched 分派", "dispatched"), ("closed 办结", "closed"),
             ("refused 不予受理", "refused"), ("open 在办", "open"), ("extended 延期", "extended"),
             ("acts rejected by law 依法驳回的操作", "rejected_acts"))  # fmt: skip
    for name, key in lines:
        table.add_row(name, str(report[key]))
    for name, count in report["breaches"].items():
        table.add_row(f"breached 逾期: {OBLIGATIONS.get(name, name)} ({name})", str(count))
    table.add_row("seconds, complaints/s 用时", f"{report['seconds']}, {report['complaints_per_second']}")
    table.add_row("verified 核验", "yes" if report["verified"] else "NO")
    console.print(table)
    for check in report["checks"]:
        for finding in check["findings"]:
            console.print(f"  ✘ {check['check']}: {finding}", highlight=False)
    home = f"SUDA_HOME={report['home']} " if Path(report["home"]).name != ".suda" else ""
    console.print(
        f"files: {report['folder']}\nlook: {home}./suda up, then ./suda status shows the URLs", highlight=False
    )
