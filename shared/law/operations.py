"""Operational rules, kept apart from law: office hours, warnings, and the ladder a late duty climbs.

None of it has an article. `Operations.label` is shown with every rung.
"""

from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Any, Final, Literal, NamedTuple, Protocol, Self, get_args

from pydantic import BeforeValidator, Field, ValidationError, model_validator

from shared.law.calendar import ONE, Calendar
from shared.law.citation import Frozen, Interpretation
from shared.law.due import ZONE
from shared.law.entry import Name
from shared.law.errors import LawError
from shared.law.obligation import Obligation
from shared.law.source import line_of, read
from shared.law.vocabulary import Debtor, Unit

DEFAULT: Final = Path(__file__).parents[2] / "deploy" / "operations.yaml"
RungKind = Literal["warning", "breach", "escalation"]
Expected = Literal["debtor", "debtor-leader", "supervisor", "level-above"]


def _clock(value: Any) -> Any:
    return time.fromisoformat(value) if isinstance(value, str) else value


Clock = Annotated[time, BeforeValidator(_clock)]


class OfficeHours(Frozen):
    """Between these two, on working days, people may be warned."""

    since: Clock = Field(alias="from")
    until: Clock

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.until <= self.since:
            raise ValueError("office hours end before they begin")
        return self


class Rung(Frozen):
    """One step of a ladder: when, and who is expected to act."""

    name: Name
    kind: RungKind
    working_days: Annotated[int, Field(ge=0, le=250)] | None = None
    hours: Annotated[int, Field(ge=1, le=240)] | None = None
    at: Clock | None = None
    expects: Expected

    @model_validator(mode="after")
    def _placed(self) -> Self:
        if self.kind == "breach":
            if (self.working_days, self.hours, self.at) != (None, None, None):
                raise ValueError("a breach is at the first instant that is too late; it takes no time")
        elif (self.hours is None) == (self.working_days is None or self.at is None):
            raise ValueError("a rung needs working_days with at, or hours")
        if self.kind == "escalation" and not self.working_days:
            raise ValueError("an escalation comes at least one working day after the breach")
        return self


class RungInstant(NamedTuple):
    """A rung with its instant."""

    name: str
    kind: RungKind
    instant: datetime


class Watch(Obligation):
    """A duty without an article: somebody is to look at a case that no regulation gives a first period.

    `for`: `unbound` (nothing in force), `unassigned` (the text names no period for passing a case on).
    """

    for_: Literal["unbound", "unassigned"] = Field(alias="for")

    def duty(self, label: str) -> Obligation:
        """As an obligation that says of itself that it is operational."""
        said = Interpretation(reading=label, reason="deploy/operations.yaml")
        return Obligation.model_validate(self.model_dump(exclude={"for_"}) | {"readings": (said,)})


class Operations(Frozen):
    """The whole file."""

    label: str
    office_hours: OfficeHours
    ladders: dict[Name, tuple[Rung, ...]]
    by_unit: dict[Unit, Name]
    by_debtor: dict[Debtor, Name] = {}
    by_obligation: dict[Name, dict[Name, Name]] = {}
    urgent: Name | None = None
    watches: tuple[Watch, ...] = ()

    @model_validator(mode="after")
    def _whole(self) -> Self:
        named = {*self.by_unit.values(), *self.by_debtor.values(), *([self.urgent] if self.urgent else [])}
        named |= {ladder for duties in self.by_obligation.values() for ladder in duties.values()}
        if missing := named - set(self.ladders):
            raise ValueError(f"no ladder is called {', '.join(sorted(missing))}")
        if missing := {*get_args(Unit)} - set(self.by_unit):
            raise ValueError(f"by_unit names no ladder for {', '.join(sorted(missing))}")
        for name, ladder in self.ladders.items():
            if sum(rung.kind == "breach" for rung in ladder) != 1:
                raise ValueError(f"the ladder {name} needs exactly one breach")
            if len({rung.name for rung in ladder}) != len(ladder):
                raise ValueError(f"the ladder {name} has two rungs of one name")
            for rung in ladder:
                if rung.kind == "warning" and rung.at and not self._open(rung.at):
                    raise ValueError(f"{name}.{rung.name} lies outside office hours")
        return self

    @cached_property
    def digest(self) -> str:
        """Names this content: rungs are computed anew where it changed."""
        return sha256(self.model_dump_json().encode()).hexdigest()[:12]

    def _open(self, at: time) -> bool:
        return self.office_hours.since <= at < self.office_hours.until

    def rungs(self, instrument: str, obligation: Obligation, *, urgent: bool = False) -> tuple[Rung, ...]:
        """The ladder of a duty: one named for it, else for urgent cases, its debtor, or the unit of its period.

        An urgent case hastens those who deal with it, not the complainant; the ladder of hours or a day is fast enough.
        """
        named = self.by_obligation.get(instrument, {}).get(obligation.id)
        if named is None and obligation.period.unit in ("working_days", "calendar_days"):
            hastened = urgent and self.urgent and obligation.owes != "complainant"
            named = self.urgent if hastened else self.by_debtor.get(obligation.owes)
        return self.ladders[named or self.by_unit[obligation.period.unit]]


def load_operations(path: Path | None = None) -> Operations:
    """Reads the file (default deploy/operations.yaml); raises LawError naming file and line."""
    file = path or DEFAULT
    data = read(file, file.name)
    try:
        return Operations.model_validate(data, by_alias=True, by_name=False)
    except ValidationError as error:
        first = error.errors()[0]
        wrong = f"{'.'.join(map(str, first['loc'])) or 'file'}: {first['msg'].removeprefix('Value error, ')}"
        where = f"{file.name}:{line_of(data, first['loc'])}"
        raise LawError(where, wrong, "see deploy/operations.yaml for what stands there") from None


def unknown(operations: Operations, obligations: Mapping[str, frozenset[str]], file: str) -> tuple[LawError, ...]:
    """What the file names that no instrument has; `obligations` are the ids of each instrument's."""
    return tuple(
        LawError(f"{file}:1", f"by_obligation names {instrument} {duty}, which is not there", "see `suda law list`")
        for instrument, duties in operations.by_obligation.items()
        for duty in duties
        if duty not in obligations.get(instrument, frozenset())
    )


class Span(Protocol):
    """From which day to which instant a duty runs: a `Due`, or the event that published it."""

    @property
    def start_day(self) -> date: ...
    @property
    def due_day(self) -> date: ...
    @property
    def due_at(self) -> datetime: ...


def rung_instants(
    operations: Operations, obligation: Obligation, due: Span, calendar: Calendar, *, urgent: bool = False
) -> tuple[RungInstant, ...]:
    """Every rung with its instant, in order of time.

    A warning is always inside office hours, before the due instant and after the day the period started (an on-the-spot
    day: on that day); one that cannot be is left out. The breach is exactly at `due.due_at`.
    """
    instrument = obligation.citations[0].instrument if obligation.citations else "operations"
    found = []
    for rung in operations.rungs(instrument, obligation, urgent=urgent):
        instant = _instant(rung, operations.office_hours, obligation, due, calendar)
        if instant is not None:
            found.append(RungInstant(rung.name, rung.kind, instant))
    return tuple(sorted(found, key=lambda each: each.instant))


def _instant(rung: Rung, hours: OfficeHours, duty: Obligation, due: Span, calendar: Calendar) -> datetime | None:
    if rung.kind == "breach":
        return due.due_at
    if rung.kind == "escalation":
        day = calendar.add(due.due_at.astimezone(ZONE).date(), rung.working_days or 0)
        return _at(day, rung.at)
    if rung.hours is not None:
        instant = _into_office(due.due_at - timedelta(hours=rung.hours), hours, calendar)
    else:
        last = due.due_day - ONE if duty.period.unit == "date" else due.due_day
        instant = _at(calendar.back(last, rung.working_days or 0), rung.at)
    return instant if _started(duty, due, instant) and instant < due.due_at else None


def _started(duty: Obligation, due: Span, instant: datetime) -> bool:
    """Whether the period surely runs by then; of counted days the first does not show the hour."""
    if duty.period.unit == "hours":
        return instant > due.due_at - timedelta(hours=duty.period.length or 0)
    if duty.period.unit == "same_day":
        return instant.date() >= due.start_day
    return instant.date() > due.start_day


def _at(day: date, at: time | None) -> datetime:
    return datetime.combine(day, at or time(), ZONE)


def _into_office(instant: datetime, hours: OfficeHours, calendar: Calendar) -> datetime:
    """The latest minute of office hours not after `instant`."""
    local = instant.astimezone(ZONE)
    day = local.date()
    if calendar.day(day).counts and local.time() >= hours.since:
        if local.time() < hours.until:
            return local
        return _at(day, hours.until) - timedelta(minutes=1)
    return _at(calendar.back(day - ONE, 0), hours.until) - timedelta(minutes=1)
