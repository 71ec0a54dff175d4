"""The embedded store: SecantusDB's Python server, a MongoDB-wire server on disk, in a process of its own (GPL-2.0)."""

import sys
from pathlib import Path


def argv(home: Path, port: int) -> list[str]:
    """How it is started. Without --sync-on-commit a kill loses acknowledged writes even with `j: true`.

    Its oplog, which only change streams read and Suda has none, is kept short: pruned from 100,000 entries on, as it is
    by default, an insert costs half as much again from there.
    """
    folder = home / "store"
    folder.mkdir(parents=True, exist_ok=True)
    server = "import sys; from secantus.cli import main; sys.argv[0] = 'secantusd-py'; sys.exit(main())"
    options = ["--host", "127.0.0.1", "--port", str(port), "--storage-path", str(folder), "--sync-on-commit"]
    options += ["--oplog-max-entries", "1000"]
    return [sys.executable, "-P", "-c", server, *options, "--log-level", "WARNING"]


def uri(port: int) -> str:
    return f"mongodb://127.0.0.1:{port}"


def answers(uri: str, timeout: float = 1.0) -> bool:
    """Whether a MongoDB answers a ping there."""
    from pymongo import MongoClient
    from pymongo.errors import PyMongoError

    milliseconds = int(timeout * 1000)
    try:
        with MongoClient[dict[str, object]](
            uri, serverSelectionTimeoutMS=milliseconds, connectTimeoutMS=milliseconds, socketTimeoutMS=milliseconds * 3
        ) as client:
            return bool(client.admin.command("ping").get("ok"))
    except PyMongoError:
        return False
