"""shared/privacy/tokens.py: only our issuer's tokens hold, only until they expire, and never by another algorithm."""

import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any
from uuid import uuid4

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from jwt.algorithms import ECAlgorithm
from typer import Typer
from typer.testing import CliRunner

from services.cli import token as cli
from shared.errors import ConfigurationError, Unavailable
from shared.privacy.keys import Keyring, ensure
from shared.privacy.tokens import Subject, Unauthorised, issue, verify
from shared.settings import Settings

KEYRING = Keyring({"1": b"m" * 16}, "1", b"i" * 32, b"c" * 32, b"t" * 32, b"d" * 32)
LOCAL = Settings()
NOW = datetime(2026, 9, 18, 9, 0, tzinfo=UTC)
ORG = "11530102XXXXXXX001"
CLAIMS: dict[str, Any] = {"iss": "suda-local", "org": ORG, "role": "officer", "exp": NOW + timedelta(hours=1)}


def signed(claims: dict[str, Any], key: bytes = KEYRING.token, algorithm: str = "HS256") -> str:
    return jwt.encode(claims, key, algorithm=algorithm)


def test_a_token_says_who_acts() -> None:
    case = uuid4()
    token = issue(KEYRING, LOCAL, ORG, "complainant", "u", case, now=NOW)
    assert verify(token, KEYRING, LOCAL, NOW) == Subject(ORG, "complainant", "u", case)
    assert verify(issue(KEYRING, LOCAL, ORG, "officer", now=NOW), KEYRING, LOCAL, NOW) == Subject(ORG, "officer")


def test_expiry_is_judged_by_the_system_clock_given() -> None:
    token = issue(KEYRING, LOCAL, ORG, "officer", hours=1, now=NOW)
    assert verify(token, KEYRING, LOCAL, NOW + timedelta(hours=1))
    with pytest.raises(Unauthorised, match="expired"):
        verify(token, KEYRING, LOCAL, NOW + timedelta(hours=1, minutes=2))
    long_ago = issue(KEYRING, LOCAL, ORG, "officer", now=datetime(2020, 1, 1, tzinfo=UTC))
    with pytest.raises(Unauthorised, match="expired"):
        verify(long_ago, KEYRING, LOCAL)


def test_a_token_dated_in_the_real_future_holds_on_a_stepped_clock() -> None:
    future = datetime(2090, 1, 1, tzinfo=UTC)
    assert verify(issue(KEYRING, LOCAL, ORG, "officer", now=future), KEYRING, LOCAL, future)


@pytest.mark.parametrize(
    "change",
    [
        {"iss": "another"},
        {"iss": None},
        {"exp": None},
        {"exp": "soon"},
        {"exp": float("nan")},
        {"exp": float("inf")},
        {"org": None},
        {"org": 1},
        {"role": "king"},
        {"role": None},
        {"user": 7},
        {"case": "no uuid"},
        {"case": 7},
        {"role": "complainant"},
        {"nbf": NOW + timedelta(days=1)},
    ],
)
def test_a_token_with_a_wrong_claim_does_not_hold(change: dict[str, Any]) -> None:
    claims = {name: value for name, value in (CLAIMS | change).items() if value is not None}
    with pytest.raises(Unauthorised):
        verify(signed(claims), KEYRING, LOCAL, NOW)


@pytest.mark.parametrize(
    "token",
    [
        "",
        "a.b.c",
        "令牌",
        signed(CLAIMS, b"x" * 32),
        signed(CLAIMS, b"t" * 64, "HS512"),
        jwt.encode(CLAIMS, "", algorithm="none"),
        signed(CLAIMS)[:-2],
    ],
)
def test_a_forged_token_does_not_hold(token: str) -> None:
    with pytest.raises(Unauthorised):
        verify(token, KEYRING, LOCAL, NOW)


class Issuer:
    """An OIDC issuer's key set on a local port, with one ES256 key."""

    def __init__(self) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.asked = 0
        public = ECAlgorithm.to_jwk(self.key.public_key(), as_dict=True) | {"kid": "k1", "use": "sig", "alg": "ES256"}
        body, issuer = json.dumps({"keys": [public]}).encode(), self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                issuer.asked += 1
                self.send_response(200)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *args: object) -> None:
                return None

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.settings = Settings(jwks=f"http://127.0.0.1:{self.server.server_port}/jwks", issuer="https://id.example")

    def sign(self, claims: dict[str, Any]) -> str:
        return jwt.encode(claims, self.key, algorithm="ES256", headers={"kid": "k1"})


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    made = Issuer()
    thread = threading.Thread(target=made.server.serve_forever)
    thread.start()
    yield made
    made.server.shutdown()
    thread.join()
    made.server.server_close()


def test_with_a_key_set_only_its_issuers_tokens_hold_and_the_set_is_fetched_once(issuer: Issuer) -> None:
    claims = CLAIMS | {"iss": "https://id.example", "aud": "suda"}
    for _ in range(3):
        assert verify(issuer.sign(claims), KEYRING, issuer.settings, NOW) == Subject(ORG, "officer")
    assert issuer.asked == 1
    with pytest.raises(Unauthorised):
        verify(issuer.sign(CLAIMS), KEYRING, issuer.settings, NOW)


def test_with_a_key_set_hs256_is_never_accepted_even_with_its_kid(issuer: Issuer) -> None:
    claims = CLAIMS | {"iss": "https://id.example"}
    for forged in (signed(claims), jwt.encode(claims, KEYRING.token, algorithm="HS256", headers={"kid": "k1"})):
        with pytest.raises(Unauthorised):
            verify(forged, KEYRING, issuer.settings, NOW)


def test_a_key_set_that_does_not_answer_is_not_the_tokens_fault(issuer: Issuer) -> None:
    gone = Settings(jwks="http://127.0.0.1:1/jwks", issuer="https://id.example")
    with pytest.raises(Unavailable):
        verify(issuer.sign(CLAIMS), KEYRING, gone, NOW)


def test_the_local_issuer_is_closed_under_a_key_set_and_knows_its_roles() -> None:
    with pytest.raises(ConfigurationError, match="SUDA_JWKS"):
        issue(KEYRING, Settings(jwks="http://127.0.0.1:1/"), ORG, "officer", now=NOW)
    with pytest.raises(ConfigurationError, match="no role king"):
        issue(KEYRING, LOCAL, ORG, "king", now=NOW)  # type: ignore[arg-type]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    ensure(tmp_path / "keys.json")
    found = Settings(home=tmp_path, clock="2026-01-01T00:00:00+08:00 2026-09-18T09:00:00+08:00 0")
    monkeypatch.setattr(cli, "settings", lambda: found)
    return found


def run(*arguments: str) -> Any:
    app = Typer()
    app.command()(cli.token)
    return CliRunner().invoke(app, list(arguments))


def test_the_command_prints_the_token_only_and_by_the_homes_clock(home: Settings) -> None:
    done = run("--org", ORG, "--role", "supervisor", "--user", "王")
    assert done.exit_code == 0
    keyring = Keyring.load(home.home / "keys.json")
    now = datetime(2026, 9, 18, 2, 0, tzinfo=UTC)
    assert verify(done.stdout.removesuffix("\n"), keyring, home, now) == Subject(ORG, "supervisor", "王")


@pytest.mark.parametrize(
    ("arguments", "mend"),
    [
        (("--role", "king"), "the roles are"),
        (("--role", "complainant"), "--case"),
        (("--role", "complainant", "--case", "7"), "no case id"),
    ],
)
def test_the_command_refuses_with_the_mend(home: Settings, arguments: tuple[str, ...], mend: str) -> None:
    done = run("--org", ORG, *arguments)
    assert isinstance(done.exception, ConfigurationError)
    assert mend in str(done.exception)
