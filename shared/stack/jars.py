"""Kafka's class path from Maven coordinates, each jar checked against the committed `kafka.lock` on every start.

The lock names every jar, so nothing is resolved at run time: jgo only fetches (and honours mirrors set in its own
configuration, which the hashes make harmless). The jars lie in the cache, outside the home, and survive `suda clean`.
"""

import fcntl
import hashlib
import os
import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from shared.errors import ConfigurationError

LOCK = Path(__file__).with_name("kafka.lock")
SERIES = "4.1."  # of the broker


@dataclass(frozen=True)
class Jar:
    """One line of the lock."""

    group: str
    artifact: str
    version: str
    sha256: str

    @property
    def place(self) -> Path:
        """Below a Maven repository."""
        return Path(*self.group.split("."), self.artifact, self.version, f"{self.artifact}-{self.version}.jar")


def parse(text: str) -> list[Jar]:
    """The jars of a lock; ConfigurationError where a line is wrong or the client is not the broker's version."""
    jars = []
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        match = re.fullmatch(r"([\w.-]+):([\w.-]+):([\w.-]+) ([0-9a-f]{64})", line.strip())
        if match is None:
            raise ConfigurationError(
                f"kafka.lock line {number} is not 'group:artifact:version sha256': restore it from git"
            )
        jars.append(Jar(*match.groups()))
    versions = {jar.artifact: jar.version for jar in jars}
    broker, client = versions.get("kafka_2.13", ""), versions.get("kafka-clients")
    if not broker.startswith(SERIES) or client != broker:
        raise ConfigurationError(f"kafka.lock must name kafka_2.13 {SERIES}x and kafka-clients of the same version")
    return jars


def sound(repository: Path, jar: Jar) -> bool:
    """Whether the file is there and is the very one the lock names."""
    try:
        with (repository / jar.place).open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest() == jar.sha256
    except FileNotFoundError:
        return False


@contextmanager
def _alone(repository: Path) -> Iterator[None]:
    """One process at a time fetches into a cache."""
    repository.mkdir(parents=True, exist_ok=True)
    handle = os.open(repository / ".lock", os.O_CREAT | os.O_RDWR, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _unsound(repository: Path, jars: list[Jar]) -> list[Jar]:
    """Hashing 42 MB on two threads takes about 0.1 s, which is cheaper than trusting a marker."""
    with ThreadPoolExecutor(4) as pool:
        return [
            jar for jar, good in zip(jars, pool.map(lambda jar: sound(repository, jar), jars), strict=True) if not good
        ]


def _fetch(repository: Path, jars: list[Jar], say: Callable[[str], None]) -> None:
    from jgo.config import GlobalSettings
    from jgo.constants import MAVEN_CENTRAL_URL
    from jgo.maven import MavenContext

    remotes = {**GlobalSettings.load().repositories, "central": MAVEN_CENTRAL_URL}
    context = MavenContext(repo_cache=repository, remote_repos=remotes, timeout=60)

    def one(jar: Jar) -> None:
        (repository / jar.place).unlink(missing_ok=True)  # half of one, or a damaged one
        context.project(jar.group, jar.artifact).at_version(jar.version).artifact().resolve()

    with ThreadPoolExecutor(4) as pool:
        for number, _ in enumerate(pool.map(one, jars), 1):
            if number % 10 == 0 or number == len(jars):
                say(f"Kafka's jars: {number} of {len(jars)} fetched")


def classpath(cache: Path, say: Callable[[str], None], lock: Path = LOCK) -> list[Path]:
    """The checked jars, fetched where missing or damaged. Raises ConfigurationError with the mend."""
    jars = parse(lock.read_text())
    repository = cache.expanduser().absolute() / "maven"
    try:
        if _unsound(repository, jars):
            with _alone(repository):
                wanted = _unsound(repository, jars)  # another process may have fetched them meanwhile
                if wanted:
                    say(f"fetching {len(wanted)} jars of Apache Kafka into {repository} (once)")
                    _fetch(repository, wanted, say)
                    wrong = _unsound(repository, wanted)
                    for jar in wrong:
                        (repository / jar.place).unlink(missing_ok=True)
                    if wrong:
                        raise ConfigurationError(
                            f"{wrong[0].artifact} {wrong[0].version} does not have the SHA-256 of kafka.lock: "
                            "check the Maven mirror in use, then start again"
                        )
    except ConfigurationError:
        raise
    except OSError as error:
        raise ConfigurationError(_mend(error, repository)) from error
    except RuntimeError as error:  # jgo's "not found in remote repositories"
        raise ConfigurationError(f"a Maven repository does not have a jar of kafka.lock: {error}") from error
    return [repository / jar.place for jar in jars]


def _mend(error: OSError, repository: Path) -> str:
    if error.filename:
        return f"{repository}: {error.strerror}; make room or set SUDA_CACHE to a folder that can be written"
    return "Maven Central cannot be reached for Kafka's jars: check the network, or set SUDA_KAFKA to a running Kafka"
