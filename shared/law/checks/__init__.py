"""Whether the law as data holds together: what `suda law check` proves, and services refuse to start without.

A rule that cannot be done, a citation of an article that is not there, or two texts that both apply are faults of the
data, found before any case meets them. `text` looks at one instrument against its articles, `rules` at its rules among
themselves, `between` at instruments and the deployment.
"""

from collections.abc import Iterator

from shared.law.checks.between import deployed, overlaps
from shared.law.checks.rules import act, obligation, others
from shared.law.checks.text import articles, citations, twice
from shared.law.deployment import Deployment
from shared.law.errors import LawError, LawErrors
from shared.law.instrument import Instrument


def refuse(editions: tuple[Instrument, ...], deployment: Deployment) -> None:
    """Raises LawErrors with every fault once; silent where the data holds together."""
    faults: dict[str, LawError] = {}
    for fault in _all(editions, deployment):
        faults.setdefault(str(fault), fault)
    if faults:
        raise LawErrors(tuple(faults.values()))


def _all(editions: tuple[Instrument, ...], deployment: Deployment) -> Iterator[LawError]:
    for edition in editions:
        yield from articles(edition)
        yield from citations(edition)
        yield from twice(edition)
        for duty in edition.obligations:
            yield from obligation(edition, duty)
        for rule in edition.acts:
            yield from act(edition, rule)
        yield from others(edition)
    yield from overlaps(editions, deployment)
    yield from deployed(editions, deployment)
