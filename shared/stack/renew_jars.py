"""Prints a new kafka.lock for a broker version: `python -m shared.stack.renew_jars 4.1.1`. For maintainers."""

import hashlib
import sys
import tempfile
from pathlib import Path

LOG_BINDING = "log4j-slf4j-impl"  # for slf4j 1.7; must have log4j-core's version


def main() -> None:
    from jgo import resolve
    from jgo.maven import MavenContext

    version = sys.argv[1]
    named = [(a.groupId, a.artifactId, a.version) for a in resolve(f"org.apache.kafka:kafka_2.13:{version}")]
    log4j = next(item[2] for item in named if item[1] == "log4j-core")
    named.append(("org.apache.logging.log4j", LOG_BINDING, log4j))
    with tempfile.TemporaryDirectory() as folder:
        context = MavenContext(repo_cache=Path(folder), timeout=60)
        lines = []
        for group, artifact, version in sorted(named):
            file = context.project(group, artifact).at_version(version).artifact().resolve()
            lines.append(f"{group}:{artifact}:{version} {hashlib.sha256(file.read_bytes()).hexdigest()}")
    sys.stdout.write("".join(line + "\n" for line in lines))


if __name__ == "__main__":
    main()
