"""Bad input: to `suda.dlq` with its raw bytes, where it lay and why; nothing waits for it (DESIGN.md 6.6).

Too much of it is not bad data but a bad deploy: the consumer then stops, uncommitted, until somebody looks.
"""

import json
from collections import deque
from collections.abc import Mapping
from datetime import datetime

from shared.bus import Outgoing, Record
from shared.errors import BadInput, TooMuchPoison
from shared.events import topics

IN_A_ROW = 20
WINDOW = 200
WHOLE = 2_000_000  # bytes of a value kept; only what was compressed on its way in can be larger (bus.LARGEST_LETTER)
HEADERS, KEY, REASON = 32_000, 1_000, 500


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
                "look at ./suda dlq list, mend the producer or this deploy, then start the service again; "
                "where they are bad for good, start it once with SUDA_PAST_POISON naming the topic"
            )


def letter(record: Record, reason: str, service: str, now: datetime) -> Outgoing:
    """What goes to the DLQ for `record`: same key, same bytes; the coordinates make it recognisable when repeated.

    A record that would not fit is kept by its beginning and says so: the whole lies where it came from, for good.
    """
    whole = len(record.value) <= WHOLE and len(record.key or b"") <= KEY
    kept = record.headers if sum(len(k) + len(v) for k, v in record.headers.items()) <= HEADERS else {}
    headers: dict[str, bytes] = {
        "suda_topic": record.topic.encode(),
        "suda_partition": str(record.partition).encode(),
        "suda_offset": str(record.offset).encode(),
        "suda_reason": reason[:REASON].encode(),
        "suda_service": service.encode(),
        "suda_at": now.isoformat().encode(),
        "suda_headers": json.dumps({k: v.decode("latin-1") for k, v in kept.items()}).encode(),
        "suda_keyless": b"1" if record.key is None else b"0",
    }
    if not whole or kept is not record.headers:
        headers["suda_shortened"] = str(len(record.value)).encode()
    return Outgoing(topics.DLQ, (record.key or b"")[:KEY], record.value[:WHOLE], headers)


def coordinates(headers: Mapping[str, bytes]) -> str:
    """`topic/partition/offset/service`: the identity of a dead letter, the same at every redelivery."""
    return "/".join(headers.get(f"suda_{name}", b"?").decode() for name in ("topic", "partition", "offset", "service"))


def original(letter: Record) -> Outgoing:
    """The record as it was, to be sent again to where it came from; raises BadInput if it was too large to be kept."""
    if "suda_shortened" in letter.headers:
        raise BadInput(f"{coordinates(letter.headers)} was too large to be kept whole; it lies where it came from")
    found = json.loads(letter.headers.get("suda_headers", b"{}"))
    return Outgoing(
        letter.headers["suda_topic"].decode(),
        None if letter.headers.get("suda_keyless") == b"1" else letter.key or b"",
        letter.value,
        {name: value.encode("latin-1") for name, value in found.items()},
    )
