"""Bad input: to `suda.dlq` with its raw bytes, where it lay and why; nothing waits for it (DESIGN.md 6.6).

Too much of it is not bad data but a bad deploy: the consumer then stops, uncommitted, until somebody looks.
"""

import json
from collections import deque
from collections.abc import Mapping
from datetime import datetime

from shared.bus import Outgoing, Record
from shared.errors import TooMuchPoison
from shared.events import topics

IN_A_ROW = 20
WINDOW = 200


class Budget:
    """Counts good and bad records of one consumer; raises TooMuchPoison past the limits of DESIGN.md 6.6."""

    def __init__(self) -> None:
        self._row = 0
        self._last: deque[bool] = deque(maxlen=WINDOW)

    def good(self) -> None:
        self._row = 0
        self._last.append(True)

    def bad(self) -> None:
        self._row += 1
        self._last.append(False)
        if self._row >= IN_A_ROW or self._last.count(False) * 2 >= WINDOW:
            raise TooMuchPoison(
                f"{self._row} bad records in a row, {self._last.count(False)} of the last {len(self._last)}: "
                "look at ./suda dlq list, mend the producer or this deploy, then start the service again"
            )


def letter(record: Record, reason: str, service: str, now: datetime) -> Outgoing:
    """What goes to the DLQ for `record`: same key, same bytes; the coordinates make it recognisable when repeated."""
    headers: dict[str, bytes] = {
        "suda_topic": record.topic.encode(),
        "suda_partition": str(record.partition).encode(),
        "suda_offset": str(record.offset).encode(),
        "suda_reason": reason.encode(),
        "suda_service": service.encode(),
        "suda_at": now.isoformat().encode(),
        "suda_headers": json.dumps({k: v.decode("latin-1") for k, v in record.headers.items()}).encode(),
        "suda_keyless": b"1" if record.key is None else b"0",
    }
    return Outgoing(topics.DLQ, record.key or b"", record.value, headers)


def coordinates(headers: Mapping[str, bytes]) -> str:
    """`topic/partition/offset/service`: the identity of a dead letter, the same at every redelivery."""
    return "/".join(headers.get(f"suda_{name}", b"?").decode() for name in ("topic", "partition", "offset", "service"))


def original(letter: Record) -> Outgoing:
    """The record as it was, to be sent again to where it came from."""
    found = json.loads(letter.headers.get("suda_headers", b"{}"))
    return Outgoing(
        letter.headers["suda_topic"].decode(),
        letter.key or b"",
        letter.value,
        {name: value.encode("latin-1") for name, value in found.items()},
    )
