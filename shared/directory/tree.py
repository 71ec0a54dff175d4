"""The directory in memory. Every look-up is as of a day and takes one step, or one step a level.

One writer applies records in the topic's order; decisions name `offset`, the last one applied.
"""

import unicodedata
from collections.abc import Iterable
from datetime import date

from shared.directory.model import Division, Matter, Organisation, Record

_SAMPLE = "(样例)"


def plain(name: str) -> str:
    """The form names are compared in: half-width, without spaces, without the mark of a sample."""
    return "".join(unicodedata.normalize("NFKC", name).split()).casefold().removesuffix(_SAMPLE)


class _Names:
    """name → division → codes, over every version of a record."""

    def __init__(self) -> None:
        self._codes: dict[str, dict[str, set[str]]] = {}

    def change(self, old: Iterable[tuple[str, str]], new: Iterable[tuple[str, str]], code: str) -> None:
        for name, division in old:
            self._codes.get(plain(name), {}).get(division, set()).discard(code)
        for name, division in new:
            self._codes.setdefault(plain(name), {}).setdefault(division, set()).add(code)

    def find(self, name: str) -> dict[str, set[str]]:
        return {division: codes for division, codes in self._codes.get(plain(name), {}).items() if codes}


class Directory:
    """Divisions, organisations and matters; `offset` is -1 before the first record."""

    def __init__(self) -> None:
        self.offset = -1
        self._divisions: dict[str, Division] = {}
        self._organisations: dict[str, Organisation] = {}
        self._matters: dict[str, dict[str, Matter]] = {}  # code → division → record
        self._organisation_names = _Names()
        self._matter_names = _Names()
        self._heirs: set[str | None] = set()

    def __len__(self) -> int:
        return len(self._divisions) + len(self._organisations) + sum(map(len, self._matters.values()))

    def apply(self, record: Record, offset: int) -> None:
        """Take a record in place of the one of the same code."""
        if isinstance(record, Division):
            self._divisions[record.code] = record
        elif isinstance(record, Organisation):
            old = self._organisations.get(record.code)
            self._organisation_names.change(_organisation_names(old), _organisation_names(record), record.code)
            self._organisations[record.code] = record
            self._heirs |= {record.successor} - {None}
        else:
            places = self._matters.setdefault(record.code, {})
            self._matter_names.change(_matter_names(places.get(record.division)), _matter_names(record), record.code)
            places[record.division] = record
        self.offset = offset

    def records(self) -> Iterable[Record]:
        """Every record: divisions, organisations, matters, each by code."""
        yield from (self._divisions[code] for code in sorted(self._divisions))
        yield from (self._organisations[code] for code in sorted(self._organisations))
        yield from (places[division] for _, places in sorted(self._matters.items()) for division in sorted(places))

    def division(self, code: str, day: date) -> Division | None:
        """The division as of the day."""
        record = self._divisions.get(code)
        return record and record.on(day)

    def organisation(self, code: str, day: date) -> Organisation | None:
        """The organisation itself as of the day, None when it is not there then; see `current` for its successor."""
        record = self._organisations.get(code)
        return record and record.on(day)

    def current(self, code: str, day: date) -> tuple[Organisation | None, tuple[str, ...]]:
        """Who stands for the organisation on the day: itself, or the successor of an abolished one, and so on.

        The second part holds the codes passed over on the way, empty when it is itself.
        """
        steps: tuple[str, ...] = ()
        while code not in steps and (record := self._organisations.get(code)):
            if version := record.on(day):
                return version, steps
            if record.successor is None or record.until is None or day <= record.until:
                break  # not there yet, or gone without a successor
            steps, code = (*steps, code), record.successor
        return None, steps

    def standing(self, code: str, day: date) -> str | None:
        """The code of `current`."""
        found = self.current(code, day)[0]
        return found.code if found else None

    def succeeds(self, code: str) -> bool:
        """Whether it is, or once was named as, the successor of another organisation."""
        return code in self._heirs

    def stood_for(self, code: str, day: date) -> frozenset[str]:
        """The codes this organisation answers for on the day: its own and those it succeeded; none once it is gone."""
        if self.organisation(code, day) is None:
            return frozenset()
        gone = (one for one, record in self._organisations.items() if record.successor is not None)
        passed = (one for one in gone if (found := self.current(one, day)[0]) and found.code == code)
        return frozenset((code, *passed))

    def ancestors(self, code: str, day: date | None = None) -> tuple[str, ...]:
        """The divisions above this one, nearest first; by the newest versions unless a day is given."""
        above: tuple[str, ...] = ()
        record = self._divisions.get(code)
        while record:
            version = (record.on(day) if day else None) or record
            if version.parent is None or version.parent in (code, *above):
                break
            above, record = (*above, version.parent), self._divisions.get(version.parent)
        return above

    def administration_of(self, division: str, day: date) -> Organisation | None:
        """Who supervises services in the division: its own administration, or the nearest one above it."""
        for code in (division, *self.ancestors(division, day)):
            place = self.division(code, day)
            if place and place.administration and (found := self.current(place.administration, day)[0]):
                return found
        return None

    def administrations(self, division: str, day: date) -> tuple[str, ...]:
        """Who supervises services in the division, then who does above it, nearest first, each once."""
        found: dict[str, None] = {}
        for code in (division, *self.ancestors(division, day)):
            place = self.division(code, day)
            if place and place.administration and (standing := self.current(place.administration, day)[0]):
                found[standing.code] = None
        return tuple(found)

    def supervises(self, administration: str, division: str, day: date | None = None) -> bool:
        """Whether the organisation is the administration of the division or of one above it.

        By the newest versions unless a day is given; an abolished administration counts as its successor on that day.
        """
        for code in (division, *self.ancestors(division, day)):
            record = self._divisions.get(code)
            place = (record.on(day) if day else record) if record else None
            if place is None or place.administration is None:
                continue
            standing = self.current(place.administration, day)[0] if day else None
            if administration == (standing.code if standing else place.administration):
                return True
        return False

    def matter(self, code: str, day: date, division: str | None = None) -> Matter | None:
        """The matter as of the day: as assigned in the division or the nearest one above; without a division any."""
        places = self._matters.get(code, {})
        order = sorted(places) if division is None else (division, *self.ancestors(division, day))
        return next((version for at in order if at in places and (version := places[at].on(day))), None)

    def competent(self, matter_code: str, division: str, day: date) -> Organisation | None:
        """The organisation the matter is assigned to in the division, or its successor on that day."""
        matter = self.matter(matter_code, day, division)
        return self.current(matter.agency, day)[0] if matter else None

    def matter_by_name(self, name: str, division: str, day: date) -> Matter | None:
        """The matter of exactly this name (normalised) in the division or the nearest above; None if ambiguous."""
        places = self._matter_names.find(name)
        for at in (division, *self.ancestors(division, day)):
            found = [version for code in places.get(at, ()) if (version := self._matters[code][at].on(day))]
            if found:
                return found[0] if len(found) == 1 else None
        return None

    def organisation_by_name(self, name: str, division: str, day: date) -> Organisation | None:
        """Who stands on the day for the organisation of exactly this name or alias (normalised, old names too).

        Looked for in the division, then upwards; then, if only one division knows the name, below the division. None
        when nobody or more than one bears it.
        """
        places = self._organisation_names.find(name)
        order = (division, *self.ancestors(division, day))
        at = next((code for code in order if code in places), None)
        if at is None and len(places) == 1:
            at = next((code for code in places if division in self.ancestors(code, day)), None)
        standing = [self.current(code, day)[0] for code in places.get(at or "", ())]
        found = {organisation.code: organisation for organisation in standing if organisation}
        return next(iter(found.values())) if len(found) == 1 else None


def _organisation_names(record: Organisation | None) -> list[tuple[str, str]]:
    versions = [record, *record.history] if record else []
    return [(name, version.division) for version in versions for name in (version.name, *version.aliases)]


def _matter_names(record: Matter | None) -> list[tuple[str, str]]:
    versions = [record, *record.history] if record else []
    return [(version.name, version.division) for version in versions]
