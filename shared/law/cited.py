"""The law's citations as they stand on an event."""

from collections.abc import Iterable
from functools import lru_cache

from shared.events.base import Citation
from shared.law.citation import Citation as LawCitation


@lru_cache(4096)
def _one(citation: LawCitation) -> Citation:
    return Citation(instrument=citation.instrument, article=citation.article, item=citation.item, title=citation.title)


def cited(citations: Iterable[LawCitation]) -> tuple[Citation, ...]:
    """The same citations as event values."""
    return tuple(_one(citation) for citation in citations)
