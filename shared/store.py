"""The one way to MongoDB: PyMongo's async client (docs/decisions/0002-pymongo-async.md), majority, journalled."""

from collections.abc import Iterable, Mapping
from typing import Any

from pymongo import AsyncMongoClient
from pymongo.asynchronous.collection import AsyncCollection
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import BulkWriteError, PyMongoError

from shared.errors import ConfigurationError, Unavailable
from shared.settings import Settings

Document = dict[str, Any]
Collection = AsyncCollection[Document]
Database = AsyncDatabase[Document]
Client = AsyncMongoClient[Document]
DUPLICATE = 11000


def connect(settings: Settings) -> Client:
    """A client; nothing is asked of the server yet."""
    if not settings.mongodb:
        raise ConfigurationError("SUDA_MONGODB is not set and no embedded store runs; start one with ./suda up")
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
    """The documents with these `_id`s, one query."""
    wanted = list(ids)
    if not wanted:
        return []
    try:
        return await collection.find({"_id": {"$in": wanted}}, fields).to_list()
    except PyMongoError as error:
        raise Unavailable(f"the store does not answer: {type(error).__name__}") from error
