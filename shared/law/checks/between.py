"""Instruments against one another, and what the deployment decided about them."""

from collections.abc import Iterator
from datetime import date, timedelta

from shared.law.checks.text import head
from shared.law.deployment import Deployment
from shared.law.errors import LawError
from shared.law.instrument import Instrument


def overlaps(editions: tuple[Instrument, ...], deployment: Deployment) -> Iterator[LawError]:
    """Two texts that apply to the same case, equally close, on the same day, are a conflict."""
    spans = [(edition, *_span(edition, deployment)) for edition in editions]
    for number, (one, since, until) in enumerate(spans):
        for other, begins, ends in spans[number + 1 :]:
            together = max(since, begins) <= min(until, ends)
            if one.id != other.id and together and _same_cases(one, other):
                wrong = f"{one.id} and {other.id} govern the same cases on the same days, equally close"
                mend = "end one of them (in_force, or replaces in the newer one), or narrow what it governs"
                yield LawError(head(other), wrong, mend)


def _span(edition: Instrument, deployment: Deployment) -> tuple[date, date]:
    """The days an edition really binds cases, what overtook it taken off."""
    until = edition.edition.until or date.max
    for each in deployment.supersessions:
        if each.instrument == edition.id:
            until = min(until, each.since - timedelta(days=1))
    return edition.edition.since, until


def _same_cases(one: Instrument, other: Instrument) -> bool:
    a, b = one.governs, other.governs
    return (
        bool(set(a.divisions) & set(b.divisions))
        and bool(a.venues) == bool(b.venues)
        and _meet(a.venues, b.venues)
        and bool(a.channels) == bool(b.channels)
        and _meet(a.channels, b.channels)
        and _meet(a.kinds, b.kinds)
        and bool(a.organisations) == bool(b.organisations)
        and _meet(a.organisations, b.organisations)
    )


def _meet(one: tuple[str, ...], other: tuple[str, ...]) -> bool:
    return not one or not other or bool(set(one) & set(other))


def deployed(editions: tuple[Instrument, ...], deployment: Deployment) -> Iterator[LawError]:
    """What deployment.yaml refers to exists, and lies in the time it may."""
    where = f"{deployment.where}:1"
    newest = {edition.id: edition for edition in editions}
    for stand_in in deployment.stand_ins:
        for id in {stand_in.for_, stand_in.uses} - set(newest):
            yield LawError(where, f"a stand-in names '{id}', which is no instrument", f"use: {', '.join(newest)}")
        ended = newest.get(stand_in.for_)
        if ended and ended.in_force.holds(stand_in.since) and not deployment.superseded(ended.id, stand_in.since):
            wrong = f"a stand-in for {ended.id} begins on {stand_in.since}, while the text is still in force"
            yield LawError(where, wrong, "begin it on the day after the last day in force")
    for supersession in deployment.supersessions:
        instrument = newest.get(supersession.instrument)
        if instrument is None or not instrument.in_force.holds(supersession.since):
            wrong = (
                f"'{supersession.instrument}' is not in force on {supersession.since}, so nothing can overtake it then"
            )
            yield LawError(where, wrong, "a newer rule prevails only during validity; afterwards write a stand-in")
    for override in deployment.overrides:
        instrument = newest.get(override.instrument)
        if instrument is None or all(each.id != override.obligation for each in instrument.obligations):
            wrong = f"an override names {override.instrument} {override.obligation}, which is not there"
            yield LawError(where, wrong, "see `suda law list` and `suda law show`")
        elif instrument.gives_way is None:
            wrong = f"{instrument.id} does not let another law's period prevail"
            yield LawError(where, wrong, "overrides are for texts that say so (gives_way in instrument.yaml)")
