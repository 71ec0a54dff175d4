"""A work-order file as rows, read as a stream: CSV, or a JSON list of objects with the same heads."""

import codecs
import csv
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from services.intake.core.admission import Flaw
from services.intake.core.hotline import ALIASES, PLACES, REQUIRED
from shared.errors import BadInput

ENCODINGS = ("utf-8-sig", "gb18030")
_SPACE = re.compile(r"[ \t\r\n]*")
LARGEST_ROW = 400_000  # characters


class Unusable(BadInput):
    """The whole file cannot be read; the sentence says the mend."""


@dataclass(frozen=True, slots=True)
class Row:
    """One work order as it stands in the file. `line` is where it begins, from 1; a flaw makes it unreadable."""

    line: int
    cells: dict[str, str] = field(repr=False)
    flaw: Flaw | None = None


def encoding_of(chunks: Iterable[bytes]) -> str:
    """The encoding all of the file is in; raises Unusable."""
    fitting = {name: codecs.getincrementaldecoder(name)() for name in ENCODINGS}
    for chunk in chunks:
        if b"\0" in chunk:
            raise Unusable("the file is neither UTF-8 nor GB18030 text; save it as CSV UTF-8")
        fitting = {name: decoder for name, decoder in fitting.items() if _takes(decoder, chunk, False)}
    fitting = {name: decoder for name, decoder in fitting.items() if _takes(decoder, b"", True)}
    if not fitting:
        raise Unusable("the file is neither UTF-8 nor GB18030 text; save it as CSV UTF-8")
    return next(iter(fitting))


def _takes(decoder: codecs.IncrementalDecoder, chunk: bytes, final: bool) -> bool:
    try:
        decoder.decode(chunk, final)
    except UnicodeDecodeError:
        return False
    return True


@dataclass(frozen=True)
class Heads:
    """The columns of one kind of file: those it must have, those that are read, other spellings; what a row is."""

    required: tuple[str, ...]
    known: frozenset[str]
    aliases: Mapping[str, str]
    what: str

    def head(self, text: str) -> str:
        found = text.strip().lstrip("\ufeff")
        return self.aliases.get(found, found)

    def named(self) -> str:
        return "、".join(self.required)


WORK_ORDERS = Heads(REQUIRED, frozenset(PLACES), ALIASES, "work order")


def csv_rows(lines: Iterable[str], known: Heads = WORK_ORDERS) -> Iterator[Row]:
    """Rows of a CSV file opened with newline=""; raises Unusable, at the head or at a broken quote."""
    reader = csv.reader(lines, strict=True)
    begins = 1
    heads: list[str] | None = None
    while True:
        try:
            cells = next(reader, None)
        except csv.Error:
            raise Unusable(
                f"the row beginning at line {begins} is not CSV; look for a quote that is not closed"
            ) from None
        if cells is None:
            break
        line, begins = begins, reader.line_num + 1
        if not any(cell.strip() for cell in cells):
            continue
        if heads is None:
            heads = _heads(cells, known)
        elif len(cells) != len(heads):
            flaw = Flaw("row", f"has {len(cells)} cells where the head has {len(heads)}; look for a missing quote")
            yield Row(line, {}, flaw)
        else:
            yield Row(line, dict(zip(heads, cells, strict=True)))
    if heads is None:
        raise Unusable(f"the file has no head; its first row must name the columns, at least {known.named()}")


def _heads(cells: list[str], known: Heads) -> list[str]:
    heads = [known.head(cell) for cell in cells]
    missing = [head for head in known.required if head not in heads]
    if missing:
        raise Unusable(f"the head lacks {'、'.join(missing)}; its first row must name at least {known.named()}")
    twice = {head for head in heads if head in known.known and heads.count(head) > 1}
    if twice:
        raise Unusable(f"the head has {'、'.join(sorted(twice))} twice; keep one of them")
    return heads


def json_rows(chunks: Iterable[str], known: Heads = WORK_ORDERS) -> Iterator[Row]:
    """Rows of a JSON list of objects, decoded one at a time; raises Unusable."""
    text = _Text(chunks, known.what)
    if text.next_char() != "[":
        raise Unusable(f'the file must be a JSON list of {known.what}s: [{{"{known.required[0]}": …}}, …]')
    text.skip(1)
    if text.next_char() == "]":
        text.skip(1)
    else:
        while True:
            line, value = text.value()
            yield _json_row(line, value, known)
            mark = text.next_char()
            text.skip(1)
            if mark == "]":
                break
            if mark != ",":
                raise Unusable(f"the file is not JSON at line {text.line}: a comma or the end of the list is missing")
    if text.next_char():
        raise Unusable(f"something stands after the end of the list, at line {text.line}")


def _json_row(line: int, value: object, known: Heads) -> Row:
    if not isinstance(value, dict):
        return Row(line, {}, Flaw("row", "must be an object with the column heads as names"))
    cells = {}
    for name, cell in value.items():
        head = known.head(name)
        if isinstance(cell, bool):
            cells[head] = "是" if cell else "否"
        elif isinstance(cell, str | int):
            cells[head] = str(cell)
        elif cell is not None and head in known.known:
            return Row(line, {}, Flaw(head, "must be text"))
    return Row(line, cells)


class _Text:
    """A stream of characters with one JSON value taken off its front at a time."""

    def __init__(self, chunks: Iterable[str], what: str) -> None:
        self._what = what
        self._chunks, self._buffer, self._at, self.line = iter(chunks), "", 0, 1
        self._decoder = json.JSONDecoder(parse_int=str)  # a number of 5,000 digits is text, not work

    def _more(self) -> bool:
        chunk = next(self._chunks, None)
        self._buffer, self._at = self._buffer[self._at :] + (chunk or ""), 0
        return chunk is not None

    def skip(self, count: int) -> None:
        self.line += self._buffer.count("\n", self._at, self._at + count)
        self._at += count

    def next_char(self) -> str:
        """The next character that is no space, not taken; empty at the end."""
        while True:
            found = _SPACE.match(self._buffer, self._at)
            self.skip(len(found.group()) if found else 0)
            if self._at < len(self._buffer):
                return self._buffer[self._at]
            if not self._more():
                return ""

    def value(self) -> tuple[int, object]:
        """The next value and the line it begins at."""
        self.next_char()
        line = self.line
        while True:
            try:
                value, end = self._decoder.raw_decode(self._buffer, self._at)
            except RecursionError:
                raise Unusable(f"the file is nested too deeply at line {line}") from None
            except ValueError:
                if len(self._buffer) - self._at > LARGEST_ROW or not self._more():
                    raise Unusable(f"the file is not JSON in the {self._what} beginning at line {line}") from None
                continue
            if end == len(self._buffer) and self._more():
                continue  # a number might go on in the next chunk
            self.skip(end - self._at)
            return line, value
