"""From a folder of YAML to the editions of one instrument.

`instruments/<id>/instrument.yaml` says what the text is; the other files are its chapters in its order. Each entry
stands under its article, so its citation follows from its place.
"""

import json
from dataclasses import dataclass
from datetime import date, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any, Final, TypeVar

from pydantic import BaseModel, ValidationError

from shared.law.citation import Citation, Interpretation
from shared.law.entry import Entry
from shared.law.errors import LawError, LawErrors
from shared.law.instrument import SECTIONS, Article, InForce, Instrument, Reading
from shared.law.source import Located, LocatedList, line_of, read

M = TypeVar("M", bound=BaseModel)
BUILT_IN: Final = Path(__file__).parent / "instruments"
HEAD: Final = "instrument.yaml"
COMMON: Final = "_common.yaml"
HEAD_KEYS: Final = frozenset(
    "id title number issuer issued source articles annexes table in_force governs gives_way replaces note".split()
)
_OURS: Final = frozenset({"citations", "where", "common"})  # filled by the loader, never written
_ARTICLE_KEYS: Final = frozenset({"article", "heading", "not_operative", *SECTIONS})


@dataclass(frozen=True)
class Common:
    """What Suda adds to every instrument, labelled as such: acts, readings and what ends a case's duties."""

    acts: tuple[dict[str, Any], ...]
    readings: tuple[Reading, ...]
    ends_all: tuple[Any, ...]


@dataclass(frozen=True)
class Draft:
    """Everything read from one folder, before it is cut into editions."""

    head: Located
    contents: tuple[Article, ...]
    entries: dict[str, tuple[Entry, ...]]


def name_of(path: Path) -> str:
    """How messages call a file: its last three parts."""
    return "/".join(path.parts[-3:])


def common(folder: Path = BUILT_IN) -> Common:
    path = folder / COMMON
    data = read(path, name_of(path))
    readings = tuple(_made(Reading, row, data, ("readings", n), path) for n, row in enumerate(data.get("readings", ())))
    acts = []
    for number, row in enumerate(data.get("acts", ())):
        where = f"{name_of(path)}:{line_of(data, ('acts', number))}"
        acts.append({**row, "id": row.get("id", row.get("act")), "common": True, "where": where})
    return Common(tuple(acts), readings, tuple(data.get("ends_all", ())))


def draft(folder: Path) -> Draft:
    """Reads one instrument's folder; raises LawErrors with every fault found in it."""
    head_file = folder / HEAD
    head = read(head_file, name_of(head_file))
    if head.get("id") != folder.name:
        line = line_of(head, ("id",))
        raise LawError(f"{name_of(head_file)}:{line}", f"the id is not '{folder.name}'", "name id and folder alike")
    faults: list[LawError] = []
    contents: list[Article] = []
    entries: dict[str, list[Entry]] = {section: [] for section in SECTIONS}
    for path in sorted(folder.glob("*.yaml")):
        if path.name != HEAD:
            try:
                chapter = read(path, name_of(path))
            except LawError as fault:
                faults.append(fault)
                continue
            _chapter(chapter, path, head, contents, entries, faults)
    if unknown := set(head) - HEAD_KEYS:
        first = min(unknown)
        where = f"{name_of(head_file)}:{line_of(head, (first,))}"
        faults.append(LawError(where, f"'{first}' does not belong here", f"known are {', '.join(sorted(HEAD_KEYS))}"))
    if faults:
        raise LawErrors(tuple(faults))
    cut = {section: tuple(found) for section, found in entries.items()}
    return Draft(head, tuple(contents), cut)


def _chapter(
    data: Located,
    path: Path,
    head: Located,
    contents: list[Article],
    entries: dict[str, list[Entry]],
    faults: list[LawError],
) -> None:
    articles = data.get("articles")
    if not isinstance(articles, LocatedList) or set(data) - {"chapter", "articles"}:
        faults.append(
            LawError(f"{name_of(path)}:1", "a chapter has 'chapter' and 'articles'", "keep to these two keys")
        )
        return
    for number, raw in enumerate(articles):
        where = f"{name_of(path)}:{line_of(articles, (number,))}"
        if not isinstance(raw, Located) or (unknown := set(raw) - _ARTICLE_KEYS):
            listed = ", ".join(sorted(unknown)) if isinstance(raw, Located) else str(raw)
            mend = f"known are {', '.join(sorted(_ARTICLE_KEYS))}"
            faults.append(LawError(where, f"an article does not have: {listed}", mend))
            continue
        shown = {key: raw[key] for key in ("heading", "not_operative") if key in raw}
        shown |= {"number": raw.get("article"), "chapter": data.get("chapter", ""), "file": path.name, "where": where}
        try:
            contents.append(_made(Article, shown, raw, (), path))
        except LawError as fault:
            faults.append(fault)
            continue
        rules = any(raw.get(section) for section in SECTIONS)
        if rules == ("not_operative" in raw):
            wrong = f"article {raw['article']} has {'rules and not_operative' if rules else 'neither rule nor reason'}"
            faults.append(LawError(where, wrong, "encode it, or give not_operative with the reason"))
        for section in SECTIONS:
            rows = raw.get(section)
            if section in raw and not isinstance(rows, LocatedList):
                place = f"{name_of(path)}:{line_of(raw, (section,))}"
                faults.append(LawError(place, f"{section} is no list", "begin each entry with '- '"))
                continue
            for at, row in enumerate(rows or ()):
                try:
                    entries[section].append(_entry(section, row, raw, at, head, path, entries[section]))
                except LawError as fault:
                    faults.append(fault)


def _entry(section: str, row: Any, article: Located, at: int, head: Located, path: Path, earlier: list[Entry]) -> Entry:
    where = f"{name_of(path)}:{line_of(article, (section, at))}"
    if not isinstance(row, Located):
        raise LawError(where, "an entry is a mapping", "begin with '- id:'")
    fields: dict[str, Any] = dict(row)
    also = fields.pop("also", [])
    if written := _OURS & set(fields):
        raise LawError(where, f"'{min(written)}' is not written by hand", "use item and also for citations")
    if not isinstance(also, LocatedList | list):
        raise LawError(where, "also is no list", "write also: [8]")
    place = str(article.get("article")) + (f"({fields.pop('item')})" if "item" in fields else "")
    references = [place, *map(str, also)]
    fields["citations"] = cited = _citations(head, references, where)
    if section == "acts":
        fields.setdefault("id", _numbered(str(fields.get("act")), earlier))
    if isinstance(extension := fields.get("extension"), dict):
        given = extension.get("citations")
        if given is not None and not isinstance(given, LocatedList):
            raise LawError(where, "citations is no list", "write citations: [13]")
        fields["extension"] = {**extension, "citations": _citations(head, given, where) if given else cited}
    return _made(SECTIONS[section], fields | {"where": where}, article, (section, at), path)


def _numbered(act: str, earlier: list[Entry]) -> str:
    count = sum(getattr(entry, "act", None) == act for entry in earlier)
    return act if count == 0 else f"{act}-{count + 1}"


def _citations(head: Located, references: list[str], where: str) -> tuple[Citation, ...]:
    try:
        return tuple(Citation.of(str(head["id"]), str(head.get("title")), reference) for reference in references)
    except ValueError as error:
        raise LawError(where, str(error), "cite an article of this text") from None


def _made(model: type[M], fields: Any, source: Any, path: tuple[int | str, ...], file: Path) -> M:
    try:
        return model.model_validate(fields, by_alias=True, by_name=False)
    except ValidationError as error:
        first = error.errors()[0]
        line = line_of(source, (*path, *first["loc"]))
        wrong = f"{'.'.join(map(str, first['loc'])) or 'entry'}: {first['msg'].removeprefix('Value error, ')}"
        raise LawError(f"{name_of(file)}:{line}", wrong, "see docs/law.md for what stands there") from None


def editions(read_draft: Draft, added: Common, path: Path) -> tuple[Instrument, ...]:
    """Cuts a draft at every day on which an entry begins or ends; oldest first."""
    head = read_draft.head
    force = _made(InForce, head.get("in_force"), head, ("in_force",), path / HEAD)
    since, until = force.since, force.until
    starts = {since}
    for entries in read_draft.entries.values():
        for entry in entries:
            starts |= {day for day in (entry.since, _after(entry.until)) if day and day > since}
    ordered = sorted(day for day in starts if until is None or day <= until)
    ends = [*(_before(day) for day in ordered[1:]), until]
    return tuple(_edition(read_draft, added, first, last, path) for first, last in zip(ordered, ends, strict=True))


def _after(day: date | None) -> date | None:
    return day and day + timedelta(days=1)


def _before(day: date) -> date:
    return day - timedelta(days=1)


def _edition(read_draft: Draft, added: Common, first: date, last: date | None, path: Path) -> Instrument:
    fields: dict[str, Any] = dict(read_draft.head)
    for section, entries in read_draft.entries.items():
        fields[section] = tuple(entry for entry in entries if entry.holds(first))
    own = {rule.act for rule in fields["acts"]}
    common_acts = tuple(_made(SECTIONS["acts"], row, {}, (), path) for row in added.acts if row["act"] not in own)
    fields["acts"] = fields["acts"] + common_acts
    fields["obligations"] = tuple(_read_into(entry, added.readings) for entry in fields["obligations"])
    fields |= {"contents": read_draft.contents, "ends_all": added.ends_all, "edition": {"from": first, "until": last}}
    instrument = _made(Instrument, fields, read_draft.head, (), path / HEAD)
    return instrument.model_copy(update={"digest": digest(instrument)})


def _read_into(entry: Any, readings: tuple[Reading, ...]) -> Any:
    """Adds the readings that hold for the unit of this period, so that they are shown with every result."""
    extra: tuple[Interpretation, ...] = tuple(
        reading.interpretation() for reading in readings if entry.period.unit in reading.units
    )
    return entry.model_copy(update={"readings": entry.readings + extra}) if extra else entry


def digest(instrument: Instrument) -> str:
    """SHA-256 of the canonical JSON of everything an edition says."""
    data = instrument.model_dump(mode="json")
    text = json.dumps(data, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return sha256(text.encode()).hexdigest()
