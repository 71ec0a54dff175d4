"""Every query of reporting, and nothing else: `cases`, `early`, `deadline_events` (docs/decisions/0050)."""

import logging
from collections import Counter
from collections.abc import Iterable
from typing import Any

from pymongo import ReplaceOne
from pymongo.errors import BulkWriteError, OperationFailure, PyMongoError

from services.reporting.core.deadlines import outcome
from services.reporting.core.row import Row
from services.reporting.core.scope import Scope
from services.reporting.core.statistics import GROUPED, Group
from shared.errors import Unavailable
from shared.privacy.keys import Wrapped
from shared.settings import Settings
from shared.store import (
    DUPLICATE,
    Client,
    Collection,
    Document,
    answering,
    delete_by_id,
    find_by,
    find_by_id,
    insert_new,
)

log = logging.getLogger("suda.reporting")
NO_TRANSACTIONS = (20, 263)  # a standalone server's answers to a transaction's first operation
LISTED = {"timeline": 0, "sealed": 0}
_MANY = 500
_SETTING = {"$in": ["$type", ["opened", "extended", "reprojected"]]}
_PROJECTED = {"$cond": [{"$eq": ["$type", "reprojected"]}, "$at", ""]}
_BY_OUTCOME: list[Document] = [
    {
        "$group": {
            "_id": {"case": "$case", "obligation": "$obligation", "generation": "$generation"},
            "types": {"$addToSet": "$type"},
            "declared": {"$sum": {"$cond": [{"$eq": ["$type", "breached"]}, 1, 0]}},
            "withdrawn": {"$sum": {"$cond": [{"$eq": ["$type", "breach-withdrawn"]}, 1, 0]}},
            "at": {"$min": {"$cond": [{"$eq": ["$type", "discharged"]}, "$at", None]}},
            "set": {"$max": {"$cond": [_SETTING, {"seq": "$seq", "at": _PROJECTED, "due_at": "$due_at"}, None]}},
            "any": {"$max": {"seq": "$seq", "due_at": "$due_at"}},
            "gone": {"$max": {"$cond": [{"$eq": ["$type", "superseded"]}, "$seq", None]}},
        }
    },
    {
        "$group": {
            "_id": {
                "obligation": "$_id.obligation",
                "types": "$types",
                "cleared": {"$gte": ["$withdrawn", "$declared"]},
                "after_due": {
                    "$and": [{"$ne": ["$at", None]}, {"$gte": ["$at", {"$ifNull": ["$set.due_at", "$any.due_at"]}]}]
                },
                "superseded": {"$and": [{"$ne": ["$gone", None]}, {"$gte": ["$gone", {"$ifNull": ["$set.seq", 0]}]}]},
            },
            "count": {"$sum": 1},
        }
    },
]


class Store:
    """The read model of one deployment."""

    def __init__(self, client: Client, settings: Settings) -> None:
        database = client[settings.database("reporting")]
        self._client = client
        self._cases: Collection = database["cases"]
        self._early: Collection = database["early"]
        self._deadlines: Collection = database["deadline_events"]
        self._keys: Collection = client[settings.database("keys")]["keys"]
        self._transactions = True

    async def prepare(self) -> None:
        """Create the indexes: on SecantusDB the one that pays there, on MongoDB those that lists and counts want."""
        async with answering():
            await self._deadlines.create_index("case")
            if "secantusVersion" not in await self._client.admin.command("buildInfo"):
                for first in ("organisation", "administration", "division"):
                    await self._cases.create_index([(first, 1), ("received_at", -1), ("_id", -1)])
                for ordered in ("received_at", "done.closed"):
                    await self._cases.create_index([(ordered, -1), ("_id", -1)])

    # --- case rows

    async def rows(self, ids: Iterable[str]) -> dict[str, Row]:
        """The rows with these ids, by id."""
        return {row["_id"]: row for row in await find_by_id(self._cases, ids)}

    async def insert(self, rows: list[Row]) -> set[str]:
        """First rows, in one call; returns the ids that have a row already."""
        return await insert_new(self._cases, rows)

    async def replace(self, rows: list[Row]) -> set[str]:
        """Put each row in place of one with a lower seq, or of none; returns the ids where the condition was lost.

        In one transaction where the server has them, because that flushes the disk once (FACTS.md); a transaction in
        which anything fails did nothing, and the same is done without one.
        """
        if not rows:
            return set()
        changes = [ReplaceOne({"_id": row["_id"], "seq": {"$lt": row["seq"]}}, row, upsert=True) for row in rows]
        if len(changes) > 1 and self._transactions and await self._at_once(changes):
            return set()
        try:
            await self._cases.bulk_write(changes, ordered=False)
        except BulkWriteError as error:
            problems = error.details.get("writeErrors", [])
            if error.details.get("writeConcernErrors") or any(p["code"] != DUPLICATE for p in problems):
                raise Unavailable(f"the store refused a write: {problems[:1]}") from error
            return {rows[p["index"]]["_id"] for p in problems}
        except PyMongoError as error:
            raise Unavailable(f"the store does not answer: {type(error).__name__}") from error
        return set()

    async def _at_once(self, changes: list[ReplaceOne[Document]]) -> bool:
        try:
            async with self._client.start_session() as session, await session.start_transaction():
                await self._cases.bulk_write(changes, ordered=False, session=session)
        except OperationFailure as error:
            if error.code in NO_TRANSACTIONS:
                log.info("the store has no transactions; rows are replaced one by one")
                self._transactions = False
            return False
        except PyMongoError as error:
            raise Unavailable(f"the store does not answer: {type(error).__name__}") from error
        return True

    async def states(self, partitions: Iterable[int]) -> dict[str, int]:
        """How many cases of these partitions by state."""
        owned = {"partition": {"$in": sorted(partitions)}}
        return {group["state"]: count for group, count in await self._grouped(self._cases, owned, {"state": "$state"})}

    # --- events that wait for their predecessor

    async def put_early(self, documents: list[Document]) -> None:
        """Keep events that lie ahead of a gap; those already kept are left."""
        await insert_new(self._early, documents)

    async def early(self, cases: Iterable[str] | None = None) -> list[Document]:
        """The waiting events of these cases, or of all."""
        async with answering():
            chosen: Document = {} if cases is None else {"case": {"$in": list(cases)}}
            return await self._early.find(chosen).to_list()

    async def drop_early(self, ids: list[str]) -> None:
        """Events that have been applied, or are stale."""
        await delete_by_id(self._early, ids)

    async def early_count(self) -> int:
        async with answering():
            return await self._early.count_documents({})

    # --- deadline events

    async def add_deadlines(self, documents: list[Document]) -> set[str]:
        """Insert; returns the ids that were there already."""
        return await insert_new(self._deadlines, documents)

    async def deadlines(self, cases: list[str], fields: dict[str, int] | None = None) -> list[Document]:
        """Every deadline event of these cases."""
        return await find_by(self._deadlines, "case", cases, fields)

    async def outcomes(self, scope: Scope) -> Counter[tuple[str, str]]:
        """How many deadlines by (obligation, status) in the scope."""
        if scope.everything:
            return await self._outcomes({})
        async with answering():
            ids = [row["_id"] async for row in self._cases.find(within(scope), {"_id": 1})]
        found: Counter[tuple[str, str]] = Counter()
        for start in range(0, len(ids), _MANY):
            found += await self._outcomes({"case": {"$in": ids[start : start + _MANY]}})
        return found

    async def outcomes_of(self, partitions: Iterable[int]) -> Counter[tuple[str, str]]:
        """How many deadlines by (obligation, status) in these partitions."""
        return await self._outcomes({"partition": {"$in": sorted(partitions)}})

    async def _outcomes(self, match: Document) -> Counter[tuple[str, str]]:
        """core.deadlines.status as an aggregation: a group's types, breaches, first discharge, last setting and
        last end.
        """
        found: Counter[tuple[str, str]] = Counter()
        async with answering():
            async for group in await self._deadlines.aggregate([{"$match": match}, *_BY_OUTCOME]):
                made = group["_id"]
                status = outcome(
                    made["types"], made["after_due"], superseded=made["superseded"], cleared=made["cleared"]
                )
                found[made["obligation"], status] += group["count"]
        return found

    # --- what is read over HTTP

    async def case(self, case_id: str, scope: Scope) -> Row | None:
        """One case, if it lies in the scope.

        In two stages: an id beside any other condition is looked for in every row by the embedded store, an id alone
        is looked up. MongoDB makes one of them again.
        """
        async with answering():
            found = await self._cases.aggregate([{"$match": {"_id": case_id}}, {"$match": within(scope)}])
            return next(iter(await found.to_list()), None)

    async def page(
        self, scope: Scope, wanted: Document, after: tuple[str, str] | None, limit: int, by: str = "received_at"
    ) -> list[Row]:
        """The next rows without timeline, newest first by `by`, behind `after` (its value and the id)."""
        parts = [within(scope), wanted]
        if after:
            instant, case_id = after
            parts.append({"$or": [{by: {"$lt": instant}}, {by: instant, "_id": {"$lt": case_id}}]})
        async with answering():
            found = self._cases.find({"$and": parts}, LISTED).sort([(by, -1), ("_id", -1)])
            return await found.limit(limit).to_list()

    async def groups(self, scope: Scope) -> Counter[Group]:
        """How many cases in the scope by organisation, state, outcome, ground and being merged into another."""
        found = await self._grouped(self._cases, within(scope), {name: f"${name}" for name in GROUPED})
        return Counter({tuple(group.get(name) for name in GROUPED): count for group, count in found})  # type: ignore[misc]

    async def key(self, key_id: str) -> Wrapped | None:
        """The wrapped data key of a complaint; None once it was erased."""
        async with answering():
            found = await self._keys.find_one({"_id": key_id})
        return Wrapped(found["version"], bytes(found["key"])) if found else None

    async def _grouped(self, collection: Collection, match: Document, by: Document) -> list[tuple[Document, int]]:
        async with answering():
            cursor = await collection.aggregate([{"$match": match}, {"$group": {"_id": by, "count": {"$sum": 1}}}])
            return [(group["_id"], group["count"]) async for group in cursor]


def within(scope: Scope) -> dict[str, Any]:
    """The scope as a condition; one that nothing fulfils where nothing was granted."""
    if scope.everything:
        return {}
    grants: list[dict[str, Any]] = []
    if scope.case:
        grants.append({"_id": scope.case})
    for granted, fields in (
        (scope.accountable, ("organisation",)),
        (scope.administration, ("administration",)),
        (scope.helping, ("assisting", "received_by")),
    ):
        grants += [{name: {"$in": sorted(granted)}} for name in fields if granted]
    if scope.divisions:
        grants.append({"division": {"$in": sorted(scope.divisions)}})
    if scope.province:
        grants.append({"division": {"$regex": f"^{scope.province}"}})
    if not grants:
        return {"_id": {"$in": []}}
    return {"$or": grants} | ({"recused": {"$ne": scope.recused}} if scope.recused else {})
