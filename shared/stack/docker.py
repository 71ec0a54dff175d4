"""Kafka and MongoDB in containers, where a Docker engine answers; through testcontainers.

Each container is held by a small process (`python -m shared.stack.docker kafka|store …`), so that the supervisor sees a
part like any other. Testcontainers' reaper removes a container whose process was killed. State lies below the home.
"""

import os
import signal
import socket
import sys
from pathlib import Path
from typing import Any, cast

from shared.errors import ConfigurationError
from shared.settings import Settings

KAFKA_IMAGE, STORE_IMAGE = "apache/kafka:4.1.1", "mongo:8.0"


def answers(timeout: float = 0.2) -> bool:
    """Whether an engine answers a ping; costs nothing on a machine without Docker."""
    kind, _, place = os.environ.get("DOCKER_HOST", "unix:///var/run/docker.sock").partition("://")
    host, _, port = place.rpartition(":")
    family = {"unix": socket.AF_UNIX, "tcp": socket.AF_INET}.get(kind)
    if family is None:
        return False
    with socket.socket(family, socket.SOCK_STREAM) as connection:
        try:
            connection.settimeout(timeout)
            connection.connect(place if kind == "unix" else (host, int(port)))
            connection.sendall(b"GET /_ping HTTP/1.0\r\nHost: docker\r\n\r\n")
            return b" 200 " in connection.recv(64)
        except (OSError, ValueError):
            return False


def chosen(settings: Settings, home: Path) -> bool:
    """Whether this home's Kafka and store run in containers. A home stays with what holds its data."""
    if any((home / f"{kind}-docker").exists() for kind in ("kafka", "store")):
        if settings.docker and answers(2.0):
            return True
        raise ConfigurationError(
            f"the data of {home} was made by Docker, which does not answer: start Docker, or set another SUDA_HOME"
        )
    begun = any((home / kind).exists() for kind in ("kafka", "store"))
    return settings.docker and not begun and answers()


def kafka_environment(port: int, settings: Settings) -> dict[str, str]:
    """The image reads server.properties from variables; the same rules as the embedded broker's."""
    largest = str(settings.max_record_bytes * 2)
    return {
        "KAFKA_NODE_ID": "1",
        "KAFKA_PROCESS_ROLES": "broker,controller",
        "KAFKA_LISTENERS": "PLAINTEXT://0.0.0.0:9092,CONTROLLER://localhost:9093",
        "KAFKA_ADVERTISED_LISTENERS": f"PLAINTEXT://127.0.0.1:{port}",
        "KAFKA_LISTENER_SECURITY_PROTOCOL_MAP": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
        "KAFKA_CONTROLLER_LISTENER_NAMES": "CONTROLLER",
        "KAFKA_CONTROLLER_QUORUM_VOTERS": "1@localhost:9093",
        "KAFKA_LOG_DIRS": "/var/lib/kafka/data",
        "KAFKA_AUTO_CREATE_TOPICS_ENABLE": "false",
        "KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR": "1",
        "KAFKA_TRANSACTION_STATE_LOG_REPLICATION_FACTOR": "1",
        "KAFKA_TRANSACTION_STATE_LOG_MIN_ISR": "1",
        "KAFKA_GROUP_INITIAL_REBALANCE_DELAY_MS": "0",
        "KAFKA_LOG_RETENTION_MS": "-1",
        "KAFKA_OFFSETS_RETENTION_MINUTES": "2147483647",
        "KAFKA_MESSAGE_MAX_BYTES": largest,
        "KAFKA_REPLICA_FETCH_MAX_BYTES": largest,
    }


def argv(kind: str, home: Path, port: int) -> list[str]:
    """How the holder of a container is started; `kind` is kafka or store."""
    folder = home / f"{kind}-docker"
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o777)  # the image's user is not ours
    return [sys.executable, "-P", "-m", "shared.stack.docker", kind, str(folder), str(port)]


def main() -> None:
    from testcontainers.core.container import DockerContainer

    kind, folder, port = sys.argv[1], sys.argv[2], int(sys.argv[3])
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    image, inside, place = {
        "kafka": (KAFKA_IMAGE, "9092/tcp", "/var/lib/kafka/data"),
        "store": (STORE_IMAGE, "27017/tcp", "/data/db"),
    }[kind]
    container = DockerContainer(image).with_volume_mapping(folder, place, "rw")
    if kind == "kafka":
        container.with_envs(**kafka_environment(port, Settings()))
    cast(dict[str, Any], container.ports)[inside] = ("127.0.0.1", port)  # with_bind_ports would publish to the world
    with container as held:
        held.get_wrapped_container().wait()


if __name__ == "__main__":
    main()
