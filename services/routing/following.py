"""Acts that routing itself asks for, as records of `suda.intake`; those that follow from a commit are kept in it."""

from collections.abc import Iterable
from typing import Any

from shared.bus import Outgoing
from shared.events import topics
from shared.events.base import headers
from shared.events.intake import ActRequested, ce_type
from shared.journal import Commit

FOLLOW = "follow"  # the name among a commit's facts


def record(act: ActRequested, cause: str | None = None, trace: str | None = None) -> Outgoing:
    """The act as it is sent."""
    described = headers(
        id=act.act_id, type=ce_type(act), subject=act.case_id, time=act.received_at, cause=cause, trace=trace
    )
    return Outgoing(topics.INTAKE, act.case_id.encode(), act.to_bytes(), described)


def facts(acts: Iterable[ActRequested], cause: str, trace: str | None) -> dict[str, Any] | None:
    """What a commit keeps of the acts that follow from it; None without any."""
    kept = [
        {
            "id": act.act_id,
            "case": act.case_id,
            "v": sent.value,
            "h": {name: value.decode() for name, value in sent.headers.items()},
        }
        for act in acts
        for sent in (record(act, cause, trace),)
    ]
    return {FOLLOW: kept} if kept else None


def kept(commit: Commit) -> list[Outgoing]:
    """The acts that follow from a commit, with the same bytes at every time."""
    found = (commit.facts or {}).get(FOLLOW, ())
    return [
        Outgoing(
            topics.INTAKE,
            each["case"].encode(),
            bytes(each["v"]),
            {name: value.encode() for name, value in each["h"].items()},
        )
        for each in found
    ]
