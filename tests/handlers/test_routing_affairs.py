"""Affairs over HTTP and from files: who may say what, which fields, and that the same again changes nothing."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from services.cli import affairs as files
from services.cli.importing import rows_of
from services.intake.core.admission import Flaw
from services.routing import api
from services.routing.core.affair import Affair
from services.routing.core.decide import World
from services.routing.store import Affairs
from shared.clock import Clock
from shared.directory.tree import Directory
from shared.errors import Unavailable
from shared.privacy.keys import Keyring, ensure
from shared.privacy.tokens import Role, issue
from shared.service import _answers
from shared.settings import Settings
from tests.conftest import SAMPLES
from tests.core.cases import ADMINISTRATION
from tests.handlers.fakes_routing import FakeClient, FakeDatabase, FakeSettings

UNIT = "11530102XXXXXXX012"
SAID = {"accepted_by": UNIT, "accepted_on": "2026-09-01", "division": "530102"}
OTHER = {"accepted_by": UNIT, "division": "530103"}


class Process:
    """What the routes need, on a store in memory."""

    def __init__(self, home: Path, directory: Directory) -> None:
        self.settings = Settings(home=home, max_body_bytes=100_000)
        ensure(home / "keys.json")
        self.clock, self.keyring = Clock(home / "clock"), Keyring.load(home / "keys.json")
        self.client, self.directory = FakeClient(), directory
        self.affairs: Affairs | None = Affairs(FakeDatabase(self.client), FakeSettings())  # type: ignore[arg-type]

    def token(self, role: Role = "system", organisation: str = "platform") -> str:
        return issue(self.keyring, self.settings, organisation, role, now=self.clock.now())

    @property
    def kept(self) -> dict[str, Any]:
        return self.client.collection("affairs").documents


@pytest.fixture
def process(tmp_path: Path, world: World) -> Process:
    return Process(tmp_path, world.directory)


@pytest.fixture
async def http(process: Process) -> AsyncIterator[httpx.AsyncClient]:
    app = FastAPI()
    _answers(app, "routing")
    api.routes(app, process)  # type: ignore[arg-type]
    headers = {"authorization": f"Bearer {process.token()}"}
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://routing", headers=headers) as client:
        yield client


async def test_an_affair_is_new_once_and_then_unchanged(http: httpx.AsyncClient, process: Process) -> None:
    first, second = [await http.put("/v1/affairs/P1", json=SAID) for _ in range(2)]
    assert (first.status_code, second.status_code) == (201, 200)
    assert second.json() == {"project_no": "P1", "outcome": "unchanged"}
    assert process.kept == {"P1": {"_id": "P1", "revision": 1, "handled": [], **SAID}}


async def test_what_comes_later_is_added(http: httpx.AsyncClient) -> None:
    await http.put("/v1/affairs/P1", json=SAID)
    more = {"handled": [{"by": UNIT, "from": "2026-09-02"}], "concluded_by": UNIT, "concluded_on": "2026-09-09"}
    changed = await http.put("/v1/affairs/P1", json=more)
    assert changed.json()["outcome"] == "changed"
    found = (await http.get("/v1/affairs/P1")).json()
    assert found["accepted_on"] == "2026-09-01" and found["handled"] == more["handled"]


async def test_nothing_about_a_person_is_taken(http: httpx.AsyncClient, process: Process) -> None:
    refused = await http.put("/v1/affairs/P1", json=SAID | {"applicant": "张三"})
    assert refused.status_code == 422 and "张三" not in refused.text and not process.kept
    assert refused.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("P1", {"accepted_by": "short"}, 422), ("P1", {}, 422), ("x" * 51, SAID, 422),
        ("P1", SAID | {"kind": "7"}, 422), ("P1", SAID | {"project_no": "P2"}, 422),
        ("P1", SAID | {"accepted_on": 5}, 422),
        ("P1", [], 422),
        ("P%20", SAID, 422),
    ],
)  # fmt: skip
async def test_a_wrong_field_is_named(http: httpx.AsyncClient, path: str, body: Any, status: int) -> None:
    assert (await http.put(f"/v1/affairs/{path}", json=body)).status_code == status


async def test_what_is_no_json_or_too_large_is_refused(http: httpx.AsyncClient) -> None:
    json = {"content-type": "application/json"}
    assert (await http.put("/v1/affairs/P1", content=b"{", headers=json)).status_code == 400
    assert (await http.put("/v1/affairs/P1", content=b" " * 200_000, headers=json)).status_code == 413
    assert (await http.put("/v1/affairs/P1", content=b"a", headers={"content-type": "text/csv"})).status_code == 415


async def test_only_those_who_run_the_systems_and_only_for_their_divisions(
    http: httpx.AsyncClient, process: Process
) -> None:
    def as_(role: Role, organisation: str) -> dict[str, str]:
        return {"authorization": f"Bearer {process.token(role, organisation)}"}

    assert (await http.put("/v1/affairs/P1", json=SAID, headers={"authorization": ""})).status_code == 401
    assert (await http.put("/v1/affairs/P1", json=SAID, headers=as_("officer", UNIT))).status_code == 403
    supervisor = as_("supervisor", ADMINISTRATION)
    assert (await http.put("/v1/affairs/P1", json=SAID, headers=supervisor)).status_code == 201
    assert (await http.put("/v1/affairs/P2", json=OTHER, headers=supervisor)).status_code == 422
    assert (await http.put("/v1/affairs/P3", json={"accepted_by": UNIT}, headers=supervisor)).status_code == 422
    own = as_("system", ADMINISTRATION)  # a city's own system speaks where its administration does
    assert (await http.put("/v1/affairs/P1", json=SAID, headers=own)).status_code == 200
    assert (await http.put("/v1/affairs/P2", json=OTHER, headers=own)).status_code == 422
    assert (await http.put("/v1/affairs/P2", json=SAID, headers=as_("system", UNIT))).status_code == 422
    await http.put("/v1/affairs/P4", json=OTHER)
    assert (await http.get("/v1/affairs/P4", headers=supervisor)).status_code == 404
    # an affair of another division cannot be taken over by calling it one's own
    assert (await http.put("/v1/affairs/P4", json=SAID, headers=supervisor)).status_code == 422


async def test_a_batch_takes_each_by_itself_and_one_that_stands_there_twice_in_order(
    http: httpx.AsyncClient, process: Process
) -> None:
    again = {"project_no": "P1", "concluded_by": UNIT, "concluded_on": "2026-09-10"}
    batch = [
        {"project_no": "P1", **SAID},
        {"project_no": "P2"},
        again,
        {"project_no": "P1", "division": "530103", **again},
    ]
    found = (await http.post("/v1/affairs", json=batch)).json()
    assert {word: found[word] for word in api.COUNTS} == {"new": 1, "changed": 1, "unchanged": 0, "refused": 2}
    assert [error["index"] for error in found["errors"]] == [1, 3]
    assert process.kept["P1"]["concluded_on"] == "2026-09-10"


async def test_before_the_store_answers_it_is_503(http: httpx.AsyncClient, process: Process) -> None:
    process.affairs = None
    assert (await http.put("/v1/affairs/P1", json=SAID)).status_code == 503


async def test_two_uploads_at_once_lose_nothing(process: Process) -> None:
    affairs = process.affairs
    assert affairs is not None
    first = Affair.model_validate({"project_no": "P1", "accepted_by": UNIT})
    await affairs.put({"P1": first})
    collection = process.client.collection("affairs")
    inner, raced = collection.replace_one, []

    async def slow(query: dict[str, Any], document: dict[str, Any]) -> object:
        if not raced:  # somebody else is quicker
            raced.append(1)
            await affairs.put({"P1": first.model_copy(update={"matter": "M1"})})
        return await inner(query, document)

    collection.replace_one = slow  # type: ignore[assignment, method-assign]
    assert await affairs.put({"P1": first.model_copy(update={"kind": "2"})}) == {"P1": "changed"}
    assert (collection.documents["P1"]["matter"], collection.documents["P1"]["kind"]) == ("M1", "2")


async def test_finding_asks_once_by_key_and_not_at_all_for_none(process: Process) -> None:
    affairs, collection = process.affairs, process.client.collection("affairs")
    assert affairs is not None
    await affairs.put({"P1": Affair.model_validate({"project_no": "P1", "accepted_by": UNIT})})
    collection.finds = 0
    assert set(await affairs.find(["P1", "P2", "P1"])) == {"P1"} and collection.finds == 1
    assert await affairs.find([]) == {} and collection.finds == 1


class TestFiles:
    def test_the_sample_is_read(self) -> None:
        rows = list(rows_of(SAMPLES / "affairs.csv", files.HEADS))
        read = [files.affair(row.cells) for row in rows]
        assert not any(isinstance(each, Flaw) for each in read) and len(read) == 4
        for each in read:
            if isinstance(each, dict):
                Affair.model_validate(each, strict=False)
        assert "事项名称" in rows[0].cells and "事项名称" not in files.PLACES

    @pytest.mark.parametrize(
        ("text", "day"),
        [
            ("2026-09-01", "2026-09-01"), ("2026/9/1 8:05", "2026-09-01"), ("20260901T093000", "2026-09-01"),
            ("2026年9月1日", "2026-09-01"), ("20260901", "2026-09-01"), ("2026-13-01", None), ("soon", None),
            ("2026911", None),
        ],
    )  # fmt: skip
    def test_days_come_as_the_standard_and_as_people_write_them(self, text: str, day: str | None) -> None:
        found = files.affair({"办件编号": "P1", "受理时间": text})
        assert (None if isinstance(found, Flaw) else found["accepted_on"]) == day

    def test_a_flaw_names_the_column_and_never_the_cell(self) -> None:
        found = files.affair({"办件编号": "P1", "环节开始时间": "2026-09-01", "申请人": "张三"})
        assert isinstance(found, Flaw) and found.field == "办理单位统一社会信用代码"

    def test_a_file_is_sent_in_pieces_with_its_lines_and_names_of_persons_stay_in_it(self, tmp_path: Path) -> None:
        file, seen = tmp_path / "a.csv", list[bytes]()
        file.write_text("办件编号,申请人,受理时间\nP1,张三,2026-09-01\nP2,李四,soon\n\nP3,王五,2026-09-03\n", "gb18030")

        def answer(request: httpx.Request) -> httpx.Response:
            seen.append(request.content)
            errors = [{"index": 1, "field": "handled.0.by", "problem": "wrong"}]
            return httpx.Response(200, json={"new": 1, "changed": 0, "unchanged": 0, "refused": 1, "errors": errors})

        with httpx.Client(base_url="http://x", transport=httpx.MockTransport(answer)) as client:
            found = files.send(client, rows_of(file, files.HEADS), 3, 0)
        assert (found["new"], found["refused"], found["ignored_columns"]) == (1, 2, ["申请人"])
        assert [(error["line"], error["field"]) for error in found["errors"]] == [
            (3, "受理时间"),
            (5, "办理单位统一社会信用代码"),
        ]
        assert len(seen) == 1 and "张三" not in seen[0].decode("unicode_escape")

    def test_a_service_that_is_away_is_said_with_the_mend(self, tmp_path: Path) -> None:
        file = tmp_path / "a.json"
        file.write_text('[{"办件编号": "P1"}]')
        away = httpx.MockTransport(lambda request: httpx.Response(503))
        with httpx.Client(base_url="http://x", transport=away) as client, pytest.raises(Unavailable, match="suda up"):
            files.send(client, rows_of(file, files.HEADS), 1, 0)
