"""Routing's HTTP: the affairs (办件) that complaints are about, put in by whoever runs the systems they come from."""

from collections.abc import Mapping
from typing import Any, Protocol

from fastapi import FastAPI, HTTPException, Request
from fastapi.responses import JSONResponse, Response
from pydantic import TypeAdapter, ValidationError

from services.routing.core.affair import Affair
from services.routing.store import Affairs
from shared.clock import Clock
from shared.directory.platform import is_platform
from shared.directory.tree import Directory
from shared.errors import Unavailable
from shared.privacy.keys import Keyring
from shared.privacy.tokens import Subject
from shared.service import asker, problem
from shared.settings import Settings

ROLES = ("system", "province", "supervisor")
AT_ONCE = 500  # affairs of one request
COUNTS = ("new", "changed", "unchanged", "refused")
SHOWN = 5
Fault = dict[str, Any]
_OBJECTS: TypeAdapter[list[dict[str, Any]]] = TypeAdapter(list[dict[str, Any]])
_DESCRIBED: dict[str, Any] = {
    "tags": ["affairs"],
    "responses": {
        401: {"description": "No valid bearer token"},
        403: {"description": "The role may not do this"},
        422: {"description": "A field is wrong; nothing of that affair was kept"},
        503: {"description": "The store is away; send the same again"},
    },
}
_ONE = {"application/json": {"schema": {"$ref": "#/components/schemas/Affair"}}}
_MANY = {"application/json": {"schema": {"type": "array", "items": {"type": "object"}, "maxItems": AT_ONCE}}}


class Parts(Protocol):
    """What the routes need of the process. `affairs` and `directory` are None until it has started."""

    settings: Settings
    clock: Clock
    affairs: Affairs | None

    @property
    def keyring(self) -> Keyring: ...

    @property
    def directory(self) -> Directory | None: ...


def routes(app: FastAPI, parts: Parts) -> None:
    """Add `/v1/affairs`."""

    @app.put(
        "/v1/affairs/{project_no:path}",
        summary="Say who accepted, handled or decided an affair; the same again changes nothing",
        openapi_extra={"requestBody": {"required": True, "content": _ONE}},
        **_DESCRIBED,
    )
    async def put(request: Request, project_no: str) -> Response:
        by = await _subject(request, parts)
        given = await _body(request, parts.settings.max_body_bytes)
        read = _read(_object(given), by, parts, project_no)
        if isinstance(read, list):
            return _invalid(read)
        outcome = (await _affairs(parts).put({project_no: read}))[project_no]
        if outcome.startswith("refused"):
            return _invalid([{"field": "body", "problem": outcome.partition(": ")[2]}])
        return JSONResponse({"project_no": project_no, "outcome": outcome}, 201 if outcome == "new" else 200)

    @app.post(
        "/v1/affairs",
        summary=f"The same for up to {AT_ONCE} affairs; each is taken or refused by itself",
        openapi_extra={"requestBody": {"required": True, "content": _MANY}},
        **_DESCRIBED,
    )
    async def post(request: Request) -> Response:
        by = await _subject(request, parts)
        given = _list(await _body(request, parts.settings.max_body_bytes))
        errors: list[Fault] = []
        said: list[tuple[int, Affair]] = []
        for index, one in enumerate(given):
            read = _read(one, by, parts)
            if isinstance(read, list):
                errors += [{"index": index, **fault} for fault in read]
            else:
                said.append((index, read))
        counts = dict.fromkeys(COUNTS, 0) | {"refused": len({error["index"] for error in errors})}
        while said:  # an affair that stands here twice is taken twice, in order
            layer = {affair.project_no: (index, affair) for index, affair in reversed(said)}
            for number, outcome in (await _affairs(parts).put({n: a for n, (_, a) in layer.items()})).items():
                word, _, why = outcome.partition(": ")
                counts[word] += 1
                if why:
                    errors.append({"index": layer[number][0], "field": "body", "problem": why})
            said = [pair for pair in said if layer[pair[1].project_no][0] != pair[0]]
        return JSONResponse(counts | {"errors": sorted(errors, key=lambda error: error["index"])})

    @app.get("/v1/affairs/{project_no:path}", summary="What is known of an affair", **_DESCRIBED)
    async def get(request: Request, project_no: str) -> Response:
        by = await _subject(request, parts)
        found = (await _affairs(parts).find([project_no])).get(project_no)
        if found is None or _out_of_scope(found, by, parts):
            raise HTTPException(404, "there is no affair of this number in your scope")
        return JSONResponse(found.model_dump(mode="json", by_alias=True, exclude_none=True))


def _read(given: Mapping[str, Any], by: Subject, parts: Parts, project_no: str | None = None) -> Affair | list[Fault]:
    """The affair, or what is wrong with it; no value is repeated."""
    if project_no is not None:
        if given.get("project_no", project_no) != project_no:
            return [{"field": "project_no", "problem": "is not the one of the address"}]
        given = {**given, "project_no": project_no}
    try:
        found = Affair.model_validate_json(_dumped(given))
    except ValidationError as error:
        faults = error.errors(include_input=False, include_url=False, include_context=False)
        return [{"field": ".".join(map(str, e["loc"]))[:100] or "body", "problem": e["msg"]} for e in faults[:SHOWN]]
    if problem := _out_of_scope(found, by, parts):
        return [{"field": "division", "problem": problem}]
    return found


def _dumped(given: Mapping[str, Any]) -> bytes:
    return TypeAdapter(dict[str, Any]).dump_json(dict(given))


def _out_of_scope(affair: Affair, by: Subject, parts: Parts) -> str | None:
    """Why this caller may not say anything of the affair: an administration speaks for its own divisions, and so does
    its system."""
    if is_platform(by.role, by.organisation):
        return None
    directory, day = parts.directory, parts.clock.now().date()
    if directory is None:
        raise Unavailable("routing is starting")
    if affair.division is None or not directory.supervises(by.organisation, affair.division[:6], day):
        return "must be a division that the caller's administration supervises"
    return None


def _affairs(parts: Parts) -> Affairs:
    if parts.affairs is None:
        raise Unavailable("routing is starting")
    return parts.affairs


async def _subject(request: Request, parts: Parts) -> Subject:
    """Who asks; raises 401 or 403."""
    found = await asker(request.headers.get("authorization"), lambda: parts.keyring, parts.settings, parts.clock)
    if found.role not in ROLES:
        raise HTTPException(403, f"affairs are for the roles {', '.join(ROLES)}")
    return found


async def _body(request: Request, limit: int) -> bytes:
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise HTTPException(415, "send application/json, and say so in Content-Type")
    raw = bytearray()
    async for part in request.stream():
        raw += part
        if len(raw) > limit:
            raise HTTPException(
                413, f"the body is over {limit} bytes; send fewer affairs at once", {"Connection": "close"}
            )
    return bytes(raw)


def _object(raw: bytes) -> dict[str, Any]:
    return _list(b"[" + raw + b"]", 1)[0]


def _list(raw: bytes, most: int = AT_ONCE) -> list[dict[str, Any]]:
    try:
        found = _OBJECTS.validate_json(raw)
    except ValidationError as error:
        broken = (
            error.errors(include_input=False, include_url=False, include_context=False)[0]["type"] == "json_invalid"
        )
        raise HTTPException(400 if broken else 422, "not JSON" if broken else "must hold objects") from None
    if not 0 < len(found) <= most:
        raise HTTPException(422, f"must hold 1 to {most} objects")
    return found


def _invalid(faults: list[Fault]) -> Response:
    detail = "; ".join(f"{fault['field']}: {fault['problem']}" for fault in faults)
    return problem(422, "Invalid affair", detail, errors=faults)
