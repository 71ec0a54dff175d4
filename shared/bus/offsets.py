"""Asking Kafka where its topics end and how far the groups have read; and waiting until they have."""

import asyncio

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from shared.bus.records import Ends
from shared.errors import Unavailable
from shared.events import topics
from shared.settings import Settings


class Offsets:
    """The questions of one process; connected when the first is asked."""

    def __init__(self, settings: Settings, name: str, servers: list[str]) -> None:
        self._settings, self._name, self._servers = settings, name, servers
        self._asker: AIOKafkaConsumer | None = None
        self._admin: AIOKafkaAdminClient | None = None
        self._known: dict[str, set[int]] = {}

    async def stop(self) -> None:
        """Disconnect."""
        asker, admin, self._asker, self._admin = self._asker, self._admin, None, None
        if asker is not None:
            await asker.stop()
        if admin is not None:
            await admin.close()

    async def ends(self, topic: str) -> Ends:
        """The offset after the last record, by partition."""
        parts = [TopicPartition(topic, number) for number in await self.numbers(topic)]
        try:
            asker = await self._asking()
            found = await asyncio.wait_for(asker.end_offsets(parts), self._settings.send_timeout)
        except (TimeoutError, KafkaError) as problem:
            raise Unavailable(f"Kafka does not tell the ends of {topic}: {problem!r}") from problem
        return {tp.partition: offset for tp, offset in found.items()}

    async def committed(self, group: str, topic: str) -> Ends:
        """The next offset each partition's reader of `group` will take; 0 where none was committed."""
        try:
            admin = await self._administering()
            found = await asyncio.wait_for(admin.list_consumer_group_offsets(group), self._settings.send_timeout)
        except (TimeoutError, KafkaError) as problem:
            raise Unavailable(f"Kafka does not tell the offsets of {group}: {problem!r}") from problem
        offsets = {tp.partition: max(0, meta.offset) for tp, meta in found.items() if tp.topic == topic}
        return {number: offsets.get(number, 0) for number in await self.numbers(topic)}

    async def reached(self, group: str, topic: str, ends: Ends, pause: float = 0.01) -> None:
        """Return when `group` has committed at least `ends` of `topic`; the caller sets the time-out."""
        while True:
            committed = await self.committed(group, topic)
            if all(committed.get(number, 0) >= end for number, end in ends.items()):
                return
            await asyncio.sleep(pause)

    async def settled(self) -> None:
        """Return when everything in the input now, and every act it leads to, has gone through every reader.

        Routing and its matcher send acts to the input themselves; so until nothing moves, or as often as a complaint
        can lead from act to act (complaint, merge, absorb, unmerge, absorb undone, and one to see that it is over).
        """
        for _ in range(6):
            intake = await self.ends(topics.INTAKE)
            await self.reached(topics.ROUTING_GROUP, topics.INTAKE, intake)
            ends = await self.ends(topics.CASES)
            await self.reached(topics.MATCHER_GROUP, topics.CASES, ends)
            if await self.ends(topics.INTAKE) == intake:
                break
        ends = await self.ends(topics.CASES)
        rows = asyncio.create_task(self.reached(topics.REPORTING_CASES_GROUP, topics.CASES, ends))
        try:
            await self.reached(topics.SLA_GROUP, topics.CASES, ends)
            deadlines = await self.ends(topics.DEADLINES)
            await self.reached(topics.REPORTING_DEADLINES_GROUP, topics.DEADLINES, deadlines)
            await rows
        finally:
            rows.cancel()

    async def settled_for_timers(self, partitions: set[int] | None) -> None:
        """The barrier before a rung fires, for the partitions this process holds (equal numbers on every topic).

        None: for all of them, which needs every process of both groups to be there.
        """
        intake = await self.ends(topics.INTAKE)
        await self.reached(topics.ROUTING_GROUP, topics.INTAKE, _of(intake, partitions))
        cases = await self.ends(topics.CASES)
        await self.reached(topics.SLA_GROUP, topics.CASES, _of(cases, partitions))

    async def _asking(self) -> AIOKafkaConsumer:
        if self._asker is None:
            asker = AIOKafkaConsumer(bootstrap_servers=self._servers, client_id=f"{self._name}-asker")
            await asker.start()
            self._asker = asker
        return self._asker

    async def _administering(self) -> AIOKafkaAdminClient:
        if self._admin is None:
            admin = AIOKafkaAdminClient(bootstrap_servers=self._servers, client_id=f"{self._name}-admin")
            await admin.start()
            self._admin = admin
        return self._admin

    async def numbers(self, topic: str) -> set[int]:
        """The partitions of a topic; their number is fixed for life, so it is asked for once."""
        if topic not in self._known:
            try:
                admin = await self._administering()
                described = await asyncio.wait_for(admin.describe_topics([topic]), self._settings.send_timeout)
            except (TimeoutError, KafkaError) as problem:
                raise Unavailable(f"Kafka does not describe {topic}: {problem!r}") from problem
            found = {part["partition"] for one in described for part in one["partitions"]}
            if not found:
                raise Unavailable(f"the topic {topic} does not exist yet; ./suda up creates it")
            self._known[topic] = found
        return self._known[topic]


def _of(ends: Ends, partitions: set[int] | None) -> Ends:
    return ends if partitions is None else {number: end for number, end in ends.items() if number in partitions}
