"""What somebody owes, by when, from which event to which."""

from collections.abc import Mapping
from functools import cached_property
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from shared.law.citation import Citation, Frozen
from shared.law.entry import Entry, Name
from shared.law.vocabulary import Channel, Creditor, Debtor, Each, Kind, Outcome, TriggerWord, Unit, Verdict


class Trigger(Frozen):
    """Something that happens on a case; every qualifier given must hold for it to count."""

    on: TriggerWord
    outcome: tuple[Outcome, ...] = ()  # of close: only with one of these
    result: tuple[Verdict, ...] = ()  # of verify, review-reply, check-quality: only with one of these
    presumed: bool = False  # of a start: only until the record shows another one
    limited: bool = False  # of a start: due on the day that the act sets (`until`), within the period
    when_class: tuple[Name, ...] = ()  # only while the case is in one of these classes
    unless_class: tuple[Name, ...] = ()


def _trigger(value: Any) -> Any:
    return {"on": value} if isinstance(value, str) else value


Triggers = tuple[Annotated[Trigger, BeforeValidator(_trigger)], ...]


class Period(Frozen):
    """How long. A number always has its unit; the on-the-spot day has none; a date names its day after a period."""

    unit: Unit
    length: Annotated[int, Field(ge=1, le=3660)] | None = None
    each: Each | None = None  # date: the period reported on
    months_after: Annotated[int, Field(ge=0, le=24)] | None = None  # date: counted from the period's last month
    day: Annotated[int, Field(ge=1, le=31)] | Literal["last"] | None = None  # date: the day of that month
    only: tuple[Annotated[int, Field(ge=1, le=12)], ...] = ()  # date: only these periods of a year (1 = first half)

    @model_validator(mode="after")
    def _whole(self) -> Self:
        counted, dated = self.unit in ("working_days", "calendar_days", "hours"), self.unit == "date"
        if counted != (self.length is not None):
            raise ValueError(f"a period in {self.unit} {'needs' if counted else 'has no'} length")
        if dated != (self.each is not None and self.months_after is not None and self.day is not None):
            raise ValueError("a date, and only a date, is given by each, months_after and day")
        return self


class Extension(Frozen):
    """How far a period can be stretched, on whose word, and who must be told."""

    limit: Annotated[int, Field(ge=1, le=3660)] | None  # None: the text sets no cap
    counted: Literal["total", "added"]  # from the same start as the period, or on top of it
    asked_by: Debtor | None = None  # None: needs no application
    decided_by: Debtor
    tell: tuple[Creditor, ...] = ()
    once: bool = True
    reason: bool = True  # a reason must be given
    citations: tuple[Citation, ...] = ()


class Obligation(Entry):
    """One duty with a time limit."""

    title: str
    owes: Debtor
    owed_to: Creditor = "complainant"
    person: str | None = None  # the function inside the debtor that the text names (首席事务代表)
    per: Literal["case", "period"] = "case"  # period: a report; it belongs to no case
    period: Period
    starts: Triggers = ()
    ends: Triggers = ()
    lapses: Triggers = ()  # over without having been done; undone with what made it lapse
    when_class: tuple[Name, ...] = ()
    unless_class: tuple[Name, ...] = ()
    kinds: tuple[Kind, ...] = ()  # empty: all kinds the instrument governs
    channels: tuple[Channel, ...] = ()  # empty: all
    late_start: Name | None = None  # where that duty of the same debtor was done late: starts on its due day
    extension: Extension | None = None
    once: bool = False  # a right that is used up: once it was exercised, nothing begins it (again)
    nothing_when_empty: bool = False  # a report that is not owed where there was nothing

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if self.per == "case" and not (self.starts and self.ends):
            raise ValueError("an obligation on a case needs starts and ends")
        if (self.per == "period") != (self.period.unit == "date"):
            raise ValueError("per: period goes with a date, and a date with per: period")
        if self.extension and self.extension.limit is not None and self.extension.counted == "total":
            if self.period.length is None or self.extension.limit < self.period.length:
                raise ValueError("an extension's total is below the period itself")
        return self

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """A changed duty, with a key of its own."""
        copied = super().model_copy(update=update, deep=deep)
        copied.__dict__.pop("key", None)
        return copied

    @cached_property
    def key(self) -> str:
        """Names all a due day depends on besides start and calendar: results are remembered by it."""
        return self.model_dump_json(exclude={"starts", "ends", "lapses", "title"})
