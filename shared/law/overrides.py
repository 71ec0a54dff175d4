"""Another law's period in place of the text's own, where the text itself gives way (Henan: article 6, item 1).

Written down in `deployment.yaml` with its dates and its source; it makes a further edition of the instrument, so that a
case keeps what it was opened under.
"""

from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from typing import Annotated, Self

from pydantic import Field, model_validator

from shared.law.citation import Citation, Frozen, Interpretation
from shared.law.instrument import InForce, Instrument
from shared.law.obligation import Obligation, Period

OTHER_LAW = "other-law"


class PeriodOverride(Frozen):
    """From one day to another, for all cases or those of some divisions or organisations."""

    instrument: str
    obligation: str
    since: date = Field(alias="from")
    until: date | None = None
    period: Period
    law: str  # the law or administrative regulation with its article, as it is cited
    divisions: tuple[Annotated[str, Field(pattern=r"^\d{2,6}$")], ...] = ()
    organisations: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.until is not None and self.until < self.since:
            raise ValueError("until lies before from")
        return self

    @property
    def local(self) -> bool:
        return bool(self.divisions or self.organisations)


def applied(editions: Iterable[Instrument], overrides: Iterable[PeriodOverride]) -> Iterator[Instrument]:
    """The editions, cut and changed by the overrides; those for some divisions or organisations come as variants."""
    general = list(editions)
    for override in overrides:
        general = [piece for edition in general for piece in _cut(edition, override)]
    yield from general


def _cut(edition: Instrument, override: PeriodOverride) -> Iterator[Instrument]:
    span = edition.edition
    since = max(span.since, override.since)
    until = min(span.until or date.max, override.until or date.max)
    if edition.id != override.instrument or since > until or not _reaches(edition, override):
        yield edition
        return
    if override.local:
        yield edition
        yield _changed(edition, override, since, until)
        return
    if span.since < since:
        yield _during(edition, span.since, since - timedelta(days=1))
    yield _changed(edition, override, since, until)
    if until < (span.until or date.max):
        yield _during(edition, until + timedelta(days=1), span.until)


def _reaches(edition: Instrument, override: PeriodOverride) -> bool:
    return any(duty.id == override.obligation for duty in edition.obligations)


def _during(edition: Instrument, since: date, until: date | None) -> Instrument:
    return sealed(edition, {"edition": InForce(since=since, until=until)})


def _changed(edition: Instrument, override: PeriodOverride, since: date, until: date) -> Instrument:
    duties = tuple(_yielding(edition, duty, override) for duty in edition.obligations)
    narrowed = {
        key: value
        for key, value in (("divisions", override.divisions), ("organisations", override.organisations))
        if value
    }
    return sealed(
        edition,
        {
            "edition": InForce(since=since, until=None if until == date.max else until),
            "obligations": duties,
            "governs": edition.governs.model_copy(update=narrowed),
            "variant": override.local,
        },
    )


def _yielding(edition: Instrument, duty: Obligation, override: PeriodOverride) -> Obligation:
    if duty.id != override.obligation:
        return duty
    allows = edition.cite(edition.gives_way) if edition.gives_way else None
    reading = Interpretation(reading=f"期限依{override.law}", reason=f"{allows}：法律、行政法规另有规定的，依其规定")
    source = Citation(instrument=OTHER_LAW, article=override.law, title=override.law)
    extra = (source, *((allows,) if allows and allows not in duty.citations else ()))
    return duty.model_copy(
        update={
            "period": override.period,
            "extension": None,
            "citations": duty.citations + extra,
            "readings": (*duty.readings, reading),
        }
    )


def sealed(edition: Instrument, update: dict[str, object]) -> Instrument:
    """A changed edition with the digest of what it now says."""
    from shared.law.loader import digest

    changed = edition.model_copy(update=update)
    return changed.model_copy(update={"digest": digest(changed)})
