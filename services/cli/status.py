"""`suda status`: each part of this home's stack, with its health as it answers now."""

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Annotated, Any

import typer

from shared.settings import Settings, settings
from shared.stack import SERVICES, kafka, process, provide, store


def status(
    as_json: Annotated[bool, typer.Option("--json", help="one JSON object on stdout")] = False,
) -> None:
    """State, pid, URL and health of each part; exit 0 only when all are healthy. 各部件状态。

    Examples: ./suda status · ./suda status --json
    """
    report = look(settings())
    if as_json:
        print(json.dumps(report, ensure_ascii=False, indent=1))
    else:
        _print(report)
    raise typer.Exit(0 if report["healthy"] else 1)


def look(current: Settings) -> dict[str, Any]:
    """What `--json` prints."""
    home = current.home.absolute()
    supervisor = process.read(home, "stack")
    living = supervisor is not None and supervisor.alive
    facts = supervisor.facts if supervisor and living else {}
    records = {record.name: record for record in process.records(home)}
    names = [name for name in ("kafka", "store", *SERVICES) if name not in records] + list(records)
    with ThreadPoolExecutor(8) as pool:
        parts = list(pool.map(lambda name: _part(name, records.get(name), current, facts), sorted(names, key=_order)))
    return {
        "home": str(home),
        "supervisor": {"pid": supervisor.pid if supervisor and living else None, "state": _state(supervisor)},
        "parts": parts,
        "healthy": living and all(part["healthy"] for part in parts),
    }


def _order(name: str) -> tuple[int, str]:
    known = ["store", "kafka", *SERVICES]
    base = name.partition("-")[0]
    return (known.index(base) if base in known else len(known), name)


def _state(record: process.Record | None) -> str:
    return record.state if record and record.alive else "stopped"


def _part(name: str, record: process.Record | None, current: Settings, facts: dict[str, str]) -> dict[str, Any]:
    external = {"kafka": current.kafka, "store": current.mongodb}.get(name) if record is None else None
    if name == "kafka":
        url = facts.get("SUDA_KAFKA") or external
        healthy = bool(url) and kafka.answers(str(url), 2.0)
    elif name == "store":
        url = facts.get("SUDA_MONGODB") or external
        healthy = bool(url) and store.answers(str(url), 2.0)
    else:
        url = record.url if record else None
        healthy = bool(url) and provide.healthy(str(url))
    return {
        "name": name,
        "state": "external" if external else _state(record),
        "pid": record.pid if record and record.alive else None,
        "url": process.without_password(url) if url else None,
        "healthy": healthy,
        "restarts": record.restarts if record else 0,
    }


def _print(report: dict[str, Any]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table("part", "state", "pid", "health", "restarts", "url", title=report["home"], title_justify="left")
    for part in report["parts"]:
        health = "[green]healthy[/]" if part["healthy"] else "[red]no answer[/]"
        table.add_row(
            part["name"], part["state"], str(part["pid"] or ""), health, str(part["restarts"]), part["url"] or ""
        )
    console = Console()
    console.print(table)
    if report["supervisor"]["pid"] is None:
        console.print("nothing is running for this home; start it with ./suda up", highlight=False)
