"""A bounded memory of what was written last. It saves a read and decides nothing: the store's conditions do."""

from collections import OrderedDict
from typing import Generic, TypeVar

T = TypeVar("T")


class Recent(Generic[T]):
    """The `size` values used last, by case."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._values: OrderedDict[str, T] = OrderedDict()

    def get(self, case: str) -> T | None:
        if case in self._values:
            self._values.move_to_end(case)
        return self._values.get(case)

    def put(self, case: str, value: T) -> None:
        self._values[case] = value
        self._values.move_to_end(case)
        if len(self._values) > self._size:
            self._values.popitem(last=False)

    def drop(self, case: str) -> None:
        self._values.pop(case, None)

    def clear(self) -> None:
        self._values.clear()
