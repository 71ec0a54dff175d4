"""`suda test`: the test suite, from the checkout's root, with pytest's own arguments and exit code."""

import importlib.util
import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from shared.errors import ConfigurationError

ROOT = Path(__file__).resolve().parents[2]


def test(
    arguments: Annotated[list[str] | None, typer.Argument(metavar="[PYTEST ARGUMENTS]…")] = None,
) -> None:
    """Run the whole test suite, or what pytest's arguments choose. 运行测试。

    Examples: ./suda test · ./suda test tests/core -k clock · ./suda test -m "not connected"
    """
    if importlib.util.find_spec("pytest") is None or not (ROOT / "tests").is_dir():
        raise ConfigurationError("the tests are not part of this installation: run ./suda test in a checkout")
    os.chdir(ROOT)
    sys.stdout.flush()
    os.execv(sys.executable, [sys.executable, "-m", "pytest", *(arguments or [])])  # noqa: S606 - no shell is wanted
