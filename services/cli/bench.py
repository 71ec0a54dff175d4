"""`suda bench`: how fast it is, measured here and now in named stages, on parts of their own."""

import json
import sys
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from shared.errors import ConfigurationError


def bench(
    stages: Annotated[list[str] | None, typer.Argument(metavar="[STAGE]…", help="none: list the stages")] = None,
    size: Annotated[int | None, typer.Option(min=100, max=1_000_000, help="how many; default: the stage's own")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="one JSON object on stdout, or a list of several")] = False,
) -> None:
    """Measure named stages in a home of their own; exit 0 only if each met its target. 性能。

    Examples: ./suda bench · ./suda bench pipeline --json · ./suda bench law pipeline
    """
    try:
        from bench import harness
    except ImportError:
        raise ConfigurationError(
            "the benches are not part of this installation: run ./suda bench in a checkout"
        ) from None
    if not stages:
        listed = {name: stage.help for name, stage in harness.STAGES.items()}
        print(
            json.dumps(listed, ensure_ascii=False) if as_json else "\n".join(f"{n:10} {h}" for n, h in listed.items())
        )
        return
    if unknown := [name for name in stages if name not in harness.STAGES]:
        raise ConfigurationError(f"there is no stage '{unknown[0]}'; there are: {', '.join(harness.STAGES)}")
    found = [harness.measure(name, size, _say) for name in stages]
    if as_json:
        print(json.dumps(found[0] if len(found) == 1 else found, ensure_ascii=False))
    else:
        for figures in found:
            _show(figures, Console())
    raise typer.Exit(0 if all(figures["met"] for figures in found) else 1)


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _show(figures: dict[str, Any], console: Console) -> None:
    """Every figure in a line; those of several parts beside one another."""
    table = Table("", "", title=f"suda bench {figures['stage']}", title_justify="left", show_header=False)
    for name, value in figures.items():
        if name not in ("stage", "machine", "targets"):
            table.add_row(name, _text(value))
    for sign, side in (("≥", "at_least"), ("≤", "at_most")):
        for name, number in figures["targets"][side].items():
            table.add_row(f"target: {name}", f"{sign} {number}")
    machine = figures["machine"]
    table.add_row("machine", f"{machine['cpus']} cpus, {machine['system']}, Python {machine['python']}")
    console.print(table)


def _text(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {part}" for name, part in value.items())
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
