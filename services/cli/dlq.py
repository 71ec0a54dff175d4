"""`suda dlq`: input that could not be applied; looked at, and sent again to where it came from (DESIGN.md 6.6)."""

import asyncio
import json
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from shared.bus import Bus, Record
from shared.dlq import coordinates, original
from shared.errors import BadInput, ConfigurationError
from shared.events import topics
from shared.settings import settings

app = typer.Typer(
    help="Input that could not be applied 死信. Examples: suda dlq list · suda dlq show ID · suda dlq replay"
)

AsJson = Annotated[bool, typer.Option("--json", help="one JSON object on stdout")]


@app.command("list")
def listed(as_json: AsJson = False) -> None:
    """Every dead letter once: where it lay, when, and why it could not be applied."""
    letters = asyncio.run(_letters())
    found = [_described(id, letter) for id, letter in letters.items()]
    if as_json:
        print(json.dumps({"letters": found, "count": len(found)}, ensure_ascii=False))
        return
    table = Table("id", "at", "bytes", "reason")
    for one in found:
        table.add_row(one["id"], one["at"], str(one["bytes"]), one["reason"])
    Console().print(table if found else "no dead letters 没有死信")


@app.command()
def show(id: str, raw: Annotated[bool, typer.Option("--raw", help="only the bytes, as they are")] = False) -> None:
    """One dead letter, with its bytes. They may hold what a person wrote: treat them as personal data."""
    letter = _one(asyncio.run(_letters()), id)
    if raw:
        typer.get_binary_stream("stdout").write(letter.value)
        return
    body = letter.value.decode("utf-8", "backslashreplace")
    print(json.dumps(_described(id, letter) | {"value": body}, ensure_ascii=False, indent=1))


@app.command()
def replay(
    id: Annotated[str | None, typer.Argument(help="one letter's id; default all")] = None, as_json: AsJson = False
) -> None:
    """Send the original bytes to the original topic and key again; what was applied meanwhile is not applied twice."""
    letters = asyncio.run(_letters())
    chosen = [_one(letters, id)] if id else list(letters.values())
    asyncio.run(_send(chosen))
    print(json.dumps({"replayed": len(chosen)}) if as_json else f"{len(chosen)} letters sent again 已重发")


async def _letters() -> dict[str, Record]:
    async with Bus(settings(), "suda-dlq") as bus:
        return {coordinates(record.headers): record async for record in bus.read_all(topics.DLQ)}


async def _send(letters: list[Record]) -> None:
    async with Bus(settings(), "suda-dlq") as bus:
        try:
            await bus.publish([original(letter) for letter in letters])
        except BadInput as wrong:
            raise ConfigurationError(f"nothing was sent: {wrong}") from None


def _one(letters: dict[str, Record], id: str) -> Record:
    if id not in letters:
        raise ConfigurationError(f"there is no dead letter {id}; ./suda dlq list names them")
    return letters[id]


def _described(id: str, letter: Record) -> dict[str, Any]:
    header = {name.removeprefix("suda_"): value.decode() for name, value in letter.headers.items()}
    return {
        "id": id,
        "topic": header.get("topic"),
        "partition": int(header.get("partition", -1)),
        "offset": int(header.get("offset", -1)),
        "service": header.get("service"),
        "key": (letter.key or b"").decode("utf-8", "backslashreplace"),
        "bytes": int(header.get("shortened", len(letter.value))),
        "at": header.get("at"),
        "reason": header.get("reason"),
    }
