"""`POST /v1/imports/hotline` and `suda import hotline`: good rows go in, bad ones are named, again adds nothing."""

import asyncio
import csv
import io
import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from typer.testing import CliRunner

from services.cli import importing
from shared.errors import ConfigurationError, Unavailable
from shared.events.intake import ComplaintReceived, parse
from tests.handlers.fakes_intake import CENTRE, NOW, OFFICE, World, world

HEADS = ("工单编号", "来电时间", "来电人", "联系电话", "行政区划", "诉求类型", "标题", "诉求内容")


def order(number: int, **more: str) -> dict[str, str]:
    cells = (f"A{number}", "2026-03-01 09:00:00", "林样例", "19900001000", "530102", "投诉", "标题", f"第{number}件")
    return dict(zip(HEADS, cells, strict=True)) | more


def as_csv(rows: list[dict[str, str]]) -> bytes:
    text = io.StringIO()
    writer = csv.DictWriter(text, list(dict.fromkeys(head for row in rows for head in row)))
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


async def send(made: World, raw: bytes, type: str = "text/csv", bearer: dict[str, str] | None = None) -> httpx.Response:
    sent = {"content-type": type} | (made.bearer("system", "suda-import") if bearer is None else bearer)
    return await made.http.post("/v1/imports/hotline", content=raw, headers=sent)


def counts(answer: httpx.Response) -> tuple[int, ...]:
    assert answer.status_code == 200, answer.text
    return tuple(answer.json()[word] for word in ("rows", "imported", "repeated", "conflicts", "refused"))


async def test_every_row_is_a_complaint_received_on_the_day_of_the_call() -> None:
    async with world() as made:
        assert counts(await send(made, as_csv([order(1), order(2)]))) == (2, 2, 0, 0, 0)
        event = parse(made.bus.published[0].value)
        assert isinstance(event, ComplaintReceived)
        assert event.received_on.isoformat() == "2026-03-01" and event.received_at == NOW
        assert (event.channel, event.door, event.source_reference) == ("hotline", "12345", "A1")
        assert "林样例" not in made.everything() and "19900001000" not in made.everything()


@pytest.mark.parametrize(
    ("organisation", "role", "taken"),
    [
        ("suda-import", "system", 1),
        (CENTRE, "system", 1),
        (CENTRE, "supervisor", 1),
        (OFFICE, "system", 0),
        ("11530103XXXXXXX001", "supervisor", 0),
    ],
)
async def test_an_administration_and_its_system_import_for_their_own_divisions_the_platform_for_all(
    organisation: str, role: str, taken: int
) -> None:
    async with world() as made:
        answer = await send(made, as_csv([order(1)]), bearer=made.bearer(role, organisation))
        assert counts(answer) == (1, taken, 0, 0, 1 - taken)
        assert len(made.bus.published) == taken


async def test_the_same_file_again_adds_nothing_and_publishes_the_same_bytes() -> None:
    async with world() as made:
        raw = as_csv([order(1), order(2)])
        await send(made, raw)
        made.step(NOW + timedelta(days=30))
        inserts = made.client.keys.calls.count("insert_many")
        assert counts(await send(made, raw)) == (2, 0, 2, 0, 0)
        assert made.bus.published[:2] == made.bus.published[2:]
        assert made.client.keys.calls.count("insert_many") == inserts, "no key is made for what was imported before"


async def test_the_same_orders_as_json_are_the_same_complaints() -> None:
    async with world() as made:
        await send(made, as_csv([order(1), order(2)]))
        raw = json.dumps([order(1), order(2)]).encode()
        assert counts(await send(made, raw, "application/json")) == (2, 0, 2, 0, 0)


async def test_the_same_number_with_other_content_is_an_error_with_its_line_and_the_first_stays() -> None:
    async with world() as made:
        await send(made, as_csv([order(1)]))
        answer = await send(made, as_csv([order(2), order(1, 标题="别的")]))
        assert counts(answer) == (2, 1, 0, 1, 0)
        (error,) = answer.json()["errors"]
        assert error["line"] == 3 and error["field"] == "工单编号" and "already imported" in error["problem"]
        assert len(made.bus.published) == 2


async def test_a_number_twice_in_one_file_is_one_complaint_or_a_conflict() -> None:
    async with world() as made:
        answer = await send(made, as_csv([order(1), order(1), order(1, 标题="别的")]))
        assert counts(answer) == (3, 1, 1, 1, 0)
        assert len(made.client.receipts.rows) == len(made.client.keys.rows) == 1


async def test_bad_rows_are_named_with_their_lines_and_the_good_ones_go_in() -> None:
    async with world() as made:
        rows = [order(1, 诉求内容="一\n二"), order(2, 行政区划="999999"), order(3, 诉求类型="表扬林样例"), order(4)]
        answer = await send(made, as_csv(rows))
        assert counts(answer) == (4, 2, 0, 0, 2)
        found = [(error["line"], error["field"]) for error in answer.json()["errors"]]
        assert found == [(4, "行政区划"), (5, "诉求类型")]
        assert "林样例" not in answer.text and "999999" not in answer.text


async def test_columns_nobody_reads_are_named() -> None:
    async with world() as made:
        assert (await send(made, as_csv([order(1, 办理状态="新")]))).json()["ignored_columns"] == ["办理状态"]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
async def test_the_encodings_of_hotlines_are_read(encoding: str) -> None:
    async with world() as made:
        assert counts(await send(made, as_csv([order(1)]).decode().encode(encoding)))[1] == 1


@pytest.mark.parametrize(
    ("raw", "type", "status"),
    [
        (b"", "text/csv", 400),
        (b"a,b\n1,2\n", "text/csv", 400),
        ("工单".encode("utf-16"), "text/csv", 400),
        (b"{", "application/json", 400),
        (b'{"rows": []}', "application/json", 400),
        (b"x", "application/vnd.ms-excel", 415),
        (b"x" * 10_000_001, "text/csv", 413),
    ],
)
async def test_a_file_that_cannot_be_read_is_refused_whole(raw: bytes, type: str, status: int) -> None:
    async with world() as made:
        answer = await send(made, raw, type)
        assert answer.status_code == status and answer.headers["content-type"] == "application/problem+json"
        assert not made.bus.published


async def test_only_those_who_may_import_do() -> None:
    async with world() as made:
        assert (await send(made, as_csv([order(1)]), bearer={})).status_code == 401
        assert (await send(made, as_csv([order(1)]), bearer=made.bearer("officer"))).status_code == 403
        assert (await send(made, as_csv([order(1)]), bearer=made.bearer("supervisor"))).status_code == 200


async def test_an_import_broken_off_by_kafka_is_completed_by_the_next_one() -> None:
    async with world() as made:
        raw = as_csv([order(n) for n in range(30)])
        made.bus.away = 5
        assert (await send(made, raw)).status_code == 503
        assert counts(await send(made, raw)) == (30, 0, 30, 0, 0)
        assert len({parse(record.value).id for record in made.bus.published}) == 30


class Wire(httpx.BaseTransport):
    """The command's HTTP client on the application, which lives in a loop of its own."""

    def __init__(self, loop: asyncio.Runner, made: World) -> None:
        self.loop, self.made, self.requests, self.away = loop, made, 0, 0

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self.requests += 1
        if self.away:
            self.away -= 1
            raise httpx.ConnectError("refused")

        async def ask() -> tuple[int, Any, bytes]:
            found = await self.made.http.request(
                request.method, request.url.path, content=request.content, headers=request.headers
            )
            return found.status_code, found.headers, found.content

        status, headers, content = self.loop.run(ask())
        return httpx.Response(status, headers=headers, content=content)


@pytest.fixture
def wire() -> Any:
    with asyncio.Runner() as loop:
        made = World()
        loop.run(made.intake.start())
        yield Wire(loop, made)
        loop.run(made.http.aclose())
        loop.run(made.intake.stop())


@pytest.fixture
def command(wire: Wire, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., Any]:
    """Run `suda import hotline` on a file of these bytes."""
    token = wire.made.bearer("system", "suda-import")["authorization"].split()[1]
    real = httpx.Client
    monkeypatch.setattr(importing.httpx, "Client", lambda **given: real(transport=wire, **given))
    monkeypatch.setattr(importing, "PATIENCE", 0.5)

    def run(raw: bytes, name: str = "orders.csv", *more: str) -> Any:
        (tmp_path / name).write_bytes(raw)
        return CliRunner().invoke(importing.app, ["hotline", str(tmp_path / name), "--token", token, *more])

    return run


def test_the_command_sends_a_long_file_in_pieces_and_again_adds_nothing(wire: Wire, command: Any) -> None:
    raw = as_csv([order(n) for n in range(450)])
    first = command(raw, "orders.csv", "--json")
    assert first.exit_code == 0, first.output
    found = json.loads(first.stdout)
    assert (found["rows"], found["imported"], found["repeated"]) == (450, 450, 0) and wire.requests == 3
    again = command(json.dumps([order(n) for n in range(450)]).encode(), "orders.json", "--json")
    assert again.exit_code == 0 and json.loads(again.stdout)["repeated"] == 450


def test_the_command_names_the_lines_of_the_file_and_ends_with_1(command: Any) -> None:
    rows = [order(n) for n in range(250)]
    rows[0]["诉求内容"] = "一\n二"
    rows[240]["行政区划"] = "999999"
    raw = as_csv(rows) + b"only,three,cells\n"
    found = command(raw)
    assert found.exit_code == 1
    assert "line 243: 行政区划" in found.stderr and "line 253: row" in found.stderr
    assert "251 rows: 249 imported, 0 repeated, 0 conflicts, 2 refused" in found.stdout


def test_the_command_refuses_an_unusable_file_before_anything_is_sent(wire: Wire, command: Any) -> None:
    for raw in (b"", b"a,b\n", as_csv([order(1)]) + b'"open'):
        assert isinstance(command(raw).exception, ConfigurationError)
    assert wire.requests == 0


def test_the_command_waits_out_a_short_absence_and_says_how_to_go_on_after_a_long_one(wire: Wire, command: Any) -> None:
    wire.away = 1
    assert command(as_csv([order(1)])).exit_code == 0
    wire.away = 100
    gone = command(as_csv([order(2)])).exception
    assert isinstance(gone, Unavailable) and "run the same command again" in str(gone)


def test_the_command_says_why_it_may_not_import(wire: Wire, command: Any, tmp_path: Path) -> None:
    officer = wire.made.bearer("officer")["authorization"].split()[1]
    found = command(as_csv([order(1)]), "orders.csv", "--token", officer)
    assert isinstance(found.exception, ConfigurationError) and "403" in str(found.exception)


def test_the_sample_files_are_readable_whole() -> None:
    samples = Path(__file__).parents[2] / "deploy" / "samples"
    for name in ("hotline.csv", "hotline.json"):
        rows = list(importing.rows_of(samples / name))
        assert rows and not any(row.flaw for row in rows)
