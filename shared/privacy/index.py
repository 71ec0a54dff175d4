"""Finding a person without knowing them: keyed digests (HMAC-SM3) of a normalised value.

Two spellings of one number give one index; without the key nothing can be tried against it. The kind goes into the
digest, so a number used as phone and as identity number has two unrelated indexes.
"""

import re
import unicodedata
from typing import Literal

from cryptography.hazmat.primitives.hashes import SM3
from cryptography.hazmat.primitives.hmac import HMAC

from shared.errors import BadInput
from shared.privacy.keys import Keyring

Kind = Literal["id_number", "phone"]

_COUNTRY = re.compile(r"^(?:\+|00)86")
_MOBILE = re.compile(r"1\d{10}")


def hmac_sm3(key: bytes, message: bytes) -> bytes:
    """HMAC with SM3 (GB/T 32905), 32 bytes."""
    mac = HMAC(key, SM3())
    mac.update(message)
    return mac.finalize()


def normalise(kind: Kind, value: str) -> str:
    """The one spelling of an identity number or a phone number; empty when there is nothing in it."""
    text = "".join(unicodedata.normalize("NFKC", value).split())
    return _phone(text) if kind == "phone" else text.upper()


def _phone(text: str) -> str:
    abroad = _COUNTRY.sub("", text.lstrip("("))
    digits = re.sub(r"[^0-9]", "", abroad)
    for prefix in ("86", "0"):  # 86 139… without the plus, and the 0 dialled before a mobile number
        if digits.startswith(prefix) and _MOBILE.fullmatch(digits[len(prefix) :]):
            digits = digits[len(prefix) :]
    if abroad != text.lstrip("(") and digits and not _MOBILE.fullmatch(digits) and not digits.startswith("0"):
        digits = "0" + digits  # +86 871 … is 0871 …
    return digits


def blind_index(keyring: Keyring, kind: Kind, value: str) -> str:
    """64 hex digits, equal for equal numbers of one kind; raises BadInput when the value holds no number."""
    text = normalise(kind, value)
    if not text:
        raise BadInput(f"the {kind} holds nothing that could be looked up")
    return hmac_sm3(keyring.index, f"{kind}:{text}".encode()).hex()


def digest(keyring: Keyring, content: bytes) -> str:
    """64 hex digits of the bytes, keyed, so that short contents cannot be guessed from it."""
    return hmac_sm3(keyring.digest, content).hex()
