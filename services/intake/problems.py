"""Refusals over HTTP: RFC 9457 problem details that name the field and the mend, and never repeat what was sent."""

from collections.abc import Sequence
from typing import TypeVar

from fastapi import FastAPI, Request
from fastapi.responses import Response
from pydantic import BaseModel, ValidationError

from services.intake.core.admission import Flaw
from shared import metrics
from shared.errors import SudaError
from shared.service import problem

Model = TypeVar("Model", bound=BaseModel)
SHOWN = 5


class Refused(SudaError):
    """The request is not taken; nothing was kept or published."""

    def __init__(self, status: int, title: str, detail: str, flaws: Sequence[Flaw] = ()) -> None:
        super().__init__(detail)
        self.status, self.title, self.detail, self.flaws = status, title, detail, tuple(flaws)
        self.headers: dict[str, str] = {}


def invalid(flaws: Sequence[Flaw], title: str = "Invalid request") -> Refused:
    """422 naming the fields."""
    return Refused(422, title, "; ".join(f"{flaw.field}: {flaw.problem}" for flaw in flaws[:SHOWN]), flaws)


def unknown_case() -> Refused:
    """404: there is no such case, or not for this caller (DESIGN.md 7)."""
    return Refused(404, "No such case", "there is no case of this id in your scope")


def flaws_of(error: ValidationError) -> list[Flaw]:
    """What pydantic found, without any input."""
    found = error.errors(include_input=False, include_url=False, include_context=False)
    return [Flaw(".".join(map(str, each["loc"]))[:100] or "body", each["msg"]) for each in found]


def read(model: type[Model], raw: bytes) -> Model:
    """The body as `model`; raises Refused: 400 for what is no JSON, 422 for what has another shape."""
    try:
        return model.model_validate_json(raw)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False, include_context=False)[0]
        if first["type"] == "json_invalid" and "hex escape" in first["msg"]:
            raise invalid([Flaw("body", "holds a lone surrogate, half of a character")]) from None
        if first["type"] == "json_invalid":
            raise Refused(400, "Malformed JSON", first["msg"]) from None
        raise invalid(flaws_of(error)) from None


def answer_refusals(app: FastAPI) -> None:
    """Turn every Refused into its problem details, counted."""

    @app.exception_handler(Refused)
    async def refused(request: Request, error: Exception) -> Response:
        assert isinstance(error, Refused)
        metrics.REFUSED_REQUESTS.labels("intake", str(error.status)).inc()
        errors = [{"field": flaw.field, "problem": flaw.problem} for flaw in error.flaws]
        answer = problem(error.status, error.title, error.detail, **({"errors": errors} if errors else {}))
        answer.headers.update(error.headers)
        return answer
