"""Reads YAML strictly, keeping the line of every value.

Built from the parser's events rather than from objects: no tags, anchors or aliases (bombs), no duplicate keys, nothing
too large or too deep, and no YAML 1.1 surprises (`no` and `12:30` stay text).
"""

import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any, Final

import yaml

from shared.law.errors import LawError

MAX_BYTES: Final = 256 * 1024
MAX_DEPTH: Final = 24
_LOADER: Final[Any] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_INT, _FLOAT, _DATE = re.compile(r"-?\d{1,9}$"), re.compile(r"-?\d{1,9}\.\d{1,9}$"), re.compile(r"\d{4}-\d\d-\d\d$")
_WORDS: Final[dict[str, Any]] = {"true": True, "false": False, "null": None, "~": None, "": None}


class Located(dict[str, Any]):
    """A mapping that knows the line of itself and of each key."""

    line: int = 0
    lines: dict[str, int]


class LocatedList(list[Any]):
    """A list that knows the line of each element."""

    line: int = 0
    lines: list[int]


def line_of(value: Any, path: tuple[int | str, ...]) -> int:
    """The line of the deepest part of `path` that exists in `value`."""
    line = int(getattr(value, "line", 0))
    for step in path:
        if isinstance(value, Located) and step in value:
            line, value = value.lines[str(step)], value[str(step)]
        elif isinstance(value, LocatedList) and isinstance(step, int) and step < len(value):
            line, value = value.lines[step], value[step]
    return line


def read(path: Path, name: str | None = None) -> Located:
    """The mapping in a file; raises LawError with file and line. `name` is what messages call the file."""
    name = name or str(path)
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise LawError(name, f"cannot be read ({error.strerror})", "put the file there or name another") from None
    if len(raw) > MAX_BYTES:
        raise LawError(name, f"larger than {MAX_BYTES // 1024} KiB", "one file is one chapter; split it")
    try:
        value = _Reader(name, raw.decode("utf-8")).document()
    except UnicodeDecodeError:
        raise LawError(name, "not UTF-8", "save it as UTF-8") from None
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 0
        raise LawError(f"{name}:{line}", f"no YAML: {error.problem}", "mend the indentation or quoting there") from None
    except yaml.YAMLError as error:
        raise LawError(name, f"no YAML: {error}", "mend the file") from None
    if not isinstance(value, Located):
        raise LawError(f"{name}:1", "a mapping was expected", "begin with a key, such as 'articles:'")
    return value


class _Reader:
    """Turns one document's events into located values."""

    def __init__(self, name: str, text: str) -> None:
        self._name = name
        self._events: Iterator[Any] = iter(yaml.parse(text, Loader=_LOADER))

    def document(self) -> Any:
        next(self._events)  # stream start
        if isinstance(next(self._events), yaml.StreamEndEvent):
            return None
        value, _ = self._value(next(self._events), 0)
        next(self._events)  # document end
        following = next(self._events)
        if not isinstance(following, yaml.StreamEndEvent):
            self._refuse(following, "a second document", "keep one document in a file")
        return value

    def _refuse(self, event: Any, wrong: str, mend: str) -> None:
        raise LawError(f"{self._name}:{event.start_mark.line + 1}", wrong, mend)

    def _value(self, event: Any, depth: int) -> tuple[Any, int]:
        if isinstance(event, yaml.AliasEvent) or event.anchor is not None:
            self._refuse(event, "an anchor or alias", "write the value out; the law says each rule once, in its place")
        if event.tag is not None and event.tag != "!":
            self._refuse(event, f"a tag {event.tag}", "take the tag away")
        if depth > MAX_DEPTH:
            self._refuse(event, f"nested deeper than {MAX_DEPTH}", "flatten it")
        line = event.start_mark.line + 1
        if isinstance(event, yaml.ScalarEvent):
            return (self._plain(event) if event.implicit[0] else event.value), line
        if isinstance(event, yaml.SequenceStartEvent):
            return self._list(line, depth), line
        return self._mapping(line, depth), line

    def _plain(self, event: Any) -> Any:
        text: str = event.value
        if text in _WORDS:
            return _WORDS[text]
        if _INT.match(text):
            return int(text)
        if _FLOAT.match(text):
            return float(text)
        if _DATE.match(text):
            try:
                return date.fromisoformat(text)
            except ValueError:
                self._refuse(event, f"{text} is no day of the calendar", "write YYYY-MM-DD")
        return text

    def _list(self, line: int, depth: int) -> LocatedList:
        values = LocatedList()
        values.line, values.lines = line, []
        while not isinstance(event := next(self._events), yaml.SequenceEndEvent):
            value, at = self._value(event, depth + 1)
            values.append(value)
            values.lines.append(at)
        return values

    def _mapping(self, line: int, depth: int) -> Located:
        values = Located()
        values.line, values.lines = line, {}
        while not isinstance(event := next(self._events), yaml.MappingEndEvent):
            key, at = self._value(event, depth + 1)
            if isinstance(key, (Located, LocatedList)):
                self._refuse(event, "a key that is not a word", "write a word before the colon")
            name = event.value
            if name in values:
                self._refuse(event, f"the key '{name}' twice (first on line {values.lines[name]})", "keep one")
            values.lines[name] = at
            values[name], _ = self._value(next(self._events), depth + 1)
        return values
