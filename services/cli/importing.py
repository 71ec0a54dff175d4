"""`suda import`: files of work orders into intake, of affairs into routing, in pieces. The same again adds nothing."""

import json
from collections import Counter
from collections.abc import Generator, Iterable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Annotated, Any

import httpx
import typer
from rich.console import Console
from rich.progress import Progress
from tenacity import Retrying, retry_if_exception_type, stop_after_delay, wait_exponential_jitter

from services.intake.core.hotline import PLACES
from services.intake.core.rows import WORK_ORDERS, Heads, Row, Unusable, csv_rows, encoding_of, json_rows
from shared.clock import Clock
from shared.errors import ConfigurationError, Unavailable
from shared.privacy.keys import Keyring, keyring_path
from shared.privacy.tokens import issue
from shared.settings import Settings, settings

ROWS = 200  # a request
CHARACTERS = 1_000_000  # a request, where rows are long
PATIENCE = 60.0  # seconds a request is sent again while a part is away
SHOWN = 50
COUNTS = ("imported", "repeated", "conflicts", "refused")

app = typer.Typer(help="Take in work orders and affairs from files.", no_args_is_help=True)


@app.callback()
def root() -> None:
    """Take in work orders and affairs from files."""


@app.command()
def hotline(
    file: Annotated[Path, typer.Argument(help="a CSV (UTF-8 or GB18030) or JSON file of 12345 work orders")],
    url: Annotated[str | None, typer.Option(help="intake's URL; default the one of this home")] = None,
    token: Annotated[str | None, typer.Option(help="a bearer token; default one of the local issuer")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="one JSON object on stdout")] = False,
) -> None:
    """Import 12345 work orders. Exit 0: every row is in; 1: some were refused; 2: no usable file or service."""
    chosen = settings()
    total = _checked(file)
    headers = {"authorization": f"Bearer {token or _token(chosen)}", "content-type": "application/json"}
    with httpx.Client(base_url=url or service_url(chosen), headers=headers, timeout=chosen.send_timeout * 3) as client:
        summary = send(client, rows_of(file), total, PATIENCE)
    _show(summary, as_json)
    raise typer.Exit(1 if summary["refused"] or summary["conflicts"] else 0)


@app.command()
def affairs(
    file: Annotated[Path, typer.Argument(help="a CSV (UTF-8 or GB18030) or JSON file of affairs (办件)")],
    url: Annotated[str | None, typer.Option(help="routing's URL; default the one of this home")] = None,
    token: Annotated[str | None, typer.Option(help="a bearer token; default one of the local issuer")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="one JSON object on stdout")] = False,
) -> None:
    """Import who accepted, handled and decided affairs, so that complaints about them find who must answer.

    The same file again changes nothing. Exit 0: every row is in; 1: some were refused; 2: no usable file or service.
    """
    from services.cli import affairs as importing

    chosen = settings()
    total = _checked(file, importing.HEADS)
    headers = {"authorization": f"Bearer {token or _token(chosen)}", "content-type": "application/json"}
    base = url or service_url(chosen, "routing")
    with httpx.Client(base_url=base, headers=headers, timeout=chosen.send_timeout * 3) as client:
        summary = importing.send(client, rows_of(file, importing.HEADS), total, PATIENCE)
    _show(summary, as_json, importing.COUNTS)
    raise typer.Exit(1 if summary["refused"] else 0)


def rows_of(file: Path, heads: Heads = WORK_ORDERS) -> Generator[Row, None, None]:
    """The rows as a stream; raises Unusable."""
    with file.open("rb") as raw:
        encoding = encoding_of(iter(lambda: raw.read(1 << 20), b""))
    with file.open(encoding=encoding, newline="") as text:
        if file.suffix.lower() == ".json":
            yield from json_rows(iter(lambda: text.read(1 << 20), ""), heads)
        else:
            yield from csv_rows(text, heads)


def service_url(chosen: Settings, service: str = "intake") -> str:
    """Where a service listens, as the stack of this home noted it."""
    try:
        port = int(json.loads((chosen.home / "ports.json").read_text())[service])
    except (OSError, ValueError, KeyError, TypeError):
        port = chosen.port(service)
    return f"http://{chosen.host}:{port}"


def send(client: httpx.Client, rows: Generator[Row, None, None], total: int, patience: float) -> dict[str, Any]:
    """Send every row, in pieces; raises ConfigurationError or Unavailable, after which the same may be run again."""
    counts: Counter[str] = Counter()
    errors: list[dict[str, Any]] = []
    ignored: dict[str, None] = {}
    with closing(rows), Progress(console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("work orders", total=total)
        for piece in pieces(rows):
            bad = [row for row in piece if row.flaw is not None]
            errors += [
                {"line": row.line, "field": row.flaw.field, "problem": row.flaw.problem} for row in bad if row.flaw
            ]
            counts.update(refused=len(bad))
            ignored |= dict.fromkeys(head for row in piece for head in row.cells if head not in PLACES)
            answer = _post(client, [row for row in piece if row.flaw is None], counts["imported"], patience)
            counts.update({word: answer[word] for word in COUNTS})
            errors += answer["errors"]
            progress.advance(task, len(piece))
    errors.sort(key=lambda error: int(error["line"]))
    return {"rows": total, **{word: counts[word] for word in COUNTS}, "errors": errors, "ignored_columns": [*ignored]}


def pieces(rows: Iterable[Row]) -> Iterator[list[Row]]:
    """Rows in pieces that one request carries."""
    piece: list[Row] = []
    size = 0
    for row in rows:
        length = sum(map(len, row.cells.values()))
        if piece and (len(piece) >= ROWS or size + length > CHARACTERS):
            yield piece
            piece, size = [], 0
        piece.append(row)
        size += length
    if piece:
        yield piece


def _post(client: httpx.Client, rows: list[Row], done: int, patience: float) -> dict[str, Any]:
    """One piece's answer, its lines turned back into those of the file."""
    cells = [{head: text for head, text in row.cells.items() if head in PLACES} for row in rows]
    body = "[\n" + ",\n".join(json.dumps(each) for each in cells) + "\n]"  # row n stands on line n + 2
    found = post(client, "/v1/imports/hotline", body, "intake", f"{done} work orders are in", patience)
    for flaw in found["errors"]:
        flaw["line"] = rows[flaw["line"] - 2].line
    return found


def post(client: httpx.Client, path: str, body: str, service: str, done: str, patience: float) -> dict[str, Any]:
    """The answer, asked for again while a part is away; raises Unavailable or ConfigurationError."""
    again = f"{done}; run the same command again, it goes on where this broke off"
    try:
        for attempt in Retrying(
            retry=retry_if_exception_type((Unavailable, httpx.TransportError)),
            wait=wait_exponential_jitter(multiplier=0.2, max=5),
            stop=stop_after_delay(patience),
            reraise=True,
        ):
            with attempt:
                answer = client.post(path, content=body.encode())
                if answer.status_code >= 500:
                    raise Unavailable(f"{service} answers {answer.status_code}")
    except (Unavailable, httpx.TransportError) as error:
        raise Unavailable(
            f"{service} at {client.base_url} is away ({error}): start it with ./suda up; {again}"
        ) from None
    if answer.status_code != 200:
        raise ConfigurationError(f"{service} refused the import ({answer.status_code}): {_detail(answer)}")
    found: dict[str, Any] = answer.json()
    return found


def _detail(answer: httpx.Response) -> str:
    try:
        return str(answer.json()["detail"])
    except (ValueError, KeyError, TypeError):
        return "is this the service's URL?"


def _checked(file: Path, heads: Heads = WORK_ORDERS) -> int:
    """How many rows the file has; raises ConfigurationError when it cannot be read as a whole, before any is sent."""
    try:
        return sum(1 for _ in rows_of(file, heads))
    except OSError as error:
        raise ConfigurationError(f"{file} cannot be read ({error.strerror}); name a CSV or JSON file") from None
    except Unusable as error:
        raise ConfigurationError(f"{file}: {error}") from None


def _token(chosen: Settings) -> str:
    now = Clock(chosen.home / "clock", chosen.clock).now()
    return issue(Keyring.load(keyring_path(chosen)), chosen, "suda-import", "system", hours=24 * 7, now=now)


def _show(summary: dict[str, Any], as_json: bool, counts: tuple[str, ...] = COUNTS) -> None:
    if as_json:
        typer.echo(json.dumps(summary, ensure_ascii=False))
        return
    for error in summary["errors"][:SHOWN]:
        typer.echo(f"line {error['line']}: {error['field']} {error['problem']}", err=True)
    if len(summary["errors"]) > SHOWN:
        typer.echo(f"… and {len(summary['errors']) - SHOWN} more; --json lists all", err=True)
    if summary["ignored_columns"]:
        typer.echo(f"columns not read: {'、'.join(summary['ignored_columns'])}", err=True)
    typer.echo(f"{summary['rows']} rows: " + ", ".join(f"{summary[word]} {word}" for word in counts))
