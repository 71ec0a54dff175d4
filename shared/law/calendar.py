"""Which day counts: the State Council's calendar, make-up days included, then dated overrides.

Past the loaded years a weekday counts provisionally, until the calendar arrives (design, section 4).
"""

from datetime import date, timedelta
from functools import cached_property
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any, Final

import chinese_calendar
from chinese_calendar import constants
from pydantic import Field, ValidationError

from shared.law.citation import Frozen
from shared.law.errors import LawError
from shared.law.source import Located, line_of, read

WEEKDAYS: Final = "一二三四五六日"
FOLDER: Final = "calendar"  # inside SUDA_LAW
ONE: Final = timedelta(days=1)


class DayInfo(Frozen):
    """Whether a day is a working day, why, and whether that may still change."""

    counts: bool
    why: str
    provisional: bool


class Override(Frozen):
    """One dated exception: a city closes for a storm, or works through a rest day."""

    day: date
    counts: bool
    why: str
    divisions: tuple[Annotated[str, Field(pattern=r"^\d{2,6}$")], ...] = ()  # code prefixes; empty: everywhere

    def reaches(self, division: str | None) -> bool:
        """Whether it holds in a division; a local one does not where no division is named."""
        return not self.divisions or (division is not None and division.startswith(self.divisions))


class Calendar:
    """A fixed table of days; two with the same `version` answer alike for ever."""

    def __init__(
        self, overrides: tuple[Override, ...] = (), years: frozenset[int] = frozenset(), division: str | None = None
    ) -> None:
        self._overrides = overrides
        self._years = years
        self._local = {entry.day: entry for entry in overrides if entry.reaches(division)}
        self._days: dict[date, DayInfo] = {}
        self._regions: dict[str, Calendar] = {}
        self.remembered: dict[Any, Any] = {}  # due days already computed, for `due`

    @classmethod
    def load(cls, overrides: Path | None = None) -> "Calendar":
        """With the overrides of a YAML file, or of all in a folder; raises LawError."""
        if overrides is None:
            return cls()
        files = sorted(overrides.glob("*.yaml")) if overrides.is_dir() else [overrides]
        years: set[int] = set()
        entries: list[Override] = []
        for file in files:
            entries += _overrides(file, years)
        _refuse_contradictions(entries, overrides)
        return cls(tuple(entries), frozenset(years))

    @classmethod
    def deployed(cls, law: Path | None) -> "Calendar":
        """With the overrides under `calendar/` of the SUDA_LAW folder, where there are any."""
        folder = law / FOLDER if law else None
        return cls.load(folder if folder and folder.is_dir() else None)

    @cached_property
    def version(self) -> str:
        """Names the table: the library's version and, with overrides, a digest of those that hold here."""
        text = "".join(self._local[day].model_dump_json() for day in sorted(self._local))
        text += ",".join(map(str, sorted(self._years)))
        return f"chinesecalendar-{version('chinesecalendar')}" + (
            f"+{sha256(text.encode()).hexdigest()[:12]}" if text else ""
        )

    def at(self, division: str) -> "Calendar":
        """The calendar as it stands in a division, with its local overrides."""
        if not any(entry.divisions for entry in self._overrides):
            return self
        if division not in self._regions:
            self._regions[division] = Calendar(self._overrides, self._years, division)
        return self._regions[division]

    def day(self, day: date) -> DayInfo:
        known = self._days.get(day)
        if known is None:
            known = self._days[day] = self._look(day)
        return known

    def _look(self, day: date) -> DayInfo:
        override = self._local.get(day)
        if override is not None:
            return DayInfo(counts=override.counts, why=override.why, provisional=False)
        weekday = f"星期{WEEKDAYS[day.weekday()]}"
        try:
            counts = chinese_calendar.is_workday(day)
        except NotImplementedError:
            rest, known = day.weekday() >= 5, day.year in self._years
            why = f"{weekday}{'，周末' if rest else ''}" + ("" if known else "（国务院放假安排尚未载入，暂按平日推算）")
            return DayInfo(counts=not rest, why=why, provisional=not known)
        holiday = constants.holidays.get(day) or constants.workdays.get(day)
        name = constants.Holiday(holiday).chinese if holiday else ""
        if counts:
            return DayInfo(counts=True, why=f"{name}调休上班（{weekday}）" if name else weekday, provisional=False)
        return DayInfo(counts=False, why=f"{name}放假（{weekday}）" if name else f"{weekday}，周末", provisional=False)

    def add(self, start: date, days: int) -> date:
        """The `days`-th working day after `start`, which itself is not counted."""
        day = start
        while days:
            day += ONE
            if self.day(day).counts:
                days -= 1
        return day

    def back(self, day: date, days: int) -> date:
        """The `days`-th working day before `day`; with 0 the last working day not after it."""
        while not self.day(day).counts:
            day -= ONE
        while days:
            day -= ONE
            if self.day(day).counts:
                days -= 1
        return day

    def on_or_after(self, day: date) -> date:
        """`day`, or the next working day where it is a rest day."""
        while not self.day(day).counts:
            day += ONE
        return day


def _overrides(file: Path, years: set[int]) -> list[Override]:
    """Reads one file; `complete: [2027]` says that a year's arrangements are all in it, and goes into `years`."""
    data = read(file)
    rows, complete = data.get("days"), data.get("complete", [])
    if not isinstance(complete, list) or not all(isinstance(year, int) for year in complete):
        raise LawError(f"{file}:{line_of(data, ('complete',))}", "'complete' is no list of years", "write [2027]")
    years.update(complete)
    if not isinstance(rows, list):
        raise LawError(f"{file}:1", "no list 'days'", "write days: [{day, counts, why, divisions?}, …]")
    entries = []
    for number, row in enumerate(rows):
        try:
            entries.append(Override.model_validate(row))
        except ValidationError as error:
            raise _fault(file, data, number, error) from None
    return entries


def _fault(file: Path, data: Located, number: int, error: ValidationError) -> LawError:
    first = error.errors()[0]
    line = line_of(data, ("days", number, *first["loc"]))
    return LawError(
        f"{file}:{line}", f"{'.'.join(map(str, first['loc']))}: {first['msg']}", "write day, counts and why"
    )


def _refuse_contradictions(entries: list[Override], source: Path) -> None:
    seen: dict[tuple[date, str], Override] = {}
    for entry in entries:
        for division in entry.divisions or ("",):
            other = seen.setdefault((entry.day, division), entry)
            if other.counts != entry.counts:
                raise LawError(str(source), f"{entry.day} both counts and does not", "keep one of the two overrides")
