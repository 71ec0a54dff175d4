"""`suda token`: a bearer token of the local issuer, for trying things out in the embedded default."""

from typing import Annotated
from uuid import UUID

import typer

from shared.clock import Clock
from shared.errors import ConfigurationError
from shared.privacy.keys import Keyring, keyring_path
from shared.privacy.tokens import ROLES, Role, issue
from shared.settings import settings


def token(
    org: Annotated[str, typer.Option(help="code of the organisation that acts; a system: also suda, the platform")],
    role: Annotated[str, typer.Option(help=", ".join(ROLES))],
    user: Annotated[str | None, typer.Option(help="name of the person who acts")] = None,
    case: Annotated[str | None, typer.Option(help="the one case a complainant's token opens")] = None,
    hours: Annotated[float, typer.Option(min=0.01, max=24 * 400, help="how long it holds")] = 12,
) -> None:
    """Print a token (only it) for an organisation and a role."""
    current = settings()
    known: dict[str, Role] = {name: name for name in ROLES}
    if role not in known:
        raise ConfigurationError(f"there is no role {role}; the roles are {', '.join(ROLES)}")
    try:
        case_id = UUID(case) if case else None
    except ValueError:
        raise ConfigurationError(
            f"{case} is no case id; it looks like 0b6f…-…, as POST /v1/complaints answers"
        ) from None
    if role == "complainant" and case_id is None:
        raise ConfigurationError("a complainant's token opens one case; name it with --case")
    now = Clock(current.home / "clock", current.clock).now()
    keyring = Keyring.load(keyring_path(current))
    typer.echo(issue(keyring, current, org, known[role], user, case_id, hours, now=now))
