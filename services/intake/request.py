"""What is read of a request before anything is decided: body, key, trace, who sends it, how long to wait."""

import asyncio
import re

from fastapi import Request
from starlette.requests import ClientDisconnect

from services.intake.problems import Refused
from shared.clock import Clock
from shared.privacy.keys import Keyring
from shared.privacy.tokens import Subject, Unauthorised, holder, presented
from shared.settings import Settings

LONGEST_WAIT = 30.0
DISCARDED, DISCARDING = 64_000_000, 10.0  # bytes and seconds spent on a body that is refused
_KEY = re.compile(r"[\x21-\x7e]{1,200}")
_TRACE = re.compile(r"00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")
_WAIT = re.compile(r"\s*wait\s*=\s*\"?([0-9]{1,6})\"?\s*", re.IGNORECASE)


async def body(request: Request, limit: int, *media_types: str) -> bytes:
    """The whole body; raises Refused: 415 for another type, 413 over `limit` bytes.

    What is over the limit is read and thrown away, as far as DISCARDED: a connection closed on a sender takes the
    answer with it. Who asked first (Expect: 100-continue) is told at once.
    """
    media_type(request, *media_types)
    length = request.headers.get("content-length", "")
    announced = int(length) if length.isdecimal() and len(length) < 20 else 0
    if announced > limit and ("expect" in request.headers or announced > DISCARDED):
        raise _too_large(limit)
    parts, size = list[bytes](), 0
    try:
        async with asyncio.timeout(None) as patience:
            async for part in request.stream():
                size += len(part)
                if size > DISCARDED:
                    break
                if size <= limit:
                    parts.append(part)
                elif patience.when() is None:
                    parts.clear()
                    patience.reschedule(asyncio.get_running_loop().time() + DISCARDING)
    except ClientDisconnect:
        raise Refused(400, "Incomplete", "the connection ended before the body did") from None
    except TimeoutError:
        pass
    if size > limit:
        raise _too_large(limit)
    return b"".join(parts)


def media_type(request: Request, *allowed: str) -> str:
    """The media type without its parameters; raises Refused 415."""
    found = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if found not in allowed:
        raise Refused(415, "Unsupported media type", f"send {' or '.join(allowed)}, and say so in Content-Type")
    return found


def _too_large(limit: int) -> Refused:
    refused = Refused(413, "Too large", f"the body is over {limit} bytes; send less, or fewer attachments")
    refused.headers["Connection"] = "close"  # the rest of it is not read
    return refused


def idempotency_key(request: Request) -> str | None:
    """The `Idempotency-Key`; raises Refused when it is no 1 to 200 visible ASCII characters."""
    key = request.headers.get("idempotency-key")
    if key is not None and not _KEY.fullmatch(key):
        raise Refused(400, "Invalid Idempotency-Key", "Idempotency-Key must be 1 to 200 visible ASCII characters")
    return key


def trace(request: Request) -> str | None:
    """The W3C `traceparent`, where it is one."""
    found = request.headers.get("traceparent", "")
    return found if _TRACE.fullmatch(found) else None


def wait(request: Request) -> float:
    """The seconds of `Prefer: wait=N`, at most 30; 0 where nothing is to be waited for."""
    preferences = ",".join(request.headers.getlist("prefer")).replace(";", ",").split(",")
    found = next((match for part in preferences if (match := _WAIT.fullmatch(part))), None)
    return min(float(found[1]), LONGEST_WAIT) if found else 0.0


async def subject(request: Request, keyring: Keyring, settings: Settings, clock: Clock) -> Subject:
    """Who sends it, by the bearer token; raises Refused 401."""
    try:
        return await holder(presented(request.headers.get("authorization")), keyring, settings, clock)
    except Unauthorised as error:
        refused = Refused(401, "Unauthorised", str(error))
        refused.headers["WWW-Authenticate"] = "Bearer"
        raise refused from None
