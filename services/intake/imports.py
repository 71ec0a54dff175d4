"""`POST /v1/imports/hotline`: files of 12345 work orders, taken row by row; the same file again adds nothing."""

import asyncio
import io
from collections import Counter
from collections.abc import Sequence
from typing import Any

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response

from services.intake import request as incoming
from services.intake.core.admission import Flaw, flaws
from services.intake.core.hotline import NUMBER, PLACES, WorkOrder, column_of, work_order
from services.intake.core.identity import by_work_order
from services.intake.core.rows import Row, Unusable, csv_rows, encoding_of, json_rows
from services.intake.describe import IMPORTS
from services.intake.intake import Intake
from services.intake.problems import Refused
from services.intake.taking import Draft, TooLarge
from shared import metrics
from shared.directory.platform import is_platform
from shared.privacy.tokens import Subject

ROLES = ("system", "supervisor", "province")
LARGEST = 10_000_000  # bytes of one file over HTTP; `suda import` cuts larger ones
AT_ONCE = 100  # rows sealed in one go: about 70 ms in which nobody else is served
OTHER_CONTENT = "already imported with other content; the first stays"
Outcome = tuple[str, Row, list[Flaw]]


def routes(app: FastAPI, intake: Intake) -> None:
    """Add `POST /v1/imports/hotline`."""

    @app.post("/v1/imports/hotline", **IMPORTS)
    async def hotline(request: Request) -> Response:
        by = await incoming.subject(request, intake.keyring, intake.settings, intake.clock)
        if by.role not in ROLES:
            raise Refused(403, "Not allowed", f"imports are for the roles {', '.join(ROLES)}")
        raw = await incoming.body(request, LARGEST, "text/csv", "application/json")
        rows = await asyncio.to_thread(_rows, raw, incoming.media_type(request, "text/csv", "application/json"))
        outcomes: list[Outcome] = []
        for start in range(0, len(rows), AT_ONCE):
            outcomes += await _take(intake, by, rows[start : start + AT_ONCE])
        return JSONResponse(summary(rows, outcomes))


def _rows(raw: bytes, media_type: str) -> list[Row]:
    try:
        text = raw.decode(encoding_of([raw]))
        found = csv_rows(io.StringIO(text, newline="")) if media_type == "text/csv" else json_rows([text])
        return list(found)
    except Unusable as error:
        raise Refused(400, "Unusable file", str(error)) from None


async def _take(intake: Intake, by: Subject, rows: Sequence[Row]) -> list[Outcome]:
    """Every row's outcome; raises Unavailable, and then the same file may be sent again."""
    orders = [(row, _order(intake, by, row)) for row in rows]
    if any(isinstance(found, list) for _, found in orders):
        await intake.refresh()
        orders = [(row, _order(intake, by, row)) for row in rows]
    good = {by_work_order(intake.keyring, o.number) for _, o in orders if isinstance(o, WorkOrder)}
    before = await intake.store.complaints(good)

    async def one(row: Row, order: WorkOrder | list[Flaw]) -> Outcome:
        if not isinstance(order, WorkOrder):
            return "refused", row, order
        draft = Draft(by_work_order(intake.keyring, order.number), order.complaint, order.received_on)
        try:
            taken = await intake.taking.complaint(draft, before.get(draft.id))
        except TooLarge as error:
            return "refused", row, [Flaw("row", str(error))]
        if taken.outcome == "conflict":
            return "conflicts", row, [Flaw(NUMBER, OTHER_CONTENT)]
        if taken.outcome == "new":
            metrics.RECEIVED.labels("hotline").inc()
        return "imported" if taken.outcome == "new" else "repeated", row, []

    return await asyncio.gather(*(one(row, order) for row, order in orders))


def _order(intake: Intake, by: Subject, row: Row) -> WorkOrder | list[Flaw]:
    if row.flaw is not None:
        return [row.flaw]
    now = intake.clock.now()
    order = work_order(row.cells, now)
    if isinstance(order, WorkOrder):
        found = flaws(order.complaint, intake.directory, order.received_on, now)
        if not found and not _speaks_for(by, order.complaint.division, intake):
            found = [Flaw("division", "must be a division that the caller's administration supervises")]
        return [Flaw(column_of(flaw.field), flaw.problem) for flaw in found] or order
    return order


def _speaks_for(by: Subject, division: str, intake: Intake) -> bool:
    """The platform for every division; an administration, and its system, for its own and those below: an import may
    say that a complaint came on an earlier day, so it is taken on nobody else's word."""
    return is_platform(by.role, by.organisation) or intake.directory.supervises(by.organisation, division)


def summary(rows: Sequence[Row], outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """How many of each, every error with its line, and the columns nobody here knows."""
    counts = Counter(word for word, _, _ in outcomes)
    unknown = sorted({head for row in rows for head in row.cells if head not in PLACES})
    return {
        "rows": len(rows),
        **{word: counts[word] for word in ("imported", "repeated", "conflicts", "refused")},
        "errors": [
            {"line": row.line, "field": flaw.field, "problem": flaw.problem}
            for _, row, found in outcomes
            for flaw in found
        ],
        "ignored_columns": [head[:40].encode(errors="replace").decode() for head in unknown[:20]],
    }
