"""Nothing of a person lies anywhere in clear: planted words are looked for in every topic, file, row and metric."""

import base64
import csv
import io
from collections.abc import Iterator
from typing import Any

import bson
import httpx
import pytest
from pymongo import AsyncMongoClient

from shared.events import topics
from tests.connected.pipeline import ADMINISTRATION, AGENCY, DIVISION, SERVED, Pipeline

pytestmark = pytest.mark.connected

# Invented: no such people, a phone number of no network, an identity number whose check digit is wrong.
PERSON = {
    "name": "尉迟橘样",
    "phone": "19900077123",
    "id_number": "530102199001019990",
    "address": "翠湖样例巷七十七号",
}
CALLER = {"name": "澹台柚样", "phone": "19900088456", "id_number": "530102199202029990", "address": "莲花池样例街八号"}
ACCUSED = "司徒枇样"
PHRASE, CALLED = "信封是紫檀色的", "电话里有鹦鹉学舌"
SAID = ("答复中提到琥珀镇纸", "补充说明里有一只陶鹤")
CANARIES = (*PERSON.values(), *CALLER.values(), ACCUSED, PHRASE, CALLED, *SAID)
IN_CLEAR = "canary-in-clear-7731"  # a reference, which may stand in clear: shows that the search finds what is there


def forms(word: str) -> Iterator[bytes]:
    """How a word may lie in bytes: plain, wide, escaped, in base64 at any of its three places."""
    for encoding in ("utf-8", "utf-16-le", "utf-16-be", "gb18030"):
        yield word.encode(encoding)
    if not word.isascii():
        yield word.encode("unicode_escape")
        yield word.encode("unicode_escape").replace(b"\\", b"\\\\")
        yield "".join(f"%{byte:02X}" for byte in word.encode()).encode()
    for plain in (word.encode(), word.encode("utf-16-le")):
        for shift in range(3):
            encoded = base64.b64encode(b"\0" * shift + plain)
            whole = encoded[4 if shift else 0 : (shift + len(plain)) // 3 * 4]  # what depends on the word alone
            yield whole
            yield whole.replace(b"+", b"-").replace(b"/", b"_")


def leaks(data: bytes, words: tuple[str, ...]) -> list[str]:
    return [word for word in words if any(form in data for form in forms(word))]


def test_the_search_finds_every_form() -> None:
    for word in (PHRASE, PERSON["phone"]):
        for data in (
            word.encode(),
            word.encode("utf-16-le"),
            f'{{"x": "{word}"}}'.encode("utf-16-be"),
            base64.b64encode(f"a{word}b".encode()),
            base64.urlsafe_b64encode(f"ab{word}".encode()),
            base64.b64encode(f"abc{word}de".encode("utf-16-le")),
        ):
            assert leaks(b"..." + data + b"...", (word,)) == [word]
    assert leaks(b"nothing of it", CANARIES) == []


async def plant(suda: Pipeline) -> str:
    """By every door through which a person's words come in; some of it wrong, since errors must not repeat it."""
    file = base64.b64encode(PHRASE.encode()).decode()
    complaint: dict[str, Any] = {
        "title": f"标题{PHRASE}",
        "content": f"内容{PHRASE}，{PERSON['name']}，{PERSON['phone']}",
        "demand": PHRASE,
        "accused": {"organisation": AGENCY, "person": ACCUSED},
        "complainant": {**PERSON, "id_type": "居民身份证"},
        "attachments": [{"name": "a.txt", "media_type": "text/plain", "content": file}],
        "source_reference": IN_CLEAR,
    }  # fmt: skip
    case = (await suda.complain(**complaint))["case_id"]
    wrong = await suda.post_complaint(**complaint | {"division": "999999"})
    worse = await suda.post_complaint(**complaint | {"nickname": PERSON["phone"], "kind": PERSON["name"]})
    for answer in (wrong, worse):
        assert answer.status_code == 422
        assert leaks(answer.content, CANARIES) == []
    await suda.apply(case, "hand-over", "supervisor", ADMINISTRATION, to=AGENCY, reason=SAID[0])
    await suda.reject(case, "refuse", "officer", AGENCY, ground="none", reason=f"{SAID[0]}{PERSON['phone']}", **SERVED)
    await suda.apply(case, "accept", "officer", AGENCY, **SERVED)
    await suda.apply(case, "answer", "officer", AGENCY, text=f"{SAID[0]}，{PERSON['name']}", **SERVED)
    await suda.apply(case, "note", "officer", AGENCY, text=f"{SAID[1]}，{PERSON['id_number']}")
    await suda.apply(case, "close", "leader", AGENCY, outcome="substantiated", measures=SAID[1])
    return str(case)


async def call_in(suda: Pipeline) -> None:
    rows = [
        {
            "工单编号": "CANARY-1", "来电时间": suda.now.strftime("%Y-%m-%d %H:%M:%S"), "行政区划": DIVISION,
            "诉求类型": "投诉", "诉求内容": CALLED, "标题": CALLED, "诉求目的": CALLED, "被投诉人": ACCUSED,
            "来电人": CALLER["name"], "联系电话": CALLER["phone"], "证件号码": CALLER["id_number"],
            "联系地址": CALLER["address"],
        }
    ]  # fmt: skip
    rows.append(rows[0] | {"工单编号": "CANARY-2", "行政区划": CALLER["name"]})
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    url = f"{suda.running.url('intake')}/v1/imports/hotline"
    headers = suda.bearer() | {"content-type": "text/csv"}
    answer = await suda.http.post(url, content=text.getvalue().encode(), headers=headers)
    assert (answer.json()["imported"], answer.json()["refused"]) == (1, 1)
    assert leaks(answer.content, CANARIES) == []


async def everything(suda: Pipeline) -> dict[str, bytes]:
    """What is kept or shown anywhere, by place."""
    found: dict[str, bytes] = {}
    for topic in (*topics.CASE_BEARING, topics.DLQ, topics.DIRECTORY):
        records = await suda.records(topic)
        found[topic] = b"\n".join((r.key or b"") + r.value + repr(r.headers).encode() for r in records)
    client: AsyncMongoClient[dict[str, Any]] = AsyncMongoClient(suda.running.mongodb)
    try:
        for database in await client.list_database_names():
            for collection in await client[database].list_collection_names():
                rows = await client[database][collection].find({}).to_list()
                found[f"{database}.{collection}"] = b"\n".join(bson.encode(row) for row in rows)
    finally:
        await client.close()
    for name, url in suda.running.urls.items():
        found[f"/metrics of {name}"] = (await suda.http.get(f"{url}/metrics")).content
    public = await suda.get("/v1/public/results")
    found["/v1/public/results"] = public.content
    listed: httpx.Response = await suda.get("/v1/cases", suda.bearer(), limit=200)
    found["/v1/cases"] = listed.content
    for path in suda.running.home.rglob("*"):
        if path.is_file():
            found[str(path.relative_to(suda.running.home))] = path.read_bytes().rstrip(
                b"\0"
            )  # files grow ahead of need
    return found


async def test_nothing_of_a_person_lies_anywhere_in_clear(suda: Pipeline) -> None:
    case = await plant(suda)
    await call_in(suda)
    await suda.settle()
    shown = await suda.get(f"/v1/cases/{case}", suda.bearer("officer", AGENCY))
    assert PHRASE in shown.text, "whoever must answer reads it"
    found = await everything(suda)
    assert {place: leaks(data, CANARIES) for place, data in found.items() if leaks(data, CANARIES)} == {}
    places = {place for place, data in found.items() if leaks(data, (IN_CLEAR,))}
    assert {topics.INTAKE, topics.CASES, "suda_reporting.cases", "suda_routing.journal", "/v1/cases"} <= places
    assert any(place.startswith("kafka/") for place in places) and any(place.startswith("store/") for place in places)
    assert any(place.startswith("logs/") for place in found)
