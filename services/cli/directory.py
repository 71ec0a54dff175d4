"""`suda directory`: load organisations, divisions and matters onto their topic, and show them."""

import asyncio
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Column, Table

from shared.directory.files import read
from shared.directory.model import Division, Matter, Organisation, Record, record_key, record_value
from shared.directory.topic import TOPIC, fold
from shared.directory.tree import Directory
from shared.errors import ConfigurationError
from shared.settings import Settings, settings

SAMPLES = Path(__file__).parents[2] / "deploy" / "samples" / "directory.yaml"

app = typer.Typer(help="Organisations, divisions and matters.", no_args_is_help=True)


def connected() -> Settings:
    """This process's settings, with the running stack's Kafka where SUDA_KAFKA is not set."""
    from shared.stack.running import attach

    found = settings()
    if found.kafka:
        return found
    running = attach(found)
    return running.settings if running else found


async def publish(records: Iterable[Record], settings: Settings) -> int:
    """Put the records onto the topic; returns how many."""
    from shared.bus import Bus, Outgoing

    outgoing = [Outgoing(TOPIC, record_key(record), record_value(record), {}) for record in records]
    async with Bus(settings, "directory-cli") as bus:
        await bus.publish(outgoing)
    return len(outgoing)


async def from_topic(settings: Settings) -> tuple[Directory, tuple[str, ...]]:
    """The directory as it stands on the topic, and what on the topic is no record."""
    from shared.bus import Bus

    async with Bus(settings, "directory-cli") as bus:
        return await fold(bus.read_all(TOPIC))


async def load_if_empty(settings: Settings) -> int:
    """Load SUDA_DIRECTORY, or else the samples, when the topic holds nothing; returns how many records.

    A load that was cut off is completed: what lies there is then a part of the file and nothing else.
    """
    directory, _ = await from_topic(settings)
    path = settings.directory or SAMPLES
    records, there = read(path), set(directory.records())
    missing = [record for record in records if record not in there]
    if not missing or not there <= set(records):
        return 0
    loaded = await publish(missing, settings)
    note = (
        "" if settings.directory else "; these are SAMPLES, not real organisations: load your own with SUDA_DIRECTORY"
    )
    Console(stderr=True).print(
        f"directory: {loaded} records of {path.name} loaded{note}", highlight=False, soft_wrap=True
    )
    return loaded


@app.command()
def load(
    file: Annotated[Path, typer.Argument(help="a YAML or JSON file; see deploy/samples/directory.yaml")],
    check: Annotated[bool, typer.Option("--check", help="only check the file")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="one JSON object on stdout")] = False,
) -> None:
    """Check a directory file whole and load it; records it does not name stay as they are."""
    records = read(file)
    if not check:
        asyncio.run(publish(records, connected()))
    counts = {
        "divisions": sum(isinstance(record, Division) for record in records),
        "organisations": sum(isinstance(record, Organisation) for record in records),
        "matters": sum(isinstance(record, Matter) for record in records),
        "loaded": not check,
    }
    if as_json:
        typer.echo(json.dumps(counts))
        return
    verb = "sound" if check else "loaded"
    typer.echo(f"{verb}: {', '.join(f'{number} {what}' for what, number in counts.items() if what != 'loaded')}")


@app.command()
def show(
    code: Annotated[str | None, typer.Argument(help="a division, organisation or matter code")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="one JSON object on stdout")] = False,
) -> None:
    """Show what is on the topic, or the records of one code with their older versions."""
    directory, faults = asyncio.run(from_topic(connected()))
    records = [record for record in directory.records() if code in (None, record.code)]
    if code is not None and not records:
        raise ConfigurationError(f"the directory knows no {code}; ./suda directory show lists its codes")
    if as_json:
        found = [record.model_dump(mode="json", by_alias=True) for record in records]
        typer.echo(json.dumps({"offset": directory.offset, "records": found, "faults": faults}, ensure_ascii=False))
        return
    Console().print(_table(records, with_history=code is not None), soft_wrap=True)
    for fault in faults:
        Console(stderr=True).print(fault, highlight=False, soft_wrap=True)


def _table(records: Iterable[Record], with_history: bool) -> Table:
    table = Table(
        "kind",
        Column("code", no_wrap=True),
        Column("name", overflow="fold"),
        Column("belongs to", overflow="fold"),
        "from",
        "until",
        box=None,
    )
    for record in records:
        for version in (record, *record.history) if with_history else (record,):
            days = (str(day) if day else "" for day in (version.from_, version.until))
            table.add_row(version.type, version.code, version.name, _belongs(version), *days)
    return table


def _belongs(record: Record) -> str:
    if isinstance(record, Division):
        return f"{record.parent or '-'} ({record.administration or 'no administration'})"
    if isinstance(record, Organisation):
        return f"{record.division} ({record.kind})"
    return f"{record.division} → {record.agency}"
