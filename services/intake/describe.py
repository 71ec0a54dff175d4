"""What OpenAPI says of the routes: their bodies, which are read by hand (request.py), answers and an example each."""

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic.json_schema import models_json_schema

from services.intake.core.acts import DATA, ActBody
from services.intake.core.complaint import Complaint

_REF = "#/components/schemas/{model}"
_PROBLEM = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "schema": {"type": "string", "pattern": r"^[\x21-\x7e]{1,200}$"},
    "description": "The same key and body may be sent again; the same key with another body is refused.",
}
_PREFER = {"name": "Prefer", "in": "header", "schema": {"type": "string"}, "example": "wait=10"}
_BEARER: dict[str, Any] = {"security": [{"bearer": []}]}
_COMPLAINT = {
    "channel": "web",
    "kind": "complaint",
    "division": "530102",
    "title": "反复要求补正材料",
    "content": "窗口先后三次要求补正，每次提出的材料都不一样，没有一次性告知。",
    "accused": {"organisation": "五华区市场监督管理局", "window": "3号窗口"},
    "complainant": {"name": "王某样", "phone": "19900001000"},
}
_ACT = {"act": "accept", "data": {"served_by": "phone", "served_on": "2026-03-02"}}


def _answers(**described: str) -> dict[int | str, dict[str, Any]]:
    found: dict[int | str, dict[str, Any]] = {}
    for name, description in described.items():
        status = int(name.removeprefix("s"))
        found[status] = {"description": description} | ({"content": _PROBLEM} if status >= 400 else {})
    return found


def _body(**content: Any) -> dict[str, Any]:
    return {"requestBody": {"required": True, "content": content}}


_JSON = "application/json"
COMPLAINTS: dict[str, Any] = {
    "summary": "Hand in a complaint, consultation, suggestion or bad review",
    "tags": ["complaints"],
    "responses": _answers(
        s201="Received: Kafka has it. The same submission again gives the same answer.",
        s400="Not JSON",
        s413="Too large",
        s415="Not application/json",
        s422="A field is wrong, or the key was used for another body",
        s503="Kafka or the store is away; send the same again",
    ),
    "openapi_extra": {"parameters": [_KEY]}
    | _body(**{_JSON: {"schema": {"$ref": _REF.format(model="Complaint")}, "example": _COMPLAINT}}),
}
ACTS: dict[str, Any] = {
    "summary": "Ask for an act on a case; routing decides",
    "description": "Acts and the model of their `data`: " + ", ".join(f"{n} ({m.__name__})" for n, m in DATA.items()),
    "tags": ["acts"],
    "responses": _answers(
        s200="With Prefer: wait=N — applied, or rejected with the reason and the article",
        s202="Received; not decided within the wait",
        s401="No valid bearer token",
        s404="No such case in the caller's scope",
        s410="The case's key was erased",
        s422="An unknown act, a wrong field, or the key was used for another body",
        s503="Kafka or the store is away; send the same again",
    ),
    "openapi_extra": {"parameters": [_KEY, _PREFER]}
    | _BEARER
    | _body(**{_JSON: {"schema": {"$ref": _REF.format(model="ActBody")}, "example": _ACT}}),
}
IMPORTS: dict[str, Any] = {
    "summary": "Import 12345 work orders; the same file again adds nothing",
    "tags": ["imports"],
    "responses": _answers(
        s200="Counts, and each row that was not taken with its line and field",
        s400="The file as a whole cannot be read",
        s401="No valid bearer token",
        s403="The role may not import",
        s413="Too large; use suda import hotline FILE",
        s503="Kafka or the store is away; send the same again",
    ),
    "openapi_extra": _BEARER
    | _body(
        **{
            "text/csv": {"schema": {"type": "string"}},
            _JSON: {"schema": {"type": "array", "items": {"type": "object"}}},
        }
    ),
}


def describe(app: FastAPI) -> None:
    """Put the models of the hand-read bodies among the components."""

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            found = get_openapi(title=app.title, version=app.version, routes=app.routes, summary="What came in?")
            models = [(model, "validation") for model in (Complaint, ActBody, *dict.fromkeys(DATA.values()))]
            _, schemas = models_json_schema(models, ref_template=_REF)  # type: ignore[arg-type]
            components = found.setdefault("components", {})
            components.setdefault("schemas", {}).update(schemas["$defs"])
            components["schemas"]["Problem"] = {"type": "object", "description": "RFC 9457"}
            components["securitySchemes"] = {"bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}}
            app.openapi_schema = found
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]
