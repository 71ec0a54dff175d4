"""What makes two submissions one (DESIGN.md 6.1): ids and digests, all keyed, so that none can be guessed from."""

import json
from uuid import UUID, uuid4, uuid5

from pydantic import BaseModel

from shared.privacy.index import digest
from shared.privacy.keys import Keyring
from shared.privacy.tokens import Subject

# Fixed for ever: another value here would take every repeated submission for a new complaint.
_SUDA = UUID("0f6d5c1e-51d5-5b43-9d0c-8a4be1b0a7d1")
_BY_KEY = uuid5(_SUDA, "idempotency-key")
_BY_CONTENT = uuid5(_SUDA, "content")
_BY_WORK_ORDER = uuid5(_SUDA, "work-order")


def canonical(body: BaseModel) -> bytes:
    """One spelling of a body: sorted, without what equals its default, so a field added later changes nothing."""
    found = body.model_dump(mode="json", exclude_defaults=True, by_alias=True)
    return json.dumps(found, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def body_digest(keyring: Keyring, content: bytes) -> str:
    """The keyed digest a receipt holds to tell a repeated submission from another one under the same id."""
    return digest(keyring, b"body\0" + content)


def by_key(keyring: Keyring, key: str) -> str:
    """The complaint's id from the client's `Idempotency-Key`."""
    return str(uuid5(_BY_KEY, digest(keyring, b"key\0" + key.encode())))


def by_content(keyring: Keyring, content: bytes) -> str:
    """The complaint's id where no key was given: the whole canonical body, complainant included."""
    return str(uuid5(_BY_CONTENT, digest(keyring, b"content\0" + content)))


def by_work_order(keyring: Keyring, number: str) -> str:
    """The id of a 12345 work order from its number alone: the same file again is the same complaints."""
    return str(uuid5(_BY_WORK_ORDER, digest(keyring, b"work order\0" + number.encode())))


def act_id(keyring: Keyring, case_id: str, key: str | None, by: Subject) -> str:
    """An act's id: of the key and whoever acts, within the case; random without a key."""
    if key is None:
        return str(uuid4())
    whole = json.dumps([key, by.organisation, by.user, by.role]).encode()
    return str(uuid5(UUID(case_id), "act:" + digest(keyring, b"act\0" + whole)))
