"""Data keys of cases, unwrapped for a minute at most, to seal what is said in acts."""

import time
from collections import OrderedDict

from services.intake.store import Store
from shared.privacy.keys import Keyring

MOST = 1000
SECONDS = 60.0  # how long after its erasure a key may still be in memory here


class CaseKeys:
    """A bounded memory of unwrapped keys."""

    def __init__(self, store: Store, keyring: Keyring) -> None:
        self._store, self._keyring = store, keyring
        self._held: OrderedDict[str, tuple[float, bytes]] = OrderedDict()

    async def get(self, key_id: str) -> bytes | None:
        """The data key; None when it was erased. Raises Unavailable."""
        held = self._held.get(key_id)
        if held is not None and time.monotonic() - held[0] < SECONDS:
            return held[1]
        self._held.pop(key_id, None)
        wrapped = await self._store.wrapped(key_id)
        if wrapped is None:
            return None
        key = self._keyring.unwrap(wrapped)
        self._held[key_id] = (time.monotonic(), key)
        if len(self._held) > MOST:
            self._held.popitem(last=False)
        return key
