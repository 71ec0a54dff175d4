"""`suda settings`: every SUDA_* variable, its value, default and meaning. Secrets are not shown."""

import json
from typing import Annotated, Any

import typer

from shared.settings import Settings, settings
from shared.stack.process import without_password


def table(
    as_json: Annotated[bool, typer.Option("--json", help="one JSON object on stdout")] = False,
) -> None:
    """Every SUDA_* variable with its value, default and meaning. 全部设置。

    Examples: ./suda settings · ./suda settings --json
    """
    rows = describe(settings())
    if as_json:
        print(json.dumps(rows, ensure_ascii=False, indent=1))
        return
    from rich.console import Console
    from rich.table import Table

    shown = Table("variable", "value", "default", "meaning")
    for row in rows:
        value = f"[bold]{row['value']}[/]" if row["set"] else str(row["value"])
        shown.add_row(row["variable"], value, str(row["default"]), row["description"])
    Console().print(shown)


def describe(current: Settings) -> list[dict[str, Any]]:
    """One row a setting; what stands between `//` and `@` of an address is a secret."""
    return [
        {
            "variable": f"SUDA_{name.upper()}",
            "value": _plain(getattr(current, name)),
            "default": _plain(field.default),
            "set": name in current.model_fields_set,
            "description": field.description,
        }
        for name, field in Settings.model_fields.items()
    ]


def _plain(value: object) -> str | int | float | bool | None:
    if value is None or isinstance(value, bool | int | float):
        return value
    return without_password(str(value))
