"""A directory file, YAML or JSON: lists under `divisions`, `organisations` and `matters`.

Every scalar is read as text, so a code needs no quotes. A version under `history` states its `until` (and `from`) and
what differed; the rest is as in the record. The file is checked whole, and every fault names its line.
"""

from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from shared.directory.model import Division, Matter, Organisation, Record, record_key
from shared.directory.sound import faults
from shared.errors import ConfigurationError

_SECTIONS: dict[str, type[Division] | type[Organisation] | type[Matter]] = {
    "divisions": Division,
    "organisations": Organisation,
    "matters": Matter,
}
_SHOWN = 20  # faults told at once
_ABSENT = ("", "~", "null")


class _Fault(Exception):
    """One sentence about one place in the file."""


def read(path: Path) -> tuple[Record, ...]:
    """The records of the file, divisions first; raises ConfigurationError naming file, line, record and field."""
    try:
        root = yaml.compose(path.read_text(encoding="utf-8"), Loader=yaml.SafeLoader)
    except FileNotFoundError:
        raise ConfigurationError(f"there is no directory file {path}") from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"the directory file {path} cannot be read: {error}") from None
    except yaml.YAMLError as error:
        raise ConfigurationError(f"{path} is neither YAML nor JSON: {' '.join(str(error).split())}") from None
    if not isinstance(root, yaml.MappingNode):
        raise ConfigurationError(f"{path} must hold lists under {', '.join(_SECTIONS)}")
    lines: dict[Record, int] = {}
    found: list[tuple[int, str]] = []
    for key, items in root.value:
        model = _SECTIONS.get(key.value)
        if model is None or not isinstance(items, yaml.SequenceNode):
            line = key.start_mark.line + 1
            found.append((line, f"`{key.value}` must be a list under one of {', '.join(_SECTIONS)}"))
            continue
        for item in items.value:
            line = item.start_mark.line + 1
            try:
                record = _record(item, model)
                if record in lines:
                    raise _Fault(f"{record_key(record).decode()} stands here twice")
                lines[record] = line
            except _Fault as fault:
                found.append((line, str(fault)))
    found += [(lines[record], fault) for record, fault in faults(list(lines))]
    if found:
        told = [f"{path}:{line}: {fault}" for line, fault in sorted(found)[:_SHOWN]]
        more = f"\nand {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
        raise ConfigurationError("the directory file does not hold; nothing was loaded\n" + "\n".join(told) + more)
    order = list(_SECTIONS.values())
    return tuple(sorted(lines, key=lambda record: order.index(type(record))))


def _record(node: yaml.Node, model: type[Division] | type[Organisation] | type[Matter]) -> Record:
    content = _plain(node)
    if not isinstance(content, dict):
        raise _Fault("a record must be a mapping of fields")
    code = content.get("code", "without a code")
    known = {field.alias or name for name, field in model.model_fields.items()}
    history = content.get("history", [])
    if not isinstance(history, list) or not all(isinstance(version, dict) for version in history):
        raise _Fault(f"{code}: field `history` must be a list of mappings")
    for fields in (content, *history):
        if unknown := sorted(set(fields) - known):
            raise _Fault(f"{code}: field `{unknown[0]}` is not known; the fields are {', '.join(sorted(known))}")
    base = {name: value for name, value in content.items() if name not in ("history", "from", "until")}
    content["history"] = [{**base, **version} for version in history]
    try:
        return model.model_validate(content)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(map(str, first["loc"]))
        given = f" (it is {first['input']!r})" if where and first["type"] != "missing" else ""
        raise _Fault(f"{code}: {f'field `{where}`: ' if where else ''}{first['msg']}{given}") from None


def _plain(node: yaml.Node) -> Any:
    """Dicts, lists and strings of a node; an empty or null value is left out."""
    if isinstance(node, yaml.ScalarNode):
        return node.value
    if isinstance(node, yaml.SequenceNode):
        return [_plain(item) for item in node.value]
    content: dict[str, Any] = {}
    for key, value in node.value:
        name = _plain(key)
        if not isinstance(name, str):
            raise _Fault("a field's name must be a text")
        if name in content:
            raise _Fault(f"field `{name}` stands twice (line {key.start_mark.line + 1})")
        if not (isinstance(value, yaml.ScalarNode) and value.style is None and value.value in _ABSENT):
            content[name] = _plain(value)
    return content
