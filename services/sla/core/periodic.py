"""Reports that organisations owe for a quarter, a half-year, a year or a month: which, by whom, by when. Pure.

Such a duty belongs to no case. It is kept under an id of its own, made of instrument, obligation, organisation and
period, so that it is the same at every computation (docs/decisions/0080-periodic-duties.md).
"""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from uuid import NAMESPACE_URL, uuid5

from services.sla.core.watch import Facts
from shared.directory.model import Division, Organisation
from shared.directory.tree import Directory
from shared.events.deadlines import DeadlineEvent, deadline_id
from shared.law.calendar import Calendar
from shared.law.cited import cited
from shared.law.due import MONTHS, ZONE, due
from shared.law.errors import NotInForce
from shared.law.instrument import Instrument
from shared.law.library import Library
from shared.law.obligation import Obligation

SPACE = uuid5(NAMESPACE_URL, "urn:suda:periodic")
ONE = timedelta(days=1)
NO_DAYS = Calendar()  # a date is not counted, so no calendar moves it
REPORTING = ("agency", "business-unit")


@dataclass(frozen=True, slots=True)
class Period:
    """A span that is reported on, from its first day to its last."""

    label: str  # 2026-10, 2026-Q3, 2026-H1, 2026
    first: date
    last: date

    @property
    def over(self) -> datetime:
        """The instant its report begins to be owed: the first one after it."""
        return datetime.combine(self.last + ONE, time(), ZONE)


@dataclass(frozen=True, slots=True)
class Owed:
    """One organisation's duty to report on one period."""

    instrument: Instrument
    obligation: Obligation
    period: Period
    debtor: str
    division: str
    administration: str | None  # who receives the report, or stands over the debtor

    @property
    def id(self) -> str:
        return str(uuid5(SPACE, f"{self.instrument.id}:{self.obligation.id}:{self.debtor}:{self.period.label}"))

    @property
    def facts(self) -> Facts:
        return Facts(
            instrument=self.instrument.id,
            law_digest=self.instrument.digest,
            received_on=self.period.last,
            division=self.division,
            kind="periodic",
            administration=self.debtor if self.obligation.owes == "administration" else self.administration,
            accountable=self.debtor,
        )

    def opened(self) -> DeadlineEvent:
        """The event that opens it, at the instant the period is over."""
        counted = due(self.obligation, self.period.last, NO_DAYS)
        return DeadlineEvent(
            id=deadline_id(self.id, self.obligation.id, 1, "opened"),
            type="opened",
            case_id=self.id,
            seq=1,
            obligation=self.obligation.id,
            generation=1,
            at=self.period.over,
            instrument=self.instrument.id,
            title=self.obligation.title,
            owes=self.obligation.owes,
            debtor=self.debtor,
            start_day=counted.start_day,
            due_day=counted.due_day,
            due_at=counted.due_at,
            citations=cited(counted.citations),
            interpretation=counted.interpretation,
            period=self.period.label,
        )


def turns(since: date, until: date) -> Iterator[Period]:
    """Every period of any length that was over after `since` and by the beginning of `until`, in order of time."""
    year, month = since.year, since.month
    while date(year, month, 1) <= until:
        end = date(year, month, 1)
        if end > since:
            for each, span in MONTHS.items():
                if (month - 1) % span == 0:
                    yield _ended(each, span, end)
        year, month = (year + 1, 1) if month == 12 else (year, month + 1)


def _ended(each: str, span: int, end: date) -> Period:
    months = end.year * 12 + end.month - 1 - span
    first, last = date(months // 12, months % 12 + 1, 1), end - ONE
    number = (last.month - 1) // span + 1
    label = {"month": f"-{last.month:02}", "quarter": f"-Q{number}", "half-year": f"-H{number}", "year": ""}[each]
    return Period(f"{last.year}{label}", first, last)


def reports(law: Library, period: Period) -> Iterator[tuple[Instrument, Obligation]]:
    """The reports that are owed on a period of this length, under what is in force on its last day."""
    for name in law.instruments:
        try:
            instrument = law.in_force(name, period.last)
        except NotInForce:
            continue
        for duty in instrument.obligations:
            if duty.per == "period" and duty.holds(period.last) and _reports_on(duty, period):
                yield instrument, duty


def _reports_on(duty: Obligation, period: Period) -> bool:
    each = duty.period.each
    if (
        each is None
        or (period.last.year - period.first.year) * 12 + period.last.month - period.first.month + 1 != (MONTHS[each])
    ):
        return False
    number = (period.last.month - 1) // MONTHS[each] + 1
    return not duty.period.only or number in duty.period.only


def owed(law: Library, directory: Directory, period: Period, with_cases: Collection[str]) -> list[Owed]:
    """Who owes what on this period. `with_cases`: `instrument:division` of what came in meanwhile."""
    found: dict[str, Owed] = {}
    for instrument, duty in reports(law, period):
        debtors = _agencies if duty.owes == "agency" else _administrations
        for debtor, division, over in debtors(instrument, duty, directory, period.last):
            one = Owed(instrument, duty, period, debtor, division, over)
            if not duty.nothing_when_empty or _anything(instrument.id, division, directory, with_cases):
                found.setdefault(one.id, one)
    return list(found.values())


def _anything(instrument: str, division: str, directory: Directory, with_cases: Iterable[str]) -> bool:
    places = (found.partition(":")[2] for found in with_cases if found.partition(":")[0] == instrument)
    return any(place == division or division in directory.ancestors(place) for place in places)


Debtors = Iterator[tuple[str, str, str | None]]


def _agencies(instrument: Instrument, duty: Obligation, directory: Directory, day: date) -> Debtors:
    """Every agency in the divisions the text governs; a unit under another reports through it, and one that is managed
    by the central government's line is outside, where the text leaves those out."""
    rule = instrument.governs
    out = {trait.trait for trait in rule.traits_out}
    for record in directory.records():
        found = record.on(day) if isinstance(record, Organisation) else None
        if found is None or found.kind not in REPORTING or not found.division.startswith(rule.divisions):
            continue
        if found.parent is not None or (found.vertical and "vertical" in out) or found.code in rule.organisations_out:
            continue
        if rule.venues and _venue(found, directory, day) not in rule.venues:
            continue
        over = directory.administration_of(found.division, day)
        yield found.code, found.division, over.code if over else None


def _venue(found: Organisation, directory: Directory, day: date) -> str | None:
    """The kind of centre an organisation is stationed in."""
    centre = directory.organisation(found.venue, day) if found.venue else None
    return centre.venue_kind if centre else None


def _administrations(instrument: Instrument, duty: Obligation, directory: Directory, day: date) -> Debtors:
    """Every administration in the divisions governed. Of what is reported upwards, those that have a level above them;
    where the text names the province as the one that receives, those directly below it."""
    upwards = duty.owed_to in ("next-level", "province", "administration")
    for record in directory.records():
        place = record.on(day) if isinstance(record, Division) else None
        if place is None or not place.administration or not place.code.startswith(instrument.governs.divisions):
            continue
        above = directory.division(place.parent, day) if place.parent else None
        standing = directory.current(place.administration, day)[0]
        over = directory.administration_of(above.code, day) if above else None
        if standing is None or (duty.owed_to == "province" and (above is None or above.level != "province")):
            continue
        if over is not None and over.code != standing.code:
            yield standing.code, place.code, over.code
        elif not upwards:
            yield standing.code, place.code, None
