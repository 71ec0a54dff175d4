"""The home's ports: chosen once, kept in `<home>/ports.json`, reserved on this machine while the stack lives.

Several homes can start at the same moment, and a broker takes seconds to bind: so a port in use by a stack is marked by
a locked file in the machine's temporary folder, which the kernel frees when the supervisor dies, however it dies.
Free ports are taken below the range from which the kernel gives ports to outgoing connections.
"""

import fcntl
import json
import os
import random
import socket
import tempfile
from collections.abc import Callable
from pathlib import Path

from shared.errors import ConfigurationError
from shared.settings import Settings

RANGE = range(20_000, 32_000)
FIXED = {"kafka": "kafka_port", "store": "store_port"}


def can_bind(port: int, host: str = "127.0.0.1") -> bool:
    """Whether somebody listens on the port already."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
            probe.listen(1)
        except OSError:
            return False
    return True


class Ports:
    """Chooses and reserves the ports of one home. `choose` may be called for further parts at any time."""

    def __init__(self, settings: Settings, home: Path, say: Callable[[str], None]) -> None:
        self._settings, self._file, self._say = settings, home / "ports.json", say
        self._held: dict[int, int] = {}
        self._chosen: dict[str, int] = {}
        try:
            kept = json.loads(self._file.read_text())
            self._kept = {str(name): int(port) for name, port in kept.items()}
        except (OSError, ValueError, AttributeError):
            self._kept = {}

    def choose(self, name: str) -> int:
        """The port of `name`: the one asked for, else the one kept, else the default, else a free one."""
        if name in self._chosen:
            return self._chosen[name]
        field = FIXED.get(name, f"{name}_port")
        asked = getattr(self._settings, field, None) if field in self._settings.model_fields_set else None
        if asked:
            if not self._reserve(asked):
                raise ConfigurationError(
                    f"port {asked}, asked for by SUDA_{field.upper()}, is taken: free it, name another, or unset it"
                )
            return self._keep(name, asked)
        default = getattr(self._settings, field, None) if asked is None else None
        for port in dict.fromkeys(port for port in (self._kept.get(name), default) if port):
            if self._reserve(port):
                return self._keep(name, port)
            self._say(f"port {port} for {name} is taken; choosing another")
        return self._keep(name, self._free())

    def _keep(self, name: str, port: int) -> int:
        self._chosen[name] = self._kept[name] = port
        self._file.parent.mkdir(parents=True, exist_ok=True)
        draft = self._file.with_name(f".ports.{os.getpid()}")
        draft.write_text(json.dumps(self._kept, indent=1) + "\n")
        os.replace(draft, self._file)
        return port

    def _free(self) -> int:
        for port in random.sample(RANGE, 200):
            if self._reserve(port):
                return port
        raise ConfigurationError("no free port was found between 20000 and 32000: end some servers on this machine")

    def _reserve(self, port: int) -> bool:
        """Mark the port as ours and see that nobody listens on it."""
        folder = Path(tempfile.gettempdir()) / f"suda-ports-{os.getuid()}"
        folder.mkdir(mode=0o700, exist_ok=True)
        handle = os.open(folder / str(port), os.O_CREAT | os.O_RDWR, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            free = can_bind(port, self._settings.host if port != 0 else "127.0.0.1")
        except OSError:
            free = False
        if free:
            self._held[port] = handle
        else:
            os.close(handle)
        return free

    def release(self) -> None:
        """Give every reservation back."""
        for handle in self._held.values():
            os.close(handle)
        self._held.clear()
        self._chosen.clear()
