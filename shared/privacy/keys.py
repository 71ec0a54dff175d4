"""The key file: master keys by version, and one key for each other purpose.

The file is JSON: {"master": {"1": hex of 16 bytes, ...}, "current": "1", "index": hex, "code": hex, "token": hex,
"digest": hex}, the last four of 32 bytes. To rotate, add a version under "master" and name it in "current"; old
versions stay as long as a data key is wrapped by them. "index" and "code" must never change: every blind index and
query code hangs on them (docs/decisions/0030-keys.md).
"""

import json
import os
import secrets
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from shared.errors import ConfigurationError
from shared.privacy.cipher import KEY_BYTES, decrypt, encrypt
from shared.settings import Settings

PURPOSES = ("index", "code", "token", "digest")
PURPOSE_BYTES = 32


@dataclass(frozen=True, slots=True)
class Wrapped:
    """A data key encrypted by the master key of that version; what the `keys` collection holds."""

    version: str
    key: bytes


@dataclass(frozen=True)
class Keyring:
    """The opened key file. Never shown: its repr names the versions only."""

    master: dict[str, bytes] = field(repr=False)
    current: str
    index: bytes = field(repr=False)
    code: bytes = field(repr=False)
    token: bytes = field(repr=False)
    digest: bytes = field(repr=False)

    @classmethod
    def load(cls, path: Path) -> "Keyring":
        """The keyring in the file; raises ConfigurationError with the mend."""
        try:
            with path.open(encoding="utf-8") as file:
                open_to_all = os.fstat(file.fileno()).st_mode & 0o007
                text = file.read()
        except FileNotFoundError:
            raise ConfigurationError(f"there is no key file {path}; run ./suda up, or set SUDA_KEYS") from None
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigurationError(f"the key file {path} cannot be read ({error}); mend its owner and mode") from None
        if open_to_all:
            raise ConfigurationError(f"the key file {path} is open to every user; run chmod 600 {path}")
        try:
            return cls._parse(json.loads(text))
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise ConfigurationError(f"the key file {path} is broken ({error}); restore it from its backup") from None

    @classmethod
    def _parse(cls, content: dict[str, object]) -> "Keyring":
        versions = content["master"]
        if not isinstance(versions, dict) or content["current"] not in versions:
            raise ValueError("`current` must name one of the versions under `master`")
        master = {str(version): _key(value, f"master {version}", KEY_BYTES) for version, value in versions.items()}
        index, code, token, digest = (_key(content[name], name, PURPOSE_BYTES) for name in PURPOSES)
        return cls(master, str(content["current"]), index, code, token, digest)

    def wrap(self, data_key: bytes) -> Wrapped:
        """The data key encrypted by the current master key."""
        return Wrapped(self.current, encrypt(self.master[self.current], data_key, _aad(self.current)))

    def unwrap(self, wrapped: Wrapped) -> bytes:
        """The data key; raises Tampered, or ConfigurationError when that master key is not in the file."""
        master = self.master.get(wrapped.version)
        if master is None:
            raise ConfigurationError(
                f"the key file has no master key {wrapped.version}, which data keys are wrapped by; bring it back"
            )
        return decrypt(master, wrapped.key, _aad(wrapped.version))


def _aad(version: str) -> bytes:
    return b"suda data key " + version.encode()


def _key(value: object, name: str, size: int) -> bytes:
    key = bytes.fromhex(value) if isinstance(value, str) else b""
    if len(key) != size:
        raise ValueError(f"`{name}` must be {size} bytes in hex")
    return key


def keyring_path(settings: Settings) -> Path:
    """Where the key file of these settings is."""
    return settings.keys or settings.home / "keys.json"


def ensure(path: Path) -> None:
    """Make a key file (mode 0600) if there is none; of several processes at once exactly one makes it."""
    if path.exists():
        return
    content = {"master": {"1": secrets.token_hex(KEY_BYTES)}, "current": "1"}
    content |= {name: secrets.token_hex(PURPOSE_BYTES) for name in PURPOSES}
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    try:
        with os.fdopen(os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w") as file:
            json.dump(content, file, indent=2)
            file.flush()
            os.fsync(file.fileno())
        with suppress(FileExistsError):
            os.link(draft, path)  # unlike a rename it never replaces a file somebody made in between
    finally:
        draft.unlink(missing_ok=True)
