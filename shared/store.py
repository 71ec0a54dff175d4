"""The one way to MongoDB: PyMongo's async client (docs/decisions/0002-pymongo-async.md), majority, journalled."""

from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from typing import Any

from pymongo import AsyncMongoClient
from pymongo.asynchronous.collection import AsyncCollection
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import BulkWriteError, PyMongoError
from pymongo.errors import ConfigurationError as WrongURI

from shared.errors import ConfigurationError, Unavailable
from shared.settings import Settings

Document = dict[str, Any]
Collection = AsyncCollection[Document]
Database = AsyncDatabase[Document]
Client = AsyncMongoClient[Document]
DUPLICATE = 11000
PIECE = 50  # values of one `$in`


def connect(settings: Settings) -> Client:
    """A client; nothing is asked of the server yet."""
    if not settings.mongodb:
        raise ConfigurationError("SUDA_MONGODB is not set and no embedded store runs; start one with ./suda up")
    try:
        return AsyncMongoClient(
            settings.mongodb,
            appname="suda",
            tz_aware=True,
            w="majority",
            journal=True,
            serverSelectionTimeoutMS=5000,
            socketTimeoutMS=60000,
            connectTimeoutMS=5000,
        )
    except (WrongURI, ValueError) as wrong:  # its text may hold a password
        raise ConfigurationError(
            f"SUDA_MONGODB is no MongoDB URI ({type(wrong).__name__}); it looks like mongodb://host:27017"
        ) from None


@asynccontextmanager
async def answering() -> AsyncIterator[None]:
    """Turn the driver's errors into Unavailable."""
    try:
        yield
    except PyMongoError as error:
        raise Unavailable(f"the store does not answer: {type(error).__name__}") from error


async def insert_new(collection: Collection, documents: list[Document]) -> set[Any]:
    """Insert what is not there yet, in one call; returns the `_id`s that were already taken.

    Raises Unavailable when the store does not answer; some may be in then, and the same call may be made again.
    """
    if not documents:
        return set()
    try:
        await collection.insert_many(documents, ordered=False)
    except BulkWriteError as error:
        problems = error.details.get("writeErrors", [])
        if error.details.get("writeConcernErrors") or any(p["code"] != DUPLICATE for p in problems):
            codes = sorted({p["code"] for p in problems})  # only these: `problems` hold the documents themselves
            raise Unavailable(f"the store refused a write: codes {codes}") from None
        return {documents[p["index"]]["_id"] for p in problems}
    except PyMongoError as error:
        raise Unavailable(f"the store does not answer: {type(error).__name__}") from error
    return set()


async def find_by_id(
    collection: Collection, ids: Iterable[Any], fields: Mapping[str, int] | None = None
) -> list[Document]:
    """The documents with these `_id`s."""
    return await find_by(collection, "_id", ids, fields)


async def find_by(
    collection: Collection, field: str, values: Iterable[Any], fields: Mapping[str, int] | None = None
) -> list[Document]:
    """The documents whose `field`, which has an index, is one of these values; no query for none.

    Asked in pieces of `PIECE`: SecantusDB compares each document with the whole list, so that the time of one `$in` of
    500 values is the square of it (docs/decisions/0062-in-pieces.md). Raises Unavailable.
    """
    wanted, found = list(values), list[Document]()
    async with answering():
        for start in range(0, len(wanted), PIECE):
            found += await collection.find({field: {"$in": wanted[start : start + PIECE]}}, fields).to_list()
    return found


async def delete_by_id(collection: Collection, ids: Iterable[Any]) -> None:
    """Remove the documents with these `_id`s, in pieces as `find_by` asks; no query for none. Raises Unavailable."""
    gone = list(ids)
    async with answering():
        for start in range(0, len(gone), PIECE):
            await collection.delete_many({"_id": {"$in": gone[start : start + PIECE]}})
