"""SM4-GCM on bytes: the one place that touches the cipher (GB/T 32907, GB/T 36624)."""

import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import SM4
from cryptography.hazmat.primitives.ciphers.modes import GCM

from shared.errors import BadInput

KEY_BYTES = 16  # SM4 has 128-bit keys
NONCE_BYTES = 12  # GCM's native size; random, so one data key must stay below 2^32 messages: ours sees dozens
TAG_BYTES = 16


class Tampered(BadInput):
    """Sealed bytes that were changed, cut, moved to another case or field, or opened with another key."""


def encrypt(key: bytes, plain: bytes, aad: bytes) -> bytes:
    """nonce | ciphertext | tag under a fresh random nonce; `aad` is authenticated, not stored."""
    nonce = os.urandom(NONCE_BYTES)
    encryptor = Cipher(SM4(key), GCM(nonce)).encryptor()
    encryptor.authenticate_additional_data(aad)
    return nonce + encryptor.update(plain) + encryptor.finalize() + encryptor.tag


def decrypt(key: bytes, sealed: bytes, aad: bytes) -> bytes:
    """The plain bytes of `encrypt` with the same key and aad; raises Tampered."""
    if len(sealed) < NONCE_BYTES + TAG_BYTES:
        raise Tampered("the sealed value is too short to be one")
    nonce, body, tag = sealed[:NONCE_BYTES], sealed[NONCE_BYTES:-TAG_BYTES], sealed[-TAG_BYTES:]
    decryptor = Cipher(SM4(key), GCM(nonce, tag)).decryptor()
    decryptor.authenticate_additional_data(aad)
    try:
        return decryptor.update(body) + decryptor.finalize()
    except InvalidTag:
        raise Tampered("the sealed value was changed, or belongs to another case, field or key") from None
