"""Whether records make one sound directory: every reference leads somewhere, nothing goes round, no code is double."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TypeVar

from shared.directory.model import Division, Matter, Organisation, Record, record_key

_R = TypeVar("_R", Division, Organisation)
Faults = Iterator[tuple[Record, str]]


def faults(records: Sequence[Record]) -> list[tuple[Record, str]]:
    """Each record that does not fit the others, with one sentence naming it and the field."""
    divisions = {record.code: record for record in records if isinstance(record, Division)}
    organisations = {record.code: record for record in records if isinstance(record, Organisation)}
    found = list(_doubles(records))
    for record in records:
        for version in (record, *record.history):
            found += (
                (record, f"{record.code} {record.name}: {fault}")
                for fault in _dangling(version, divisions, organisations)
            )
    found += _round(divisions, "parent", lambda record: record.parent)
    found += _round(organisations, "parent", lambda record: record.parent)
    found += _round(organisations, "successor", lambda record: record.successor)
    return found


def _doubles(records: Sequence[Record]) -> Faults:
    seen: set[bytes] = set()
    for record in records:
        key = record_key(record)
        if key in seen:
            yield record, f"{key.decode()} stands here twice; put older versions under `history`"
        seen.add(key)


def _dangling(
    record: Record, divisions: Mapping[str, Division], organisations: Mapping[str, Organisation]
) -> Iterator[str]:
    if isinstance(record, Division):
        yield from _missing("parent", record.parent, divisions)
        yield from _missing("administration", record.administration, organisations)
        administration = organisations.get(record.administration or "")
        if administration and administration.kind not in ("administration", "platform"):
            yield f"field `administration`: {administration.code} is of kind {administration.kind}"
        return
    yield from _missing("division", record.division, divisions)
    if isinstance(record, Matter):
        yield from _missing("agency", record.agency, organisations)
        return
    yield from _missing("parent", record.parent, organisations)
    yield from _missing("venue", record.venue, organisations)
    yield from _missing("successor", record.successor, organisations)
    centre = organisations.get(record.venue or "")
    if centre and centre.kind != "centre":
        yield f"field `venue`: {centre.code} is of kind {centre.kind}, not a centre"
    if record.venue_kind and record.kind != "centre":
        yield f"field `venue_kind`: {record.code} is of kind {record.kind}, not a centre"
    if record.successor and record.until is None:
        yield "field `successor` needs `until`, the last day before it takes over"


def _missing(field: str, code: str | None, known: Mapping[str, Record]) -> Iterator[str]:
    if code is not None and code not in known:
        yield f"field `{field}`: there is no {code} in the file"


def _round(records: Mapping[str, _R], field: str, above: Callable[[_R], str | None]) -> Faults:
    for record in records.values():
        code, passed = above(record), set[str]()
        while code is not None and code in records and code not in passed:
            passed.add(code)
            code = above(records[code])
        if record.code in passed:
            yield record, f"{record.code} {record.name}: field `{field}` leads back to itself"
