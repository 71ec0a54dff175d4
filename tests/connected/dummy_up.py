"""`suda up` with dummies in place of two services."""

import sys
from contextlib import AbstractContextManager
from pathlib import Path

from services.cli import up
from shared import stack
from shared.settings import Settings
from shared.stack.provide import Say

DUMMY = Path(__file__).with_name("dummy_service.py")


def dummy(name: str) -> list[str]:
    return [sys.executable, str(DUMMY), name.partition("-")[0]]


def with_dummies(settings: Settings, *, finish: object, say: Say) -> AbstractContextManager[stack.Running]:
    return stack.stack(settings, ("intake", "routing"), prepare=None, say=say, command=dummy)


if __name__ == "__main__":
    vars(up).update(stack=with_dummies)
    up.up(detach=False)
