"""The directory on its topic: what to publish for a record, and the fold of what was read."""

from collections.abc import AsyncIterable
from typing import Protocol

from shared.directory.model import parse
from shared.directory.tree import Directory
from shared.errors import BadInput
from shared.events.topics import DIRECTORY as TOPIC

__all__ = ["TOPIC", "fold"]


class _Read(Protocol):
    """What the fold needs of a Kafka record."""

    @property
    def key(self) -> bytes | None: ...
    @property
    def value(self) -> bytes | None: ...
    @property
    def offset(self) -> int: ...


async def fold(records: AsyncIterable[_Read]) -> tuple[Directory, tuple[str, ...]]:
    """The directory of a topic read to its end, and one sentence for each record that is none."""
    directory, faults = Directory(), []
    async for record in records:
        try:
            directory.apply(parse(record.key, record.value), record.offset)
        except BadInput as error:
            faults.append(f"{TOPIC} offset {record.offset}: {error}")
    return directory, tuple(faults)
