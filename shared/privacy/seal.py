"""Fields of a complaint, sealed with its own data key so that deleting the key erases the person.

A sealed field is "sm4gcm:" + base64url(nonce | ciphertext | tag) without padding. The case and the field's name are
authenticated with it, so a value copied to another case or field does not open.
"""

import base64
import binascii
import os
from collections.abc import Mapping
from uuid import UUID

from shared.privacy.cipher import KEY_BYTES, Tampered, decrypt, encrypt

__all__ = ["PREFIX", "Tampered", "new_data_key", "seal", "seal_all", "unseal", "unseal_all"]

PREFIX = "sm4gcm:"


def new_data_key() -> bytes:
    """A fresh random key for one complaint, 16 bytes."""
    return os.urandom(KEY_BYTES)


def _aad(case_id: UUID | str, field: str) -> bytes:
    case = str(case_id).encode()
    return b"%d:%b:%b" % (len(case), case, field.encode())


def seal(data_key: bytes, case_id: UUID | str, field: str, text: str) -> str:
    """The text sealed for this case and field; another string at every call."""
    sealed = encrypt(data_key, text.encode(), _aad(case_id, field))
    return PREFIX + base64.urlsafe_b64encode(sealed).rstrip(b"=").decode("ascii")


def unseal(data_key: bytes, case_id: UUID | str, field: str, sealed: str) -> str:
    """The text of `seal`; raises Tampered when key, case, field or a single character differs."""
    if not sealed.startswith(PREFIX):
        raise Tampered(f"the value does not begin with {PREFIX}")
    body = sealed[len(PREFIX) :]
    try:
        raw = base64.b64decode(body + "=" * (-len(body) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise Tampered("the sealed value is not base64url") from None
    if base64.urlsafe_b64encode(raw).rstrip(b"=").decode("ascii") != body:
        raise Tampered("the sealed value is not in its one form")  # spare bits of the last character
    try:
        return decrypt(data_key, raw, _aad(case_id, field)).decode()
    except UnicodeDecodeError:
        raise Tampered("the sealed bytes are not text") from None


def seal_all(data_key: bytes, case_id: UUID | str, fields: Mapping[str, str]) -> dict[str, str]:
    """Every field sealed under its own name."""
    return {field: seal(data_key, case_id, field, text) for field, text in fields.items()}


def unseal_all(data_key: bytes, case_id: UUID | str, fields: Mapping[str, str]) -> dict[str, str]:
    """The inverse of `seal_all`; raises Tampered."""
    return {field: unseal(data_key, case_id, field, sealed) for field, sealed in fields.items()}
