"""The topics, created explicitly (DESIGN.md section 5)."""

import logging

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import TopicAlreadyExistsError

from shared.bus.records import LARGEST_LETTER
from shared.errors import ConfigurationError
from shared.events import topics
from shared.settings import Settings

log = logging.getLogger("suda.bus")


async def create_topics(bootstrap: str, settings: Settings) -> None:
    """Create what is missing, as DESIGN.md section 5 says; refuse a wrong number of partitions."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap.split(","), client_id="suda-topics")
    await admin.start()
    try:
        existing = {t["topic"]: len(t["partitions"]) for t in await admin.describe_topics()}
        wanted = {name: settings.partitions for name in topics.CASE_BEARING} | {topics.DLQ: 1, topics.DIRECTORY: 1}
        for name, count in wanted.items():
            agree(name, existing.get(name, count), count)
        new = [_new_topic(name, count, settings) for name, count in wanted.items() if name not in existing]
        if new:
            try:
                await admin.create_topics(new)
            except TopicAlreadyExistsError:
                log.info("another process created the topics")
    finally:
        await admin.close()


def agree(topic: str, found: int, said: int) -> None:
    """Refuse a number of partitions that is not the topic's: cases would be looked for in the wrong ones."""
    if found != said:
        raise ConfigurationError(
            f"topic {topic} has {found} partitions, SUDA_PARTITIONS says {said}; "
            "the number is fixed for life: set SUDA_PARTITIONS back"
        )


def _new_topic(name: str, count: int, settings: Settings) -> NewTopic:
    size = settings.max_record_bytes * (LARGEST_LETTER if name == topics.DLQ else LARGEST_LETTER - 1)
    config = {"cleanup.policy": "delete", "retention.ms": "-1", "max.message.bytes": str(size)}
    if name == topics.DIRECTORY:
        config = {"cleanup.policy": "compact"}
    return NewTopic(name, count, settings.replication, topic_configs=config)
