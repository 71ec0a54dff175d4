"""Bearer tokens: who acts, for which organisation, in which role.

With SUDA_JWKS unset the local issuer signs with HS256 and the keyring's token key; with it set only RS256 and ES256 by
a key of that set are accepted, never HS256. Claims: iss, sub, org, role, user, case, iat, exp. Expiry is judged against
the `now` given, because the system may run on a stepped clock. The audience is not checked.
"""

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any, Literal, get_args
from uuid import UUID

import jwt
from jwt import PyJWKClient
from jwt.types import Options

from shared.clock import Clock
from shared.errors import ConfigurationError, SudaError, Unavailable
from shared.privacy.keys import Keyring
from shared.settings import Settings

Role = Literal["complainant", "officer", "leader", "supervisor", "inspector", "province", "auditor", "system"]
ROLES: tuple[Role, ...] = get_args(Role)
LEEWAY = timedelta(minutes=1)  # clocks of two machines differ
_OPTIONS: Options = {
    "require": ["exp", "iss"],
    "verify_exp": False,
    "verify_iat": False,
    "verify_nbf": False,
    "verify_aud": False,
}


class Unauthorised(SudaError):
    """The token is missing something, forged, expired or of another issuer (401 over HTTP)."""


@dataclass(frozen=True, slots=True)
class Subject:
    """Who acts. `organisation` is a code; a complainant has `case_id`, the one case the token opens."""

    organisation: str
    role: Role
    user: str | None = None
    case_id: UUID | None = None


def issue(
    keyring: Keyring,
    settings: Settings,
    org: str,
    role: Role,
    user: str | None = None,
    case_id: UUID | None = None,
    hours: float = 12,
    *,
    now: datetime,
) -> str:
    """A token of the local issuer, valid `hours` from `now` (aware); raises ConfigurationError under SUDA_JWKS."""
    if settings.jwks is not None:
        raise ConfigurationError("tokens come from the issuer behind SUDA_JWKS; unset it to use the local one")
    if role not in ROLES:
        raise ConfigurationError(f"there is no role {role}; the roles are {', '.join(ROLES)}")
    claims: dict[str, Any] = {"iss": settings.issuer, "sub": user or org, "org": org, "role": role, "iat": now}
    claims |= {"exp": now + timedelta(hours=hours)}
    if user is not None:
        claims["user"] = user
    if case_id is not None:
        claims["case"] = str(case_id)
    return jwt.encode(claims, keyring.token, algorithm="HS256")


def presented(authorization: str | None) -> str:
    """The token of an Authorization header; raises Unauthorised where there is none."""
    scheme, _, token = (authorization or "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise Unauthorised("send a bearer token in Authorization; ./suda token makes one where tokens are local")
    return token.strip()


async def holder(token: str, keyring: Keyring, settings: Settings, clock: Clock) -> Subject:
    """Who presents the token. Raises as `verify` does, and blocks nobody.

    A local token lives by Suda's clock; one of an outside issuer by the real time that issuer knows.
    """
    if settings.jwks is None:
        return verify(token, keyring, settings, clock.now())
    return await asyncio.to_thread(verify, token, keyring, settings)


def verify(token: str, keyring: Keyring, settings: Settings, now: datetime | None = None) -> Subject:
    """Who the token says acts; `now` is the present real instant if not given.

    Raises Unauthorised, or Unavailable when the key set cannot be fetched. May block on the network under SUDA_JWKS
    (keys are cached for five minutes); otherwise it takes microseconds.
    """
    try:
        key, algorithms = _key(token, keyring, settings)
        claims = jwt.decode(
            token,
            key,
            algorithms=algorithms,
            issuer=settings.issuer,
            options=_OPTIONS,
        )
        moment = (now or datetime.now(UTC)).timestamp()
        if int(claims["exp"]) + LEEWAY.total_seconds() < moment:
            raise Unauthorised("the token has expired; ask for a new one")
        if int(claims.get("nbf", moment)) - LEEWAY.total_seconds() > moment:
            raise Unauthorised("the token is not valid yet")
        return _subject(claims)
    except jwt.PyJWKClientConnectionError:
        raise Unavailable("the key set behind SUDA_JWKS does not answer") from None
    except (jwt.PyJWTError, ValueError, TypeError, OverflowError) as error:
        raise Unauthorised(f"the token does not hold: {error}") from None


def _subject(claims: dict[str, Any]) -> Subject:
    organisation, role, user = claims.get("org"), claims.get("role"), claims.get("user")
    if not isinstance(organisation, str) or role not in ROLES or not isinstance(user, str | None):
        raise Unauthorised("the token must carry an organisation `org` and a `role` known here")
    case = claims.get("case")
    if role == "complainant" and case is None:
        raise Unauthorised("a complainant's token must name its `case`")
    return Subject(organisation, role, user, None if case is None else UUID(str(case)))


def _key(token: str, keyring: Keyring, settings: Settings) -> tuple[Any, list[str]]:
    if settings.jwks is None:
        return keyring.token, ["HS256"]
    return _key_set(settings.jwks).get_signing_key_from_jwt(token).key, ["RS256", "ES256"]


@lru_cache(maxsize=4)
def _key_set(url: str) -> PyJWKClient:
    return PyJWKClient(url, cache_keys=True, lifespan=300, timeout=5)
