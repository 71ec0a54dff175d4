"""Where a list goes on: sealed, because the public list's cursor would name a case, and so that none is made up."""

import base64
import binascii
import json

from shared.errors import BadInput
from shared.privacy.cipher import KEY_BYTES, decrypt, encrypt
from shared.privacy.index import hmac_sm3
from shared.privacy.keys import Keyring

Place = tuple[str, str]  # the value the list is sorted by, and the id


def _key(keyring: Keyring) -> bytes:
    return hmac_sm3(keyring.digest, b"list cursor")[:KEY_BYTES]


def write(keyring: Keyring, name: str, place: Place) -> str:
    """The cursor behind `place` in the list of that name."""
    return base64.urlsafe_b64encode(encrypt(_key(keyring), json.dumps(place).encode(), name.encode())).decode()


def read(keyring: Keyring, name: str, cursor: str) -> Place:
    """The place; raises BadInput for anything but a cursor of this list."""
    try:
        sealed = base64.b64decode(cursor, altchars=b"-_", validate=True)
        value, case = json.loads(decrypt(_key(keyring), sealed, name.encode()))
    except (BadInput, ValueError, binascii.Error):
        raise BadInput("cursor: take it from `next` of the page before; this one is none of this list") from None
    return value, case
