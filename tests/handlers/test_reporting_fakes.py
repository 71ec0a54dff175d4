"""A store in memory that knows the operators reporting uses, a bus that keeps what it is given; and their proof."""

import copy
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any

import pytest
from pymongo import ReplaceOne
from pymongo.errors import AutoReconnect, BulkWriteError, OperationFailure

from shared.bus import Outgoing
from shared.errors import Unavailable

Doc = dict[str, Any]


def at(document: Doc, path: str) -> Any:
    found: Any = document
    for name in path.split("."):
        found = found.get(name) if isinstance(found, dict) else None
    return found


_TESTS: dict[str, Callable[[Any, Any], bool]] = {
    "$in": lambda value, wanted: any(one in wanted for one in (value if isinstance(value, list) else [value])),
    "$ne": lambda value, wanted: wanted not in value if isinstance(value, list) else value != wanted,
    "$lt": lambda value, wanted: value is not None and value < wanted,
    "$gt": lambda value, wanted: value is not None and value > wanted,
    "$regex": lambda value, wanted: isinstance(value, str) and re.search(wanted, value) is not None,
}


def matches(document: Doc, query: Doc) -> bool:
    for name, wanted in query.items():
        if name in ("$and", "$or"):
            if not (all if name == "$and" else any)(matches(document, part) for part in wanted):
                return False
        elif isinstance(wanted, dict):
            if not all(_TESTS[test](at(document, name), value) for test, value in wanted.items()):
                return False
        elif at(document, name) != wanted:
            return False
    return True


def value_of(expression: Any, document: Doc) -> Any:
    """An aggregation expression over one document."""
    if isinstance(expression, str) and expression.startswith("$"):
        return at(document, expression[1:])
    if isinstance(expression, list):
        return [value_of(part, document) for part in expression]
    if not isinstance(expression, dict):
        return expression
    if not any(name.startswith("$") for name in expression):
        return {name: value_of(part, document) for name, part in expression.items()}
    ((operator, parts),) = expression.items()
    first, *rest = [value_of(part, document) for part in parts]
    if operator == "$cond":
        return rest[0] if first else rest[1]
    if operator == "$ifNull":
        return rest[0] if first is None else first
    return {
        "$eq": lambda: first == rest[0],
        "$ne": lambda: first != rest[0],
        "$gte": lambda: first is not None and first >= rest[0],
        "$in": lambda: first in rest[0],
        "$and": lambda: all([first, *rest]),
    }[operator]()


def gathered(operator: str, values: list[Any]) -> Any:
    """What an accumulator of `$group` makes of the values of one group; nulls do not count."""
    present = [value for value in values if value is not None]
    if operator == "$sum":
        return sum(present)
    if operator == "$addToSet":
        return [value for position, value in enumerate(present) if value not in present[:position]]
    order = {"key": lambda value: tuple(value.values()) if isinstance(value, dict) else value, "default": None}
    return {"$min": min, "$max": max}[operator](present, **order)


def grouped(documents: list[Doc], spec: Doc) -> list[Doc]:
    groups: list[tuple[Any, list[Doc]]] = []
    for document in documents:
        key = value_of(spec["_id"], document)
        next((group for found, group in groups if found == key), None) or groups.append((key, []))
        next(group for found, group in groups if found == key).append(document)
    made = [(name, *next(iter(rule.items()))) for name, rule in spec.items() if name != "_id"]
    return [
        {"_id": key} | {name: gathered(how, [value_of(what, one) for one in group]) for name, how, what in made}
        for key, group in groups
    ]


class Cursor:
    def __init__(self, documents: list[Doc]) -> None:
        self._documents = documents

    def sort(self, keys: list[tuple[str, int]]) -> "Cursor":
        for name, direction in reversed(keys):
            self._documents.sort(key=lambda document: at(document, name), reverse=direction < 0)
        return self

    def limit(self, count: int) -> "Cursor":
        return Cursor(self._documents[:count])

    async def to_list(self) -> list[Doc]:
        return copy.deepcopy(self._documents)

    async def __aiter__(self) -> AsyncIterator[Doc]:
        for document in copy.deepcopy(self._documents):
            yield document


class Collection:
    """Documents by `_id`, the calls made, and failures to come: `failing` calls fail, having done it if `after`."""

    def __init__(self) -> None:
        self.documents: dict[Any, Doc] = {}
        self.calls: list[str] = []
        self.failing, self.after = 0, False

    def _called(self, name: str, do: Callable[[], Any] = lambda: None) -> Any:
        self.calls.append(name)
        if self.failing:
            self.failing -= 1
            if self.after:
                do()
            raise AutoReconnect("away")
        return do()

    async def insert_many(self, documents: list[Doc], ordered: bool = True) -> None:
        def do() -> None:
            problems = []
            for index, document in enumerate(documents):
                if document["_id"] in self.documents:
                    problems.append({"index": index, "code": 11000})
                else:
                    self.documents[document["_id"]] = copy.deepcopy(document)
            if problems:
                raise BulkWriteError({"writeErrors": problems})

        self._called("insert_many", do)

    async def bulk_write(self, changes: list[ReplaceOne[Doc]], ordered: bool = True, session: Any = None) -> None:
        def do() -> None:
            problems, before = [], dict(self.documents)
            for index, change in enumerate(changes):
                query, document = change._filter, copy.deepcopy(dict(change._doc))  # type: ignore[arg-type]
                if document["_id"] in self.documents and not matches(self.documents[document["_id"]], dict(query)):
                    problems.append({"index": index, "code": 11000})
                else:
                    self.documents[document["_id"]] = document
            if problems and session is not None:
                self.documents = before
            if problems:
                raise BulkWriteError({"writeErrors": problems})

        if session is not None and not session.offered:
            raise OperationFailure("Transaction numbers are only allowed on a replica set member or mongos", 20)
        self._called("bulk_write", do)

    def find(self, query: Doc, fields: Doc | None = None) -> Cursor:
        self._called("find")
        left_out = {name for name, shown in (fields or {}).items() if not shown}
        found = [document for document in self.documents.values() if matches(document, query)]
        return Cursor([{name: part for name, part in one.items() if name not in left_out} for one in found])

    async def find_one(self, query: Doc) -> Doc | None:
        return next(iter(await self.find(query).to_list()), None)

    async def delete_many(self, query: Doc) -> None:
        self._called("delete_many")
        self.documents = {id: one for id, one in self.documents.items() if not matches(one, query)}

    async def count_documents(self, query: Doc) -> int:
        return len(await self.find(query).to_list())

    async def aggregate(self, stages: list[Doc]) -> Cursor:
        self._called("aggregate")
        found = list(self.documents.values())
        for stage in stages:
            ((operator, spec),) = stage.items()
            found = grouped(found, spec) if operator == "$group" else [one for one in found if matches(one, spec)]
        return Cursor(found)


class Client:
    """Databases of collections; `transactions` says whether the server offers them."""

    def __init__(self, transactions: bool = True) -> None:
        self.transactions = transactions
        self._databases: dict[str, dict[str, Collection]] = {}

    def __getitem__(self, name: str) -> Any:
        class Names(dict[str, Collection]):
            def __missing__(self, key: str) -> Collection:
                return self.setdefault(key, Collection())

        return self._databases.setdefault(name, Names())

    @asynccontextmanager
    async def start_session(self) -> AsyncIterator[Any]:
        @asynccontextmanager
        async def transaction() -> AsyncIterator[None]:
            yield

        async def start_transaction() -> Any:
            return transaction()

        yield SimpleNamespace(offered=self.transactions, start_transaction=start_transaction)


class KeptBus:
    """Keeps what is published; away while `failing`."""

    def __init__(self) -> None:
        self.sent: list[Outgoing] = []
        self.failing = 0

    async def publish(self, records: list[Outgoing]) -> None:
        if self.failing:
            self.failing -= 1
            raise Unavailable("Kafka is away")
        self.sent += records


async def test_the_fake_guards_a_row_as_the_store_does() -> None:
    rows = Collection()
    await rows.bulk_write([ReplaceOne({"_id": 1, "seq": {"$lt": 3}}, {"_id": 1, "seq": 3}, upsert=True)])
    with pytest.raises(BulkWriteError):
        await rows.bulk_write([ReplaceOne({"_id": 1, "seq": {"$lt": 2}}, {"_id": 1, "seq": 2}, upsert=True)])
    assert rows.documents == {1: {"_id": 1, "seq": 3}}
