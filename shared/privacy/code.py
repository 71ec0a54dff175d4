"""The query code: what a complainant types to see their own complaint.

The complaint's id (26 Crockford base32 characters) and 9 characters, 45 bits, of HMAC-SM3 over it, in seven groups of
five. A code is checked without any look-up, so a genuine one that is not yet projected is told from a guess.
"""

import hmac
from uuid import UUID

from shared.privacy.index import hmac_sm3
from shared.privacy.keys import Keyring

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
ID_CHARS = 26
MAC_CHARS = 9
GROUP = 5

_VALUES = {char: value for value, char in enumerate(ALPHABET)}
_LOOKALIKES = str.maketrans({"O": "0", "I": "1", "L": "1"})
_SEPARATORS = str.maketrans("", "", "-‐‑‒–—−－_ ")


def _encode(number: int, chars: int) -> str:
    return "".join(ALPHABET[(number >> (5 * place)) & 31] for place in reversed(range(chars)))


def _mac(keyring: Keyring, complaint_id: UUID) -> str:
    mac = int.from_bytes(hmac_sm3(keyring.code, b"query code " + complaint_id.bytes)[:8], "big")
    return _encode(mac >> (64 - 5 * MAC_CHARS), MAC_CHARS)


def query_code(keyring: Keyring, complaint_id: UUID) -> str:
    """The code of a complaint, always the same: XXXXX-XXXXX-XXXXX-XXXXX-XXXXX-XXXXX-XXXXX."""
    chars = _encode(complaint_id.int, ID_CHARS) + _mac(keyring, complaint_id)
    return "-".join(chars[start : start + GROUP] for start in range(0, len(chars), GROUP))


def read_code(keyring: Keyring, code: str) -> UUID | None:
    """The complaint's id; None for anything but a genuine code.

    Case, spaces, dashes and the look-alikes O/0, I/1, L/1 do not matter.
    """
    chars = "".join(code.split()).translate(_SEPARATORS).upper().translate(_LOOKALIKES)
    if len(chars) != ID_CHARS + MAC_CHARS or any(char not in _VALUES for char in chars):
        return None
    number = 0
    for char in chars[:ID_CHARS]:
        number = number << 5 | _VALUES[char]
    if number >> 128:
        return None
    complaint_id = UUID(int=number)
    return complaint_id if hmac.compare_digest(chars[ID_CHARS:], _mac(keyring, complaint_id)) else None
