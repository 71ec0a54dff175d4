"""`suda law explain CASE_ID`: every decision and deadline of a case, each with the article it stands on."""

import asyncio
import json
from collections.abc import Iterable
from typing import Annotated, Any
from uuid import UUID

import typer
from rich.console import Console
from rich.table import Table

from services.cli.running import running
from shared.clock import ZONE
from shared.errors import ConfigurationError
from shared.events import cases, deadlines
from shared.events.base import Citation
from shared.events.cases import Acted, AnyCaseEvent, Dispatched, Opened, Rejected
from shared.events.deadlines import DeadlineEvent
from shared.journal import Journal
from shared.law import Calendar, load
from shared.law.due import due
from shared.settings import Settings, settings
from shared.store import connect


def explain(
    case_id: Annotated[str, typer.Argument(help="the id that intake answered with")],
    as_json: Annotated[bool, typer.Option("--json", help="one JSON object on stdout")] = False,
) -> None:
    """Every decision and deadline of a case with its citation. 逐项说明依据。

    Example: suda law explain 20f802b4-0621-4777-9448-b7496aaf9050
    """
    try:
        UUID(case_id)
    except ValueError:
        raise ConfigurationError(
            f"{case_id} is not a case id; intake answers with one, ./suda up shows where"
        ) from None
    with running(settings(), services=()) as stack:
        report = asyncio.run(explained(case_id, stack.settings))
    if as_json:
        print(json.dumps(report, ensure_ascii=False))
    else:
        show(report, Console())


async def explained(case_id: str, current: Settings) -> dict[str, Any]:
    """What `--json` prints: `decisions` in order, `deadlines` with the days walked."""
    client = connect(current)
    try:
        decided = (await Journal(client[current.database("routing")]).histories([case_id])).get(case_id, [])
        timed = (await Journal(client[current.database("sla")]).histories([case_id])).get(case_id, [])
        fired = await client[current.database("sla")]["rungs"].find({"case": case_id}).to_list()
    finally:
        await client.close()
    if not decided:
        raise ConfigurationError(f"there is no case {case_id} here; check the id and SUDA_HOME")
    events = [cases.parse(entry.value) for commit in decided for entry in commit.entries]
    kept = [deadlines.parse(entry.value) for commit in timed for entry in commit.entries]
    kept += [deadlines.parse(bytes(rung["v"])) for rung in fired]
    return {
        "case_id": case_id,
        "decisions": [_decision(event) for event in events],
        "deadlines": _deadlines(kept, events, current),
    }


def _decision(event: AnyCaseEvent) -> dict[str, Any]:
    row: dict[str, Any] = {
        "seq": event.seq,
        "at": event.at.astimezone(ZONE).isoformat(),
        "instrument": event.instrument,
    }
    if isinstance(event, Opened):
        row |= {"what": "opened", "why": event.basis}
    elif isinstance(event, Dispatched):
        steps = [s.model_dump(mode="json", exclude_none=True) for s in event.steps]
        row |= {
            "what": f"dispatched to {event.accountable}",
            "why": "；".join(s.why for s in event.steps),
            "steps": steps,
        }
    elif isinstance(event, Acted):
        row |= {"what": event.done, "by": f"{event.by.organisation} {event.by.role}".strip(), "data": dict(event.data)}
    elif isinstance(event, Rejected):
        by = f"{event.by.organisation} {event.by.role}".strip()
        row |= {"what": f"{event.act} rejected", "by": by, "reason": event.reason, "why": event.explanation}
    return row | {"citations": _titles(event.citations), "interpretation": event.interpretation}


def _deadlines(kept: list[DeadlineEvent], events: list[AnyCaseEvent], current: Settings) -> list[dict[str, Any]]:
    """Each change with its citations; the days walked where the data loaded now lead to the day that was said."""
    law, calendar, opened = load(current.law), Calendar.deployed(current.law), events[0]
    digest = opened.law_digest if isinstance(opened, Opened) else None
    for done in events:
        if isinstance(done, Acted) and done.done == "rebound":
            digest = done.data.get("law_digest")
    here = calendar.at(opened.division) if isinstance(opened, Opened) else calendar
    found = []
    for event in sorted(kept, key=lambda e: (e.obligation, e.generation, e.seq, e.fired or e.at)):
        row = event.model_dump(mode="json", include=_SHOWN, exclude_none=True)
        row["citations"] = _titles(event.citations)
        if event.type in ("opened", "extended", "reprojected") and law.holds(event.instrument, digest or ""):
            until = event.due_day if event.type != "opened" else None
            obligation = law.get(event.instrument, digest).obligation(event.obligation)
            walk = due(obligation, event.start_day, here, until=until, limit=event.limit)
            if walk.due_day == event.due_day:
                row["days"] = [{"day": d.day.isoformat(), "counts": d.counts, "why": d.why} for d in walk.days]
        found.append(row)
    return found


_SHOWN = {
    "type", "obligation", "generation", "title", "owes", "debtor", "at", "start_day", "due_day", "latest_day",
    "provisional", "late_days", "rung", "rung_due", "fired", "expects", "expected_by", "from_day", "why", "calendar",
    "label", "interpretation", "limit",
}  # fmt: skip


def _titles(citations: Iterable[Citation]) -> list[str]:
    return [c.title or f"{c.instrument} {c.article}" for c in citations]


def show(report: dict[str, Any], console: Console) -> None:
    """For people, in Chinese."""
    table = _table(f"办件 {report['case_id']}", "序号", "时间", "事项", "依据")
    for row in report["decisions"]:
        what = "\n".join(filter(None, [row["what"], row.get("by"), row.get("why"), row["interpretation"]]))
        table.add_row(str(row["seq"]), row["at"][:16].replace("T", " "), what, "\n".join(row["citations"]))
    console.print(table)
    table = _table("期限", "期限", "变化", "起算", "到期", "说明", "依据")
    for row in report["deadlines"]:
        counted = sum(day["counts"] for day in row.get("days", ()))
        told = [
            row.get("rung"),
            f"现应由{row['expected_by']}办理" if "expected_by" in row else None,
            row.get("why"),
            f"计{counted}个工作日" if counted else None,
            f"逾期{row['late_days']}个工作日" if "late_days" in row else None,
            row.get("interpretation") if row["type"] == "opened" else None,
        ]
        note = "\n".join(part for part in told if part)
        cited = "\n".join(row["citations"]) if row["type"] == "opened" else ""
        table.add_row(row["title"], row["type"], row["start_day"], row["due_day"], note, cited)
    console.print(table)


def _table(title: str, *columns: str) -> Table:
    """Nothing is cut off: Chinese text has no spaces to wrap at."""
    table = Table(title=title, title_justify="left", show_lines=True)
    for column in columns:
        table.add_column(column, overflow="fold")
    return table
