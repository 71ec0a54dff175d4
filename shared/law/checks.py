"""Whether the law as data holds together: what `suda law check` proves, and services refuse to start without."""

from collections.abc import Iterator

from shared.law.errors import LawError, LawErrors
from shared.law.library import Library


def refuse(library: Library) -> None:
    """Raises LawErrors with every fault; silent where the data holds together."""
    faults = tuple(check(library))
    if faults:
        raise LawErrors(faults)


def check(library: Library) -> Iterator[LawError]:
    yield from ()
