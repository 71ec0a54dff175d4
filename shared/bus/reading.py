"""Reading a topic without a group: to its end, or on and on."""

from collections.abc import AsyncIterator

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from shared.bus.records import Ends, Record, read
from shared.errors import Unavailable


async def follow(servers: list[str], name: str, topic: str, start: Ends, ends: Ends | None) -> AsyncIterator[Record]:
    """Every record from `start` on, up to `ends` or for ever. Raises Unavailable."""
    left = dict(ends) if ends is not None else None
    if left is not None and not left:
        return
    consumer = AIOKafkaConsumer(
        bootstrap_servers=servers, client_id=name, enable_auto_commit=False, fetch_max_wait_ms=100
    )
    consumer.assign([TopicPartition(topic, number) for number in start])
    try:
        await consumer.start()
        for number, offset in start.items():
            consumer.seek(TopicPartition(topic, number), offset)
        while left is None or left:
            batches = await consumer.getmany(timeout_ms=500, max_records=2000)
            for tp, raws in batches.items():
                for raw in raws:
                    if left is None or raw.offset < (ends or {}).get(tp.partition, 0):
                        yield read(raw)
                if left is not None and await consumer.position(tp) >= left.get(tp.partition, 0):
                    left.pop(tp.partition, None)
    except KafkaError as problem:
        raise Unavailable(f"{topic} cannot be read now: {problem!r}") from problem
    finally:
        await consumer.stop()
