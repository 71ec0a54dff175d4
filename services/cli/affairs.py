"""Files of affairs (办件): from Chinese column heads (GB/T 39046 tables 6 to 8) to what routing takes.

Only codes, days and organisations are read; names of applicants and clerks never leave the file.
"""

import json
import re
from collections import Counter
from collections.abc import Generator, Mapping
from contextlib import closing
from datetime import date
from typing import Any

import httpx
from rich.console import Console
from rich.progress import Progress

from services.intake.core.admission import Flaw
from services.intake.core.rows import Heads, Row

COUNTS = ("new", "changed", "unchanged", "refused")
PLACES = {
    "办件编号": "project_no",
    "基本编码": "base_code",
    "实施编码": "task_code",
    "事项编码": "matter",
    "行政区划": "division",
    "办件类型代码": "kind",
    "受理单位统一社会信用代码": "accepted_by",
    "受理时间": "accepted_on",
    "承诺办结时间": "promised_on",
    "办理单位统一社会信用代码": "handled.by",
    "环节开始时间": "handled.from",
    "环节结束时间": "handled.until",
    "办结单位统一社会信用代码": "concluded_by",
    "办结时间": "concluded_on",
}
ALIASES = {
    "办件流水号": "办件编号",
    "业务办理项编码": "事项编码",
    "受理单位代码": "受理单位统一社会信用代码",
    "处理单位统一社会信用代码": "办理单位统一社会信用代码",
    "办理单位代码": "办理单位统一社会信用代码",
    "办结单位代码": "办结单位统一社会信用代码",
}
HEADS = Heads(("办件编号",), frozenset(PLACES), ALIASES, "affair")
_COLUMNS = {place: column for column, place in PLACES.items()}
_TIME = r"(?:[ T]*\d{1,2}[:：]?\d{2}(?:[:：]?\d{2}(?:\.\d+)?)?)?"
_DAY = re.compile(r"(\d{4})(?:[-/.年](\d{1,2})[-/.月](\d{1,2})日?|(\d{2})(\d{2}))" + _TIME)


def affair(cells: Mapping[str, str]) -> dict[str, Any] | Flaw:
    """What routing takes, from one row; a flaw names the column and never repeats the cell."""
    found: dict[str, Any] = {}
    holding: dict[str, Any] = {}
    for head, text in cells.items():
        place, text = PLACES.get(head), text.strip()
        if place is None or not text:
            continue
        value: str | None = text
        if place.endswith(("_on", "from", "until")):
            value = _day(text)
            if value is None and place != "promised_on":  # the standard lets a number of days stand there
                return Flaw(head, "is no day such as 2026-09-01 or 20260901T093000")
        if value is not None:
            target, name = (holding, place.partition(".")[2]) if "." in place else (found, place)
            target[name] = value
    if holding and "by" not in holding:
        return Flaw("办理单位统一社会信用代码", "is missing where the time of handling is given")
    return found | ({"handled": [holding]} if holding else {})


def _day(text: str) -> str | None:
    match = _DAY.fullmatch(text)
    try:
        return date(*(int(part) for part in match.groups() if part)).isoformat() if match else None
    except ValueError:
        return None


def send(client: httpx.Client, rows: Generator[Row, None, None], total: int, patience: float) -> dict[str, Any]:
    """Send every row, in pieces; raises ConfigurationError or Unavailable, after which the same may be run again."""
    from services.cli.importing import pieces, post

    counts: Counter[str] = Counter()
    errors: list[dict[str, Any]] = []
    ignored: dict[str, None] = {}
    with closing(rows), Progress(console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("affairs", total=total)
        for piece in pieces(rows):
            ignored |= dict.fromkeys(head for row in piece for head in row.cells if head not in PLACES)
            read = [(row, row.flaw or affair(row.cells)) for row in piece]
            bad = [(row, flaw) for row, flaw in read if isinstance(flaw, Flaw)]
            good = [(row, body) for row, body in read if not isinstance(body, Flaw)]
            errors += [{"line": row.line, "field": flaw.field, "problem": flaw.problem} for row, flaw in bad]
            counts.update(refused=len(bad))
            if good:
                body = json.dumps([body for _, body in good])
                done = f"{counts['new'] + counts['changed'] + counts['unchanged']} affairs are in"
                answer = post(client, "/v1/affairs", body, "routing", done, patience)
                counts.update({word: answer[word] for word in COUNTS})
                errors += [_error(good[error["index"]][0].line, error) for error in answer["errors"]]
            progress.advance(task, len(piece))
    errors.sort(key=lambda error: int(error["line"]))
    return {"rows": total, **{word: counts[word] for word in COUNTS}, "errors": errors, "ignored_columns": [*ignored]}


def _error(line: int, error: Mapping[str, Any]) -> dict[str, Any]:
    """In the file's own words: its line, and the column where there is one."""
    place = re.sub(r"\.\d+", "", error["field"])
    return {"line": line, "field": _COLUMNS.get(place, error["field"]), "problem": error["problem"]}
