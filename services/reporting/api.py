"""What is read over HTTP. Deny by default; the scope is part of the query, so out of scope is 404 (DESIGN.md 7)."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, HTTPException, Query

from services.reporting import cursor
from services.reporting.core import deadlines, labels, statistics, views
from services.reporting.core.row import Row
from services.reporting.core.scope import Scope, relation, scope
from services.reporting.core.sealed import Sealed
from services.reporting.store import Store
from shared.clock import Clock
from shared.directory.tree import Directory
from shared.errors import BadInput
from shared.law.vocabulary import State
from shared.privacy.code import read_code
from shared.privacy.keys import Keyring
from shared.privacy.tokens import Subject
from shared.service import asker
from shared.settings import Settings

Limit = Annotated[int, Query(ge=1, le=200)]
Cursor = Annotated[str | None, Query(max_length=500)]
Code = Annotated[str | None, Query(max_length=40)]
# A merged complaint is not published beside the one it was merged into: it is the same matter.
_CLOSED = {"state": {"$in": ["closed", "archived"]}, "done.closed": {"$gt": ""}, "merged": False}


@dataclass(frozen=True)
class Reader:
    """What the routes need; `now` reads the one clock."""

    store: Store
    directory: Directory
    clock: Clock
    settings: Settings
    keyring: Keyring = field(repr=False)

    def scope(self, subject: Subject) -> Scope:
        return scope(subject, self.directory, self.clock.now().date())

    def name(self, code: str | None) -> str | None:
        """The organisation's name today, or its last one; None where the directory does not know it."""
        found = code and self.directory.organisation(code, self.clock.now().date())
        return found.name if found else None

    def matter(self, code: str | None, division: str) -> str | None:
        found = code and self.directory.matter(code, self.clock.now().date(), division)
        return found.name if found else None

    async def sealed(self, row: Row) -> Sealed:
        """The sealed fields with the case's data key, if it still exists."""
        wrapped = await self.store.key(row["key_id"])
        return Sealed(row["_id"], row["sealed"], self.keyring.unwrap(wrapped) if wrapped else None)

    async def deadlines(self, row: Row) -> list[Row]:
        return deadlines.fold(await self.store.deadlines([row["_id"]]))

    async def page(
        self, list_: str, scope: Scope, wanted: dict[str, Any], at: str | None, limit: int, by: str
    ) -> tuple[list[Row], str | None]:
        """One page and the cursor of the next, None at the end. Raises 422 for a cursor of something else."""
        try:
            after = cursor.read(self.keyring, list_, at) if at else None
        except BadInput as error:
            raise HTTPException(422, str(error)) from None
        rows = await self.store.page(scope, wanted, after, limit + 1, by)
        if len(rows) <= limit:
            return rows, None
        last = rows[limit - 1]
        value = last["done"]["closed"] if by == "done.closed" else last[by]
        return rows[:limit], cursor.write(self.keyring, list_, (value, last["_id"]))


def routes(reader: Callable[[], Reader]) -> APIRouter:
    """The routes; `reader` raises Unavailable until the service has started."""
    router = APIRouter(prefix="/v1")

    async def asking(authorization: Annotated[str | None, Header()] = None) -> Subject:
        desk = reader()
        return await asker(authorization, lambda: desk.keyring, desk.settings, desk.clock)

    Asking = Annotated[Subject, Depends(asking)]

    @router.get("/cases", tags=["cases"])
    async def listed(
        subject: Asking,
        state: State | None = None,
        organisation: Code = None,
        division: Code = None,
        limit: Limit = 50,
        cursor: Cursor = None,
    ) -> dict[str, Any]:
        """The cases in the asker's scope, newest first."""
        desk = reader()
        asked = {"state": state, "organisation": organisation, "division": division}
        wanted = {name: value for name, value in asked.items() if value is not None}
        rows, following = await desk.page("cases", desk.scope(subject), wanted, cursor, limit, "received_at")
        return {"items": [views.summary(row, desk.name) for row in rows], "next": following}

    @router.get("/cases/{case_id}", tags=["cases"])
    async def one(subject: Asking, case_id: str) -> dict[str, Any]:
        """One case with its timeline and deadlines."""
        desk = reader()
        within = desk.scope(subject)
        row = await desk.store.case(case_id, within)
        if row is None:
            raise HTTPException(404, "there is no such case in your scope")
        sealed, held, standing = await desk.sealed(row), await desk.deadlines(row), relation(subject, within, row)
        if standing == "complainant":
            return views.own_case(row, held, sealed, desk.name)
        return views.detail(row, held, standing, subject.user, sealed, desk.name)

    @router.get("/complaints/{query_code}", tags=["complainant"])
    async def own(query_code: str) -> dict[str, Any]:
        """What the complainant may see, by the code given at intake; no token."""
        desk = reader()
        case_id = read_code(desk.keyring, query_code)
        if case_id is None:
            raise HTTPException(404, "there is no such query code; check it for typing errors")
        row = await desk.store.case(str(case_id), Scope(case=str(case_id)))
        if row is None:
            return {"state": "received", "state_name": labels.state("received")}
        return views.for_complainant(row, await desk.deadlines(row), await desk.sealed(row), desk.name)

    @router.get("/statistics", tags=["statistics"])
    async def counted(subject: Asking) -> dict[str, Any]:
        """Counts of cases and deadlines in the asker's scope, from the rows."""
        desk = reader()
        within = desk.scope(subject)
        found = statistics.tabulate(await desk.store.groups(within), await desk.store.outcomes(within))
        for line in found["organisations"]:
            line["name"] = desk.name(line["organisation"])
        return found

    @router.get("/public/results", tags=["public"])
    async def results(limit: Limit = 50, cursor: Cursor = None) -> dict[str, Any]:
        """Closed cases, anonymised, the last closed first; no token."""
        desk = reader()
        rows, following = await desk.page("results", Scope(everything=True), _CLOSED, cursor, limit, "done.closed")
        return {"items": [views.result(row, desk.name, desk.matter) for row in rows], "next": following}

    return router
