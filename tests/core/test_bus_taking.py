"""shared/bus/consuming.py: partitions are taken beside the coordinator, whose heartbeats must go on meanwhile."""

import asyncio

from aiokafka import TopicPartition

from shared.bus.consuming import _Assignment
from shared.errors import Unavailable

TWO = [TopicPartition("suda.cases", 0), TopicPartition("suda.cases", 3)]


class Service:
    """Takes partitions as slowly as the test wants; `away` refuses so many times before."""

    def __init__(self, away: int = 0) -> None:
        self.seen: list[str] = []
        self.away, self.begun, self.go = away, asyncio.Event(), asyncio.Event()
        self.assignment = _Assignment(asyncio.Lock(), self.gained, self.lost, asyncio.Event())

    async def gained(self, partitions: set[int]) -> None:
        self.seen.append("begun")
        self.begun.set()
        if self.away:
            self.away -= 1
            raise Unavailable("away")
        await self.go.wait()
        self.seen.append(f"gained {sorted(partitions)}")

    async def lost(self, partitions: set[int]) -> None:
        self.seen.append(f"lost {sorted(partitions)}")


async def test_an_assignment_returns_at_once_and_batches_wait_until_it_is_taken() -> None:
    service = Service()
    await service.assignment.on_partitions_assigned(TWO)
    batch = asyncio.create_task(service.assignment.taken())
    await service.begun.wait()
    assert not batch.done()
    service.go.set()
    await batch
    assert service.seen == ["begun", "gained [0, 3]"]


async def test_a_revocation_breaks_the_taking_off_before_the_partitions_go() -> None:
    service = Service()
    await service.assignment.on_partitions_assigned(TWO)
    await service.begun.wait()
    await service.assignment.on_partitions_revoked(TWO)
    assert service.seen == ["begun", "lost [0, 3]"]
    service.go.set()
    await service.assignment.on_partitions_assigned(TWO[:1])
    await service.assignment.taken()
    assert service.seen[-1] == "gained [0]"


async def test_what_is_away_is_tried_again_until_the_partitions_are_taken() -> None:
    service = Service(away=1)
    service.go.set()
    await service.assignment.on_partitions_assigned(TWO)
    await service.assignment.taken()
    assert service.seen == ["begun", "begun", "gained [0, 3]"]
