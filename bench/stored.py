"""What a run of the pipeline stored: counted, so that a run that lost anything has no figure, and sampled."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bench import relay
from bench.harness import Figures
from shared.bus import Outgoing
from shared.errors import SudaError
from shared.store import Client

SAMPLE = 300  # complaints whose documents the relay copies, spread over the whole run
# By service: collection -> the field that begins with the case's id.
COLLECTIONS = {
    "routing": {"journal": "case"},
    "sla": {"journal": "case", "open": "_id"},
    "reporting": {"cases": "_id", "deadline_events": "case"},
}
EXACT = ("routing_journal", "reporting_cases")  # one a complaint, whatever the batches were


async def look(client: Client, prefix: str, made: Sequence[Outgoing], templates: Path) -> Figures:
    """Documents and bytes per complaint by collection; writes the sample for the relay. Raises SudaError."""
    step = max(1, len(made) // SAMPLE)
    sampled: dict[str, dict[str, list[dict[str, Any]]]] = {(record.key or b"").decode(): {} for record in made[::step]}
    documents: dict[str, float] = {}
    for service, collections in COLLECTIONS.items():
        for name, field in collections.items():
            mark, count = f"{service}_{name}", 0
            async for document in client[prefix + service][name].find({}):
                count += 1
                if (case := document[field][:36]) in sampled:
                    sampled[case].setdefault(mark, []).append(document)
            documents[mark] = round(count / len(made), 3)
    if any(documents[mark] != 1 for mark in EXACT) or min(documents.values()) < 1:
        raise SudaError(f"the run lost or doubled something; documents per complaint: {documents}")
    sizes = {mark: sum(relay.size(one.get(mark, ())) for one in sampled.values()) for mark in documents}
    relay.write(templates, list(sampled.values()))
    return {
        "documents_per_complaint": round(sum(documents.values()), 3),
        "bytes_per_complaint": round(sum(sizes.values()) / len(sampled)),
        "documents": documents,
        "bytes": {mark: round(size / len(sampled)) for mark, size in sizes.items()},
    }
