"""The record: nothing lost, nothing doubled, every chain whole, the journals and the topics the same."""

from collections.abc import Iterable

from services.cli.proof.evidence import Evidence
from shared.events.base import digest, event_id
from shared.events.cases import Acted, Opened, Rejected
from shared.events.intake import ComplaintReceived
from shared.journal import Commit


def complaints_accounted(found: Evidence) -> list[str]:
    """Every complaint received is in exactly one case; every act applied or rejected once, or a dead letter."""
    caused: dict[str, int] = {}
    for case in found.events.values():
        for event, _ in case.values():
            if isinstance(event, Opened | Acted | Rejected):
                caused[event.cause] = caused.get(event.cause, 0) + 1
    wrong = []
    for one in found.inputs.values():
        times = caused.get(one.id, 0)
        kind = "complaint" if isinstance(one, ComplaintReceived) else "act"
        if times == 0 and not found.places[one.id] & found.letters:
            wrong.append(f"{kind} {one.id} was received and nothing came of it")
        elif times > 1:
            wrong.append(f"{kind} {one.id} was applied {times} times")
    return wrong


def receipts_published(found: Evidence) -> list[str]:
    """Every published input has a receipt, or was kept by routing, which asks for acts itself (merges).

    A receipt that was never published was never acknowledged: only named. What routing kept it has sent.
    """
    held = {receipt["_id"] for receipt in found.receipts}
    wrong = [
        f"input {one} is on suda.intake without a receipt"
        for one in found.inputs
        if held and one not in held | found.sent
    ]
    return wrong + [
        f"act {one} was asked for by routing and is not on suda.intake" for one in found.sent - set(found.inputs)
    ]


def unpublished(found: Evidence) -> int:
    """Receipts whose send never succeeded: answered with 503, the same key may be sent again."""
    return sum(receipt["_id"] not in found.inputs for receipt in found.receipts)


def sequences(found: Evidence) -> list[str]:
    """Per case contiguous from 1, ids as they must be, each event chained to the bytes of the one before."""
    wrong = list(found.contradictions)
    for case_id, events in found.events.items():
        head = None
        for seq in range(1, max(events) + 1):
            if seq not in events:
                wrong.append(f"case {case_id} has no event {seq} on suda.cases")
                break
            event, value = events[seq]
            if event.prev != head:
                wrong.append(f"case {case_id} event {seq} does not chain to the event before it")
            if event.event_id != event_id(case_id, seq):
                wrong.append(f"case {case_id} event {seq} has an id that is not its own")
            head = digest(value)
    return wrong


def routing_journal(found: Evidence) -> list[str]:
    """The journal of routing and `suda.cases` hold the same bytes."""
    journalled = {(c.case_id, c.seq + n): e.value for c in found.routing for n, e in enumerate(c.entries)}
    published = {(case, seq): value for case, events in found.events.items() for seq, (_, value) in events.items()}
    return _same(journalled, published, "routing's journal", "suda.cases")


def sla_journal(found: Evidence) -> list[str]:
    """The journal of sla with its rungs, and `suda.deadlines`, hold the same bytes."""
    journalled = set(_values(found.sla)) | {bytes(rung["v"]) for rung in found.rungs}
    published = {value for _, value in found.deadlines.values()}
    wrong = [f"{len(journalled - published)} deadline events are in sla's store and not on suda.deadlines"]
    wrong += [f"{len(published - journalled)} deadline events are on suda.deadlines and not in sla's store"]
    return [sentence for sentence in wrong if not sentence.startswith("0 ")]


def leftovers(found: Evidence) -> list[str]:
    """No event waits for its predecessor, no claimed rung for its publication, no bad record outside the DLQ."""
    wrong = [f"{service}: {len(rows)} events wait for a predecessor" for service, rows in found.early.items() if rows]
    if found.claims:
        wrong.append(f"{len(found.claims)} batches of rungs are claimed and not confirmed")
    missing = set(found.unreadable) - found.letters
    return wrong + [f"{place} cannot be read and is not in suda.dlq" for place in sorted(missing)]


def heads(found: Evidence) -> dict[str, str]:
    """The head of each case's chain: kept elsewhere, it shows tampering."""
    return {case: digest(events[max(events)][1]) for case, events in sorted(found.events.items())}


def _values(commits: Iterable[Commit]) -> Iterable[bytes]:
    return (entry.value for commit in commits for entry in commit.entries)


def _same(one: dict[tuple[str, int], bytes], other: dict[tuple[str, int], bytes], first: str, second: str) -> list[str]:
    wrong = [f"case {case} event {seq} is in {first} and not on {second}" for case, seq in one.keys() - other.keys()]
    wrong += [f"case {case} event {seq} is on {second} and not in {first}" for case, seq in other.keys() - one.keys()]
    differ = [key for key in one.keys() & other.keys() if one[key] != other[key]]
    return wrong + [f"case {case} event {seq} differs between {first} and {second}" for case, seq in differ]
