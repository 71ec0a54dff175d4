"""Makes `.venv` from requirements.lock; run by `./suda` with the system's Python, standard library only.

The set-up runs under a lock on the checkout's folder, so that two first starts do not disturb one another.
`.venv/.complete` is written last: whatever interrupts the set-up, the next start finds it missing and begins anew.
"""

import contextlib
import errno
import fcntl
import hashlib
import importlib.util
import os
import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

ROOT = Path(__file__).resolve().parents[2]
VENV = ROOT / ".venv"
LOCK = ROOT / "requirements.lock"
COMPLETE = VENV / ".complete"

# What pip prints, and the sentence that says the mend. The first that matches is told.
MENDS = (
    (r"No space left on device", "the disk is full: make about 1 GB of room, then run ./suda again"),
    (
        r"DO NOT MATCH THE HASHES",
        "a package differs from requirements.lock: check the package index in use, then again",
    ),
    (
        r"Failed to establish|NewConnection|NameResolution|name resolution|ConnectTimeout|ReadTimeout|ProxyError"
        r"|SSLError|ConnectionError|Connection refused|Network is unreachable",
        "the package index cannot be reached: check the network or PIP_INDEX_URL, then run ./suda again",
    ),
    (r"Permission denied|Read-only file system", f"{VENV} cannot be written: check its owner and rights"),
    (r"No matching distribution|Could not find a version", "the package index has no wheel for this Python and system"),
)


def fail(sentence: str) -> NoReturn:
    """One sentence on stderr, exit 2."""
    print(f"suda: {sentence}", file=sys.stderr)
    sys.exit(2)


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def expected() -> str:
    """What `.complete` must hold: the lock's hash, its cksum line for the launcher's quick look, Python, the place."""
    lock = LOCK.read_bytes()
    quick = subprocess.run(["cksum"], input=lock, capture_output=True, check=False).stdout.decode().strip()
    return (
        f"sha256 {hashlib.sha256(lock).hexdigest()}\ncksum {quick}\npython {platform.python_version()}\nroot {ROOT}\n"
    )


def is_complete() -> bool:
    """Whether the venv was finished from this lock at this place; its Python may be another than ours."""
    try:
        have = dict(line.split(" ", 1) for line in COMPLETE.read_text().splitlines())
        want = dict(line.split(" ", 1) for line in expected().splitlines())
    except (OSError, ValueError):
        return False
    alive = os.access(VENV / "bin" / "python", os.X_OK)
    return alive and all(have.get(key) == want[key] for key in ("sha256", "cksum", "root"))


def check_machine() -> None:
    """Refuse what cannot work before anything is written."""
    libc = platform.libc_ver()[0]
    if sys.platform.startswith("linux") and libc != "glibc":
        fail(
            "this Python is built for musl, for which the Java runtime has no wheel: use a glibc system such as Debian"
        )
    missing = [name for name in ("venv", "ensurepip") if importlib.util.find_spec(name) is None]
    if missing:
        package = f"python{sys.version_info[0]}.{sys.version_info[1]}-venv"
        fail(
            f"{sys.executable} lacks {' and '.join(missing)}: apt-get install {package}, or set SUDA_PYTHON to another"
        )
    if not os.access(ROOT, os.W_OK):
        fail(f"{ROOT} cannot be written, and .venv must be made there: copy the checkout to a folder of yours")


@contextlib.contextmanager
def held_lock() -> Iterator[int]:
    """Hold the checkout for one set-up at a time; the kernel lets go when the process ends, however it ends.

    pip inherits the lock: one that outlives a killed set-up is waited for before .venv is made anew.
    """
    handle = os.open(ROOT, os.O_RDONLY)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno not in (errno.EAGAIN, errno.EACCES):
                raise
            say("suda: another start is setting up .venv; waiting for it …")
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield handle
    finally:
        os.close(handle)


def environment() -> dict[str, str]:
    """The caller's environment without what would lead pip out of the venv."""
    dropped = {"PYTHONPATH", "PYTHONHOME", "PIP_TARGET", "PIP_PREFIX", "PIP_ROOT", "PIP_REQUIRE_HASHES", "VIRTUAL_ENV"}
    kept = {name: value for name, value in os.environ.items() if name not in dropped}
    return {**kept, "PIP_USER": "0", "PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_NO_INPUT": "1"}


def run(argv: list[str], log: Path, lock: int, total: int = 0) -> None:
    """Run one step, its output into `log`, a count of packages on stderr; ends with a sentence if it fails."""
    seen, tty = 0, sys.stderr.isatty()
    with log.open("a", encoding="utf-8", errors="replace") as out:
        step = subprocess.Popen(
            argv,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            env=environment(),
            cwd=ROOT,
            pass_fds=(lock,),
        )
        assert step.stdout is not None
        for line in step.stdout:
            out.write(line)
            if total and line.startswith("Collecting "):
                seen += 1
                name = re.split(r"[=<>; ]", line[len("Collecting ") :].strip())[0]
                if tty:
                    print(f"\r\033[K  [{seen}/{total}] {name}", end="", file=sys.stderr, flush=True)
                elif seen % 20 == 0:
                    say(f"  [{seen}/{total}] {name}")
            elif total and line.startswith("Installing collected"):
                say(("\r\033[K" if tty else "") + "  installing …")
    if step.wait() != 0:
        explain(log)


def explain(log: Path) -> NoReturn:
    """The mend for what pip said, or its last error line."""
    text = log.read_text(encoding="utf-8", errors="replace")
    for pattern, mend in MENDS:
        if re.search(pattern, text):
            fail(f"{mend} ({log})")
    lines = [line.strip() for line in text.splitlines() if line.strip()] or ["no output"]
    errors = [line for line in lines if re.match(r"(ERROR|[A-Z]\w*Error): ", line)]
    fail(f"setting up .venv failed: {(errors or lines)[-1]} (see {log})")


def build(lock: int) -> None:
    """The set-up itself; `.complete` comes last."""
    say(f"suda: setting up .venv for Python {platform.python_version()} (once; a minute or two) …")
    if VENV.is_symlink() or VENV.is_file():
        VENV.unlink()
    shutil.rmtree(VENV, ignore_errors=True)
    VENV.mkdir(exist_ok=True)
    log = VENV / "setup.log"
    total = sum("==" in line and not line.startswith(("#", " ")) for line in LOCK.read_text().splitlines())
    python = str(VENV / "bin" / "python")
    # --no-compile: Python compiles what it imports, which is a fraction
    pip = [python, "-m", "pip", "install", "--no-compile", "--progress-bar", "off", "--retries", "2"]
    run([sys.executable, "-m", "venv", str(VENV)], log, lock)
    run([*pip, "--require-hashes", "--only-binary", ":all:", "-r", str(LOCK)], log, lock, total)
    run([*pip, "--no-deps", "--no-build-isolation", "--no-index", "-e", str(ROOT)], log, lock)
    draft = COMPLETE.with_suffix(".draft")
    draft.write_text(expected())
    os.replace(draft, COMPLETE)
    say("suda: .venv is ready.")


def main() -> None:
    try:
        if not is_complete():
            check_machine()
        with held_lock() as lock:
            if not is_complete():
                build(lock)
    except KeyboardInterrupt:
        fail("set-up interrupted; the next start begins it anew")
    except OSError as error:
        if error.errno == errno.ENOSPC:
            fail(MENDS[0][1])
        fail(f"setting up .venv failed: {error.strerror} ({error.filename or ROOT}): check the folder and the disk")


if __name__ == "__main__":
    main()
