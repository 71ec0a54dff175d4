"""Who sees what over HTTP: every role in and out of its scope, and nothing of a person for those who may not see it."""

import json
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest
from fastapi import FastAPI

from services.reporting.api import Reader, routes
from services.reporting.core.check import rebuild
from services.reporting.core.deadlines import document
from services.reporting.store import Store
from shared.clock import Clock
from shared.directory.model import Division, Matter, Organisation
from shared.directory.tree import Directory
from shared.errors import Unavailable
from shared.events.base import Actor
from shared.events.cases import AnyCaseEvent
from shared.privacy.code import query_code
from shared.privacy.keys import Keyring, ensure
from shared.privacy.seal import seal_all
from shared.privacy.tokens import issue
from shared.service import application
from shared.settings import Settings
from tests.core.test_reporting_deadlines import IN_TIME, LONGER
from tests.core.test_reporting_samples import (
    ADMINISTRATION,
    AGENCY,
    ARTICLE,
    OTHER,
    acted,
    case_id,
    deadline,
    dispatched,
    life,
    opened,
)
from tests.handlers.test_reporting_fakes import Client

PERSON, PHONE, NUMBER = "Canary Zhangxiaoming", "13912345678", "530102199001011234"
CANARIES = (PERSON, PHONE, NUMBER, "翠湖南路")
WORDS, ANSWER = "the window closed at noon", "we have put up a notice"
SECRETS = {
    "title": "closed window",
    "content": WORDS,
    "demand": "keep it open",
    "accused_person": "Clerk Wang",
    "complainant_name": PERSON,
    "complainant_phone": PHONE,
    "complainant_id_number": NUMBER,
    "complainant_address": "云南省昆明市五华区翠湖南路1号",
}
PROVINCE, CITY, FAR = "11530000MB0000004D", "11530100MB0000005E", "11630000MB0000006F"
FOREIGN = "11630100MB0000007G"
CASE, ELSEWHERE, REFUSED, OURS = case_id(1), case_id(2), case_id(3), case_id(4)
CLOCK = Clock(text="2026-11-01T00:00:00+08:00 2026-11-01T12:00:00+08:00 0")


def directory() -> Directory:
    tree = Directory()
    for code, level, parent, administration in (
        ("530000", "province", None, PROVINCE),
        ("530100", "city", "530000", CITY),
        ("530102", "county", "530100", ADMINISTRATION),
        ("530103", "county", "530100", None),
        ("630000", "province", None, FAR),
    ):
        fields: dict[str, Any] = {"level": level, "parent": parent, "administration": administration}
        tree.apply(Division(code=code, name=code, **fields), 0)
    places = {AGENCY: "530102", OTHER: "530103", ADMINISTRATION: "530102", PROVINCE: "530000", CITY: "530100"}
    for code, division in (places | {FAR: "630000"}).items():
        tree.apply(Organisation(code=code, name=f"sample {code[-2:]}", kind="agency", division=division), 1)
    tree.apply(Matter(code="530102001", name="a matter", division="530102", agency=AGENCY), 2)
    return tree


def sealed_life(case: str, key: bytes) -> list[AnyCaseEvent]:
    """The sample life with real sealed texts; the complainant adds a word under their own user name."""
    first, *rest = life(case)
    told = {
        "sealed": seal_all(key, case, {"text": ANSWER}),
        "by": Actor(organisation=AGENCY, role="leader", user="boss"),
    }
    rest[5] = rest[5].model_copy(update=told)
    own = Actor(organisation="", role="complainant", user=PHONE, case_id=case)
    rest.append(
        acted(case, 9, "supplement", "supplemented", "closed", by=own, sealed=seal_all(key, case, {"text": WORDS}))
    )
    return [first.model_copy(update={"sealed": seal_all(key, case, SECRETS), "key_id": f"key-{case}"}), *rest]


class World:
    def __init__(self, settings: Settings, keyring: Keyring) -> None:
        self.client, self.settings, self.keyring = Client(), settings, keyring
        self.started = True
        key = b"k" * 16
        events = sealed_life(CASE, key) + sealed_life(OURS, key)[:4]
        elsewhere: dict[str, Any] = {"accountable": FOREIGN, "administration": FAR, "state": "assigned"}
        events += [opened(ELSEWHERE, division="630000", administration=FAR), dispatched(ELSEWHERE, **elsewhere)]
        grounds = {"ground": "no-respondent", "served_on": "2026-09-21"}
        events += [
            *life(REFUSED)[:3],
            acted(REFUSED, 4, "refuse", "refused", "refused", data=grounds, citations=(ARTICLE,)),
        ]
        database = self.client[settings.database("reporting")]
        self.rows = database["cases"].documents
        self.rows.update({id: row | {"partition": 0} for id, row in rebuild(events).items()})
        told = [deadline(CASE, "opened"), deadline(CASE, "extended", seq=3, **LONGER)]
        told += [
            deadline(CASE, "discharged", seq=4, at=IN_TIME, **LONGER),
            deadline(CASE, "opened", "handover", owes="administration"),
        ]
        database["deadline_events"].documents.update({one.id: document(one) | {"partition": 0} for one in told})
        wrapped = keyring.wrap(key)
        self.keys = self.client[settings.database("keys")]["keys"].documents
        for case in (CASE, OURS):
            self.keys[f"key-{case}"] = {
                "_id": f"key-{case}",
                "case": case,
                "version": wrapped.version,
                "key": wrapped.key,
            }
        self.app = self._app()

    def _app(self) -> FastAPI:
        class Parts:
            async def start(self) -> None: ...
            async def stop(self) -> None: ...
            def problems(self) -> list[str]:
                return []

        app = application("reporting", Parts())
        app.include_router(routes(self._reader))
        return app

    def _reader(self) -> Reader:
        if not self.started:
            raise Unavailable("reporting has not started yet")
        store = Store(self.client, self.settings)  # type: ignore[arg-type]
        return Reader(store, directory(), CLOCK, self.settings, self.keyring)

    def token(
        self, org: str, role: Any, user: str | None = "somebody", case: str | None = None, hours: float = 1
    ) -> str:
        own = UUID(case) if case else None
        return issue(self.keyring, self.settings, org, role, user, own, hours, now=CLOCK.now())

    async def get(self, path: str, token: str | None = None) -> httpx.Response:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        async with httpx.AsyncClient(transport=httpx.ASGITransport(self.app), base_url="http://suda") as http:
            return await http.get(path, headers=headers)


@pytest.fixture
def world(tmp_path: Any) -> World:
    ensure(tmp_path / "keys.json")
    return World(Settings(home=tmp_path), Keyring.load(tmp_path / "keys.json"))


IN_SCOPE = [
    (AGENCY, "officer", {CASE, OURS, REFUSED}),
    (AGENCY, "leader", {CASE, OURS, REFUSED}),
    (OTHER, "officer", set()),
    (OTHER, "leader", set()),
    (ADMINISTRATION, "officer", {CASE, OURS, REFUSED}),
    (ADMINISTRATION, "supervisor", {CASE, OURS, REFUSED}),
    (ADMINISTRATION, "inspector", {CASE, OURS, REFUSED}),
    (CITY, "supervisor", {CASE, OURS, REFUSED}),
    (CITY, "officer", set()),
    (AGENCY, "supervisor", set()),
    (FAR, "supervisor", {ELSEWHERE}),
    (PROVINCE, "province", {CASE, OURS, REFUSED}),
    (AGENCY, "auditor", {CASE, OURS, REFUSED}),
    (FAR, "province", {ELSEWHERE}),
    ("unknown", "province", set()),
    ("", "auditor", set()),
    ("11530102MB0000099Z", "auditor", set()),
    (OTHER, "auditor", set()),
    (CITY, "auditor", {CASE, OURS, REFUSED}),
    (CITY, "province", set()),
    ("suda", "system", {CASE, OURS, REFUSED, ELSEWHERE}),
    (AGENCY, "system", {CASE, OURS, REFUSED}),
    (OTHER, "system", set()),
    (CITY, "system", {CASE, OURS, REFUSED}),
    (FAR, "system", {ELSEWHERE}),
    ("11530102MB0000099Z", "system", set()),
]


@pytest.mark.parametrize(("organisation", "role", "seen"), IN_SCOPE)
async def test_each_role_sees_its_scope_and_out_of_scope_is_404(
    world: World, organisation: str, role: str, seen: set[str]
) -> None:
    token = world.token(organisation, role)
    listed = await world.get("/v1/cases", token)
    assert {item["case_id"] for item in listed.json()["items"]} == seen
    for case in (CASE, OURS, REFUSED, ELSEWHERE):
        assert (await world.get(f"/v1/cases/{case}", token)).status_code == (200 if case in seen else 404)
    assert (await world.get("/v1/statistics", token)).json()["received"] == len(seen)


async def test_a_complainant_sees_their_own_case_only(world: World) -> None:
    token = world.token("", "complainant", None, CASE)
    assert [item["case_id"] for item in (await world.get("/v1/cases", token)).json()["items"]] == [CASE]
    assert (await world.get(f"/v1/cases/{OURS}", token)).status_code == 404
    found = (await world.get(f"/v1/cases/{CASE}", token)).json()
    assert (found["content"], found["answer"], found["complainant"]["phone"]) == (WORDS, ANSWER, "139****5678")
    assert "Clerk Wang" not in json.dumps(found)
    assert "boss" not in json.dumps(found)


@pytest.mark.parametrize("bad", [None, "", "nonsense", "a.b.c"])
@pytest.mark.parametrize("path", ["/v1/cases", f"/v1/cases/{CASE}", "/v1/statistics"])
async def test_without_a_valid_token_nothing_is_shown(world: World, path: str, bad: str | None) -> None:
    answer = await world.get(path, bad)
    assert (answer.status_code, answer.headers["content-type"]) == (401, "application/problem+json")
    assert answer.headers["www-authenticate"] == "Bearer"


async def test_an_expired_token_is_401_by_the_systems_own_clock(world: World) -> None:
    assert (await world.get("/v1/cases", world.token(AGENCY, "officer", hours=-1))).status_code == 401


READERS_INSIDE = [
    (AGENCY, "officer"),
    (AGENCY, "leader"),
    (ADMINISTRATION, "supervisor"),
    (ADMINISTRATION, "inspector"),
    (AGENCY, "system"),
]
ONLOOKERS = [(CITY, "supervisor"), (PROVINCE, "province"), (AGENCY, "auditor"), ("suda", "system"), (CITY, "system")]


@pytest.mark.parametrize(("organisation", "role"), READERS_INSIDE)
async def test_who_must_answer_and_who_supervises_read_the_texts_and_a_masked_complainant(
    world: World, organisation: str, role: str
) -> None:
    answer = await world.get(f"/v1/cases/{CASE}", world.token(organisation, role))
    found = answer.json()
    assert (found["title"], found["content"], found["demand"]) == ("closed window", WORDS, "keep it open")
    assert found["complainant"]["phone"] == "139****5678"
    assert found["complainant"]["address"] == "云南省昆明市五华区***"
    assert found["timeline"][6]["texts"] == {"text": ANSWER}
    assert not [canary for canary in CANARIES if canary in answer.text]


@pytest.mark.parametrize(("organisation", "role"), ONLOOKERS)
async def test_others_in_scope_see_the_course_of_the_case_and_no_text_and_nothing_of_the_complainant(
    world: World, organisation: str, role: str
) -> None:
    answer = await world.get(f"/v1/cases/{CASE}", world.token(organisation, role))
    assert answer.status_code == 200
    assert not [text for text in (*CANARIES, WORDS, ANSWER, "139****", "sm4gcm") if text in answer.text]
    assert len(answer.json()["timeline"]) == 9


@pytest.mark.parametrize("field", ["assisting", "received_by"])
async def test_who_helps_or_took_it_in_reads_the_texts_and_nothing_of_the_complainant(world: World, field: str) -> None:
    world.rows[CASE][field] = [OTHER] if field == "assisting" else OTHER
    answer = await world.get(f"/v1/cases/{CASE}", world.token(OTHER, "officer"))
    assert answer.json()["content"] == WORDS and "complainant" not in answer.json()
    assert not [text for text in (*CANARIES, "139****") if text in answer.text]
    assert (await world.get(f"/v1/cases/{OURS}", world.token(OTHER, "officer"))).status_code == 404


async def test_an_officer_known_by_user_name_as_the_one_complained_about_sees_no_text(world: World) -> None:
    world.rows[CASE]["officers"] = ["officer.a"]
    answer = await world.get(f"/v1/cases/{CASE}", world.token(AGENCY, "officer", "officer.a"))
    assert answer.status_code == 200
    assert not [text for text in (*CANARIES, WORDS, ANSWER, "139****", "complainant_name") if text in answer.text]


async def test_the_accused_person_never_sees_the_complainant_nor_the_texts(world: World) -> None:
    answer = await world.get(f"/v1/cases/{CASE}", world.token(AGENCY, "officer", "Clerk Wang"))
    assert not [text for text in (*CANARIES, WORDS, "139****", "complainant_name") if text in answer.text]
    assert "complainant" not in answer.json()


async def test_recusal_overrides_every_grant(world: World) -> None:
    world.rows[CASE]["recused"] = ["officer.a"]
    for organisation, role in (*READERS_INSIDE, (CITY, "supervisor"), (PROVINCE, "province")):
        token = world.token(organisation, role, "officer.a")
        assert (await world.get(f"/v1/cases/{CASE}", token)).status_code == 404
        assert CASE not in (await world.get("/v1/cases", token)).text
    assert (await world.get(f"/v1/cases/{CASE}", world.token(AGENCY, "officer", "officer.b"))).status_code == 200


async def test_an_erased_person_leaves_the_case_and_no_text(world: World) -> None:
    world.keys.clear()
    found = (await world.get(f"/v1/cases/{CASE}", world.token(AGENCY, "officer"))).json()
    assert (found["content"], found["complainant"]["name"], found["state"]) == ("erased", "erased", "closed")
    answer = (await world.get(f"/v1/complaints/{query_code(world.keyring, UUID(CASE))}")).json()
    assert answer["answer"] == "erased"


async def test_a_complainant_sees_the_answer_and_the_deadlines_of_the_agency_by_the_code(world: World) -> None:
    answer = await world.get(f"/v1/complaints/{query_code(world.keyring, UUID(CASE))}")
    found = answer.json()
    assert (found["state"], found["state_name"]["zh"], found["organisation"]) == ("closed", "已办结", "sample 1A")
    assert (found["answer"], found["outcome"]) == (ANSWER, "substantiated")
    assert [(d["obligation"], d["due_day"], d["extended"], d["status"]) for d in found["deadlines"]] == [
        ("acceptance", "2026-10-09", True, "met")
    ]
    assert not [text for text in (*CANARIES, "Clerk Wang", "boss", "officer.a", WORDS) if text in answer.text]


async def test_a_refused_complainant_sees_the_ground_with_its_citation(world: World) -> None:
    found = (await world.get(f"/v1/complaints/{query_code(world.keyring, UUID(REFUSED))}")).json()
    assert (found["refusal"]["ground"], found["refusal"]["citations"][0]["article"]) == ("no-respondent", "8")


async def test_a_genuine_code_not_yet_projected_is_received_and_a_false_one_404(world: World) -> None:
    code = query_code(world.keyring, UUID(case_id(77)))
    answer = await world.get(f"/v1/complaints/{code.lower()}")
    assert (answer.status_code, answer.json()["state"]) == (200, "received")
    wrong = code[:-1] + ("0" if code[-1] != "0" else "1")
    assert (await world.get(f"/v1/complaints/{wrong}")).status_code == 404


async def test_lists_are_filtered_inside_the_scope(world: World) -> None:
    token = world.token(AGENCY, "officer")
    closed = (await world.get("/v1/cases?state=closed", token)).json()["items"]
    assert [item["case_id"] for item in closed] == [CASE]
    assert (await world.get(f"/v1/cases?organisation={FOREIGN}", token)).json()["items"] == []
    assert (await world.get("/v1/cases?division=630000", token)).json()["items"] == []
    assert (await world.get("/v1/cases?state=nonsense", token)).status_code == 422


async def test_pages_hold_every_case_once_newest_first(world: World) -> None:
    template = world.rows[REFUSED]
    for n in range(10, 35):
        at = (date(2026, 1, 1) + timedelta(days=n // 3)).isoformat()
        world.rows[case_id(n)] = template | {"_id": case_id(n), "received_at": at}
    token, seen, after = world.token(AGENCY, "officer"), list[dict[str, Any]](), ""
    while True:
        page = (await world.get(f"/v1/cases?limit=7{after}", token)).json()
        seen += page["items"]
        if page["next"] is None:
            break
        after = f"&cursor={page['next']}"
    order = [(item["received_at"], item["case_id"]) for item in seen]
    assert len(seen) == 28
    assert order == sorted(set(order), reverse=True)


async def test_a_cursor_that_is_made_up_or_of_another_list_is_refused(world: World) -> None:
    token = world.token(AGENCY, "officer")
    page = (await world.get("/v1/cases?limit=1", token)).json()
    assert (await world.get("/v1/cases?cursor=YWJj", token)).status_code == 422
    assert (await world.get(f"/v1/public/results?cursor={page['next']}")).status_code == 422
    assert CASE not in page["next"]


async def test_published_results_are_anonymised(world: World) -> None:
    answer = await world.get("/v1/public/results")
    assert answer.json()["items"] == [
        {
            "organisation": "sample 1A",
            "division": "530102",
            "matter": "a matter",
            "kind": "complaint",
            "outcome": "substantiated",
            "closed_in": "2026-09",
            "days": 0,
        }
    ]
    assert not [text for text in (*CANARIES, CASE, WORDS, "a name as typed") if text in answer.text]


async def test_statistics_count_cases_and_deadlines_of_the_scope(world: World) -> None:
    found = (await world.get("/v1/statistics", world.token(AGENCY, "leader"))).json()
    assert {name: found[name] for name in ("received", "open", "closed", "refused")} == {
        "received": 3,
        "open": 1,
        "closed": 1,
        "refused": 1,
    }
    assert found["organisations"][0]["name"] == "sample 1A"
    assert found["deadlines"] == [{"obligation": "acceptance", "met": 1}, {"obligation": "handover", "open": 1}]
    far = (await world.get("/v1/statistics", world.token(FAR, "province"))).json()
    assert (far["received"], far["deadlines"]) == (1, [])


async def test_before_the_start_everything_answers_503(world: World) -> None:
    world.started = False
    for path in ("/v1/cases", "/v1/public/results", "/v1/complaints/x"):
        assert (await world.get(path, "x")).status_code == 503
