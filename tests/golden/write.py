"""`python -m tests.golden.write` appends a line for every event type and version that the golden files do not hold yet.

A line is never changed or taken away: it is what was published once, and every later version must still read it.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from services.routing.core.decide import World
from shared.events import cases, deadlines, intake
from tests.scenarios.play import play, scenarios
from tests.scenarios.pure import Pure
from tests.scenarios.table import world

HERE = Path(__file__).parent
TOPICS = {"intake": intake, "cases": cases, "deadlines": deadlines}


def kind(topic: str, value: bytes) -> str:
    """The CloudEvents type of a line, and for a rejection or an act of intake the act too."""
    event: Any = TOPICS[topic].parse(value)
    act = getattr(event, "act", "") if event.type in ("rejected", "act.requested") else ""
    return f"{TOPICS[topic].ce_type(event)} {act}".strip()


def produced(under: World) -> Iterator[tuple[str, bytes]]:
    """Every event of every scenario, with its topic."""
    for scenario in scenarios():
        stage = Pure(under, str(scenario))
        play(scenario, stage)
        yield from (("intake", event.to_bytes()) for event in stage.inputs)
        yield from (("cases", value) for events in stage.events.values() for _, value in events)
        for event in (event for events in stage.deadlines.values() for event in events):
            yield "deadlines", event.to_bytes()
            if event.type == "opened":
                yield from (("deadlines", rung.to_bytes()) for rung in rungs(event))


def rungs(opened: deadlines.DeadlineEvent) -> Iterator[deadlines.DeadlineEvent]:
    """What timers make of an open duty, one of each; the instants are those of its ladder, near enough."""
    for change, name in (("warned", "warning-last-day"), ("breached", "breach"), ("escalated", "supervision")):
        id = deadlines.deadline_id(opened.case_id, opened.obligation, opened.generation, f"{opened.due_day}:{name}")
        at = {"at": opened.due_at, "rung": name, "expects": "debtor", "rung_due": opened.due_at, "fired": opened.due_at}
        yield opened.model_copy(update={"id": id, "type": change} | at)
    id = deadlines.deadline_id(
        opened.case_id, opened.obligation, opened.generation, f"{opened.due_day}:breach-withdrawn"
    )
    yield opened.model_copy(update={"id": id, "type": "breach-withdrawn"})


def lines(topic: str) -> list[bytes]:
    path = HERE / f"{topic}.jsonl"
    return path.read_bytes().splitlines() if path.exists() else []


def main() -> None:
    known = {(topic, kind(topic, line)) for topic in TOPICS for line in lines(topic)}
    for topic, value in produced(world()):
        name = (topic, kind(topic, value))
        if name not in known:
            known.add(name)
            json.loads(value)
            with (HERE / f"{topic}.jsonl").open("ab") as file:
                file.write(value + b"\n")


if __name__ == "__main__":
    main()
