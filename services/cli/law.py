"""`suda law`: the instruments, one of them in the text's own order, whether all holds together, and why this day."""

import json
from datetime import date
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Column, Table

from services.cli.explain import explain
from services.cli.rebind import rebind
from shared.errors import ConfigurationError
from shared.law import Calendar, Due, Instrument, LawError, LawErrors, Library, due, load, load_operations
from shared.law.operations import unknown
from shared.law.shown import Line, article_lines, period_text
from shared.settings import settings

app = typer.Typer(help="The regulations as data.", no_args_is_help=True)
AsJson = Annotated[bool, typer.Option("--json", help="one JSON object on stdout")]


def library() -> Library:
    """The built-in instruments and those under SUDA_LAW."""
    return load(settings().law)


def _print(what: Any) -> None:
    Console(highlight=False).print(what)


def _json(data: Any) -> None:
    typer.echo(json.dumps(data, ensure_ascii=False, default=str))


@app.command(name="list")
def list_(as_json: AsJson = False) -> None:
    """Every instrument: where and since when it holds."""
    loaded = library()
    if as_json:
        _json([_head(each) for each in loaded.instruments.values()])
        return
    table = Table(
        Column("编号", no_wrap=True),
        *(Column(name, overflow="fold") for name in ("文件", "文号", "区划", "施行", "失效", "条")),
    )
    for each in loaded.instruments.values():
        force = each.in_force
        until = force.until.isoformat() if force.until else "未写有效期"
        divisions = "、".join(each.governs.divisions)
        row = (each.id, each.title, each.number, divisions, force.since.isoformat(), until, str(each.articles_in_text))
        table.add_row(*row)
    _print(table)


def _head(each: Instrument) -> dict[str, Any]:
    return {
        "instrument": each.id,
        "title": each.title,
        "number": each.number,
        "issuer": each.issuer,
        "from": each.in_force.since,
        "until": each.in_force.until,
        "divisions": list(each.governs.divisions),
        "kinds": list(each.governs.kinds),
        "obligations": [obligation.id for obligation in each.obligations],
        "digest": each.digest,
        "note": each.note,
    }


@app.command()
def show(
    id: Annotated[str, typer.Argument(metavar="ID", help="an instrument, see `law list`")],
    article: Annotated[str | None, typer.Argument(help="one article: 13, annex-2")] = None,
    as_json: AsJson = False,
) -> None:
    """An instrument in the text's own order, or one article of it."""
    instrument = library().get(id)
    lines = article_lines(instrument, article)
    if as_json:
        _json(_head(instrument) | {"articles": [line.as_json() for line in lines]})
        return
    typer.echo(f"《{instrument.title}》 {instrument.number} · {instrument.issuer}")
    if instrument.note:
        typer.echo(f"注意：{instrument.note}")
    chapter = None
    for line in lines:
        if line.chapter != chapter:
            chapter = line.chapter
            typer.echo(f"\n{chapter}")
        _show(line)


def _show(line: Line) -> None:
    typer.echo(f"\n{line.title}　{line.heading}")
    if line.not_operative:
        typer.echo(f"  （不含可执行规则：{line.not_operative}）")
    for rule in line.rules:
        typer.echo(f"  · {rule}")


@app.command()
def check(
    path: Annotated[Path | None, typer.Argument(help="a folder of instruments; default SUDA_LAW")] = None,
    as_json: AsJson = False,
) -> None:
    """Prove that all data holds together; every fault with file, line and mend."""
    try:
        loaded = load(path or settings().law)
        Calendar.deployed(path or settings().law)
        _operations(loaded)
    except (LawError, LawErrors) as errors:
        if as_json:
            faults = [{"where": each.where, "wrong": each.wrong, "mend": each.mend} for each in errors.faults]
            _json({"valid": False, "faults": faults})
        raise
    counts = {
        each.id: {"articles": each.articles_in_text, "obligations": len(each.obligations), "acts": len(each.acts)}
        for each in loaded.instruments.values()
    }
    if as_json:
        _json({"valid": True, "instruments": counts})
        return
    for id, each in counts.items():
        typer.echo(
            f"{id}：{each['articles']}条全部编入或说明理由，{each['obligations']}项期限，{each['acts']}条行为规则"
        )
    typer.echo(f"{len(counts)} 个文件全部成立")


def _operations(loaded: Library) -> None:
    """The ladder's file is sound and names only duties there are."""
    file = settings().operations
    duties = {each.id: frozenset(duty.id for duty in each.obligations) for each in loaded.instruments.values()}
    if faults := unknown(load_operations(file), duties, str(file or "deploy/operations.yaml")):
        raise LawErrors(faults)


def day_of(text: str) -> date:
    """A day as YYYY-MM-DD; raises ConfigurationError."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ConfigurationError(f"'{text}' is no day; write YYYY-MM-DD") from None


@app.command(name="due")
def due_(
    instrument: Annotated[str, typer.Argument(help="an instrument, see `law list`")],
    obligation: Annotated[str, typer.Argument(help="one of its obligations")],
    day: Annotated[str, typer.Argument(help="the day the period starts; of a report: a day it covers")],
    received: Annotated[str | None, typer.Option(help="the day the case was received; default DAY")] = None,
    division: Annotated[str | None, typer.Option(help="with the local overrides of the calendar there")] = None,
    as_json: AsJson = False,
) -> None:
    """By when, and why: every day walked, counted or not."""
    start = day_of(day)
    edition = library().in_force(instrument, day_of(received) if received else start)
    duty = edition.obligation(obligation)
    calendar = Calendar.deployed(settings().law)
    result = due(duty, start, calendar.at(division) if division else calendar)
    if as_json:
        _json(due_json(edition, obligation, result))
        return
    typer.echo(f"《{edition.title}》 {duty.title}：{period_text(duty)}")
    _print(_walk(result))
    typer.echo(f"应于 {result.due_day.isoformat()}{'（暂定）' if result.provisional else ''} 前（含当日）完成")
    if result.latest_day:
        typer.echo(f"延期最迟至 {result.latest_day.isoformat()}{'（暂定）' if result.latest_provisional else ''}")
    typer.echo(f"依据：{'；'.join(map(str, result.citations))}")
    if result.interpretation:
        typer.echo(f"解读：{result.interpretation}")


def due_json(edition: Instrument, obligation: str, result: Due) -> dict[str, Any]:
    """The object `law due --json` prints."""
    return {
        "instrument": edition.id,
        "obligation": obligation,
        "start_day": result.start_day.isoformat(),
        "due_day": result.due_day.isoformat(),
        "latest_day": result.latest_day.isoformat() if result.latest_day else None,
        "provisional": result.provisional,
        "citations": [cited.model_dump() for cited in result.citations],
        "interpretation": result.interpretation,
        "days": [day.model_dump(mode="json") for day in result.days],
    }


def _walk(result: Due) -> Table:
    table = Table("日期", "计入", "第几日", "原因")
    number = 0
    for each in result.days:
        number += each.counts
        table.add_row(each.day.isoformat(), "是" if each.counts else "否", str(number) if each.counts else "", each.why)
    return table


app.command()(explain)
app.command()(rebind)
