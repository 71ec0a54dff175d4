"""Whatever is sent: never a 500, and nothing published or kept unless it was acknowledged."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.intake.core.acts import DATA
from services.intake.core.complaint import Complaint
from tests.handlers.fakes_intake import JSON, World, complaint

EXAMPLES = settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
TEXT = st.text(st.characters(), max_size=20) | st.sampled_from(["\x00", "\ud800", "530102", "2026-03-01", "", "9" * 40])
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=6,
)
FIELDS = st.sampled_from(list(Complaint.model_fields)) | TEXT
HEADER = st.text(st.characters(min_codepoint=1, max_codepoint=255, exclude_characters="\r\n"), max_size=30)
Ask = Callable[..., httpx.Response]


@pytest.fixture(scope="module")
def loop() -> Iterator[asyncio.Runner]:
    with asyncio.Runner() as runner:
        yield runner


@pytest.fixture(scope="module")
def made(loop: asyncio.Runner) -> Iterator[World]:
    world = World()
    loop.run(world.intake.start())
    yield world
    loop.run(world.http.aclose())
    loop.run(world.intake.stop())


@pytest.fixture(scope="module")
def case(loop: asyncio.Runner, made: World) -> str:
    return str(loop.run(_post(made, "/v1/complaints", complaint())).json()["case_id"])


def _post(made: World, path: str, body: Any, headers: Any = ()) -> Awaitable[httpx.Response]:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return made.http.post(path, content=raw, headers=[*JSON.items(), *headers])


def holds(loop: asyncio.Runner, made: World, path: str, body: Any, headers: Any = ()) -> None:
    """The property: acknowledged means published once, refused means that nothing changed."""

    def state() -> tuple[int, ...]:
        return len(made.bus.published), *(len(collection.rows) for collection in made.client.collections)

    before = state()
    answer = loop.run(_post(made, path, body, headers))  # type: ignore[arg-type]
    assert answer.status_code < 500
    if answer.status_code >= 400:
        assert state() == before
        assert answer.headers["content-type"] == "application/problem+json" and answer.json()["detail"]
    elif path != "/v1/imports/hotline":
        assert len(made.bus.published) == before[0] + 1


@EXAMPLES
@given(more=st.dictionaries(FIELDS, VALUES, max_size=4))
def test_any_field_of_a_complaint(loop: asyncio.Runner, made: World, more: dict[str, Any]) -> None:
    holds(loop, made, "/v1/complaints", complaint() | more)


@EXAMPLES
@given(part=st.sampled_from(["accused", "matter", "affair", "complainant"]), data=st.data())
def test_any_part_of_a_complaint(loop: asyncio.Runner, made: World, part: str, data: Any) -> None:
    names = list(Complaint.model_fields[part].annotation.model_fields)  # type: ignore[union-attr]
    holds(loop, made, "/v1/complaints", complaint() | {part: {data.draw(st.sampled_from(names)): data.draw(VALUES)}})


@EXAMPLES
@given(body=st.binary(max_size=200), headers=st.lists(st.tuples(st.just("content-type"), HEADER), max_size=1))
def test_any_bytes(loop: asyncio.Runner, made: World, body: bytes, headers: Any) -> None:
    for path in ("/v1/complaints", "/v1/imports/hotline"):
        holds(loop, made, path, body, [(name, value.encode("latin-1")) for name, value in headers])


NAMES = ["idempotency-key", "authorization", "prefer", "traceparent", "content-length"]


@EXAMPLES
@given(name=st.sampled_from(NAMES), value=HEADER)
def test_any_header(loop: asyncio.Runner, made: World, case: str, name: str, value: str) -> None:
    more = [(name, value.encode("latin-1"))]
    bearer = [*made.bearer().items()] if name != "authorization" else []
    if name != "prefer":
        holds(loop, made, "/v1/complaints", complaint(content=value.encode("latin-1").hex() or "x"), more)
    holds(loop, made, f"/v1/cases/{case}/acts", {"act": "archive"}, [*bearer, *more])


@EXAMPLES
@given(act=st.sampled_from(list(DATA)), more=st.dictionaries(TEXT, VALUES, max_size=2), data=st.data())
def test_any_data_of_an_act(loop: asyncio.Runner, made: World, case: str, act: str, more: Any, data: Any) -> None:
    names = [field.alias or name for name, field in DATA[act].model_fields.items()]
    given_ = more | ({data.draw(st.sampled_from(names)): data.draw(VALUES)} if names else {})
    holds(loop, made, f"/v1/cases/{case}/acts", {"act": act, "data": given_}, [*made.bearer().items()])


@EXAMPLES
@given(rows=st.lists(st.dictionaries(TEXT | st.sampled_from(["工单编号", "来电时间", "标题"]), VALUES), max_size=3))
def test_any_work_orders(loop: asyncio.Runner, made: World, rows: Any) -> None:
    holds(loop, made, "/v1/imports/hotline", rows, [*made.bearer("system", "suda-import").items()])
