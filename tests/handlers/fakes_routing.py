"""Routing's collections without a store: unique ids in dictionaries, behind the few calls that are made."""

from typing import Any

from pymongo.errors import BulkWriteError

from shared.store import Document


class FakeCollection:
    """Unique ids in a dictionary, behind the few calls the store makes."""

    def __init__(self) -> None:
        self.documents: dict[str, Document] = {}
        self.finds = 0

    async def insert_many(self, documents: list[Document], ordered: bool) -> None:
        taken = []
        for index, document in enumerate(documents):
            if document["_id"] in self.documents:
                taken.append({"index": index, "code": 11000})
            else:
                self.documents[document["_id"]] = document
        if taken:
            raise BulkWriteError({"writeErrors": taken})

    def find(self, query: dict[str, Any], fields: object = None) -> "FakeCollection.Cursor":
        self.finds += 1
        return FakeCollection.Cursor([self.documents[i] for i in query["_id"]["$in"] if i in self.documents])

    async def replace_one(self, query: dict[str, Any], document: Document) -> "FakeCollection.Result":
        held = self.documents.get(query["_id"])
        if held is None or held["revision"] != query["revision"]:
            return FakeCollection.Result(0)
        self.documents[query["_id"]] = document
        return FakeCollection.Result(1)

    class Cursor:
        def __init__(self, found: list[Document]) -> None:
            self._found = found

        async def to_list(self) -> list[Document]:
            return self._found

    class Result:
        def __init__(self, modified: int) -> None:
            self.modified_count = modified


class FakeClient:
    """The collections of the database `routing`."""

    def __init__(self) -> None:
        self.collections: dict[str, FakeCollection] = {}

    def __getitem__(self, database: str) -> "FakeClient":
        return self

    def collection(self, name: str) -> FakeCollection:
        return self.collections.setdefault(name, FakeCollection())


class FakeDatabase:
    def __init__(self, client: FakeClient) -> None:
        self._client = client

    def __getitem__(self, name: str) -> Any:
        return FakeDatabase(self._client) if name == "routing" else self._client.collection(name)


class FakeSettings:
    @staticmethod
    def database(name: str) -> str:
        return name
