"""What the parts print: `<home>/logs/<name>.log`, bounded to two files of 16 MB a part.

The parts write to the file themselves, so that a paused supervisor never makes one wait. A file that has grown is
copied to `.1` and cut; the parts append, so they go on at its new end.
"""

import os
import shutil
from pathlib import Path
from typing import IO

LARGEST = 16 * 1024 * 1024


def path(home: Path, name: str) -> Path:
    return home / "logs" / f"{name}.log"


def opened(home: Path, name: str) -> IO[bytes]:
    """The log of a part, for appending."""
    file = path(home, name)
    file.parent.mkdir(parents=True, exist_ok=True)
    return file.open("ab")


def trim(file: Path, largest: int = LARGEST) -> None:
    """Cut the log if it is too long. A full disk costs the old half, never the part."""
    try:
        if file.stat().st_size <= largest:
            return
        try:
            shutil.copyfile(file, file.with_suffix(".log.1"))
        finally:
            os.truncate(file, 0)
    except OSError:
        return


def last_line(file: Path) -> str:
    """The last words of a part: the last line that is not empty."""
    try:
        with file.open("rb") as log:
            log.seek(max(0, file.stat().st_size - 8192))
            lines = [line.strip() for line in log.read().decode(errors="replace").splitlines() if line.strip()]
    except OSError:
        return ""
    return lines[-1][:300] if lines else ""
