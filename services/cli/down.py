"""`suda down` and `suda clean`: stop this home's stack; delete its data."""

import shutil
import signal
import sys
import time
from pathlib import Path
from typing import Annotated

import typer

from shared.errors import ConfigurationError, Unavailable
from shared.settings import settings
from shared.stack import process

PATIENCE = 90.0  # services 15 s, Kafka 20 s, the store 15 s, and room
SIGNS = ("ports.json", "run", "kafka", "store", "clock", "keys.json")  # by one of these a folder is known as a home
KNOWN = {*SIGNS, "logs", "kafka-docker", "store-docker"}


def down() -> None:
    """Stop services, then Kafka, then the store. Data stays. 停止，数据保留。

    Example: ./suda down
    """
    home = settings().home.absolute()
    print("stopped" if stop(home) else "nothing was running", flush=True)


def stop(home: Path) -> bool:
    """End the supervisor of the home in order, or what one that was killed left; whether there was anything."""
    supervisor = process.read(home, "stack")
    found = supervisor is not None and supervisor.alive
    if supervisor and found:
        supervisor.signal(signal.SIGTERM)
        limit = time.monotonic() + PATIENCE
        while supervisor.alive:
            if time.monotonic() > limit:
                raise Unavailable(
                    f"the supervisor (process {supervisor.pid}) does not stop: kill -9 it, then ./suda down"
                )
            time.sleep(0.05)
    left = process.end(process.records(home))
    return found or bool(left)


def clean(
    yes: Annotated[bool, typer.Option("--yes", "-y", help="do not ask")] = False,
) -> None:
    """Stop everything and delete this home: cases, keys, logs. Kafka's jars stay cached. 清除全部数据。

    Examples: ./suda clean · SUDA_HOME=/tmp/trial ./suda clean --yes
    """
    home = settings().home.absolute()
    if not home.exists() and not home.is_symlink():
        print(f"{home} does not exist; nothing to delete")
        return
    refuse_foreign(home)
    if not yes and sys.stdin.isatty():
        typer.confirm(f"Delete {home} with every case and key in it?", abort=True)
    stop(home)
    try:
        shutil.rmtree(home)
    except OSError as error:
        raise ConfigurationError(f"{error.filename} cannot be deleted: {error.strerror}; remove it by hand") from None
    print(f"deleted {home}")


def refuse_foreign(home: Path) -> None:
    """Raise ConfigurationError unless the folder is a home of Suda and nothing else."""
    if home.is_symlink() or not home.is_dir():
        raise ConfigurationError(f"{home} is not a folder of Suda's own; delete it by hand if you mean it")
    names = {item.name for item in home.iterdir()}
    foreign = sorted(name for name in names - KNOWN if not name.startswith(".ports."))
    if names and not names & set(SIGNS):
        raise ConfigurationError(f"{home} is not a home of Suda (it has none of {', '.join(SIGNS)}); check SUDA_HOME")
    if foreign and {".git", "suda", "pyproject.toml", ".ssh", ".bashrc"} & set(foreign):
        raise ConfigurationError(f"{home} also holds {foreign[0]}, which is not Suda's; check SUDA_HOME")
