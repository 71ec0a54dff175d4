"""The routes of intake: complaints and acts. A route reads, checks, takes, answers; no rule stands here."""

import asyncio
from typing import Any
from uuid import UUID

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response
from pydantic import ValidationError

from services.intake import request as incoming
from services.intake.core.acts import DATA, ActBody, Data
from services.intake.core.admission import Flaw, flaws
from services.intake.core.complaint import Complaint
from services.intake.core.identity import act_id, by_content, by_key, canonical
from services.intake.describe import ACTS, COMPLAINTS
from services.intake.intake import Intake
from services.intake.problems import Refused, flaws_of, invalid, read, unknown_case
from services.intake.store import Receipt
from services.intake.taking import ActDraft, Draft, Taken, TooLarge
from services.intake.waiting import Verdict
from shared import metrics
from shared.events.base import Actor
from shared.events.cases import Rejected
from shared.privacy.tokens import Subject

OTHER_BODY = "the key was used for another body; send a new Idempotency-Key"


def routes(app: FastAPI, intake: Intake) -> None:
    """Add `POST /v1/complaints` and `POST /v1/cases/{case_id}/acts`."""

    @app.post("/v1/complaints", status_code=201, **COMPLAINTS)
    async def complaints(request: Request) -> Response:
        raw = await incoming.body(request, intake.settings.max_body_bytes, "application/json")
        draft = _draft(intake, request, read(Complaint, raw))
        before = await _admit(intake, draft)
        try:
            taken = await intake.taking.complaint(draft, before)
        except TooLarge as error:
            raise Refused(413, "Too large", str(error)) from None
        if taken.outcome == "conflict":
            raise invalid([Flaw("Idempotency-Key", OTHER_BODY)])
        metrics.RECEIVED.labels(draft.complaint.channel).inc()
        return JSONResponse(received_body(taken.receipt), 201, _replayed(taken))

    @app.post("/v1/cases/{case_id}/acts", status_code=202, **ACTS)
    async def acts(request: Request, case_id: str) -> Response:
        by = await incoming.subject(request, intake.keyring, intake.settings, intake.clock)
        seconds = incoming.wait(request)
        draft = await _act(intake, request, case_id, by)
        with intake.waiters.expect(draft.id) as verdict:
            taken = await intake.taking.act(draft)
            if taken.outcome == "conflict":
                raise invalid([Flaw("Idempotency-Key", OTHER_BODY)])
            metrics.ACTS_RECEIVED.labels(draft.act).inc()
            if seconds and (await asyncio.wait({verdict}, timeout=seconds))[0]:
                return _decided(draft.id, verdict.result(), _replayed(taken))
        return JSONResponse({"act_id": draft.id}, 202, _replayed(taken))


def received_body(receipt: Receipt) -> dict[str, Any]:
    """The answer to a complaint, from its receipt alone."""
    return {
        "complaint_id": receipt.id,
        "case_id": receipt.case_id,
        "query_code": receipt.query_code,
        "received_at": receipt.received_at,
    }


def _draft(intake: Intake, request: Request, complaint: Complaint) -> Draft:
    key = incoming.idempotency_key(request)
    id = by_key(intake.keyring, key) if key else by_content(intake.keyring, canonical(complaint))
    return Draft(id, complaint, trace=incoming.trace(request))


async def _admit(intake: Intake, draft: Draft) -> Receipt | None:
    """Refuse a complaint that cannot be taken, unless it was taken when it could be; then its receipt."""
    now = intake.clock.now()
    if not flaws(draft.complaint, intake.directory, now.date(), now):
        return None
    await intake.refresh()
    found = flaws(draft.complaint, intake.directory, now.date(), now)
    before = (await intake.store.complaints([draft.id])).get(draft.id) if found else None
    if found and before is None:
        raise invalid(found)
    return before


async def _act(intake: Intake, request: Request, case_id: str, by: Subject) -> ActDraft:
    key = incoming.idempotency_key(request)
    asked = read(ActBody, await incoming.body(request, intake.settings.max_body_bytes, "application/json"))
    data = _data(asked)
    case = _case(case_id, by)
    key_id = await intake.store.key_of(case)
    if key_id is None:
        raise unknown_case()
    data_key = await _key(intake, key_id) if data.parts()[1] else None
    own = str(by.case_id) if by.case_id else None
    actor = Actor(organisation=by.organisation, role=by.role, user=by.user, case_id=own)
    identity = act_id(intake.keyring, case, key, by)
    return ActDraft(identity, case, asked.act, data, actor, data_key, incoming.trace(request))


def _data(asked: ActBody) -> Data:
    model = DATA.get(asked.act)
    if model is None:
        raise invalid([Flaw("act", f"must be one of {', '.join(DATA)}")])
    try:
        return model.read(asked.data)
    except ValidationError as error:
        raise invalid([Flaw(f"data.{flaw.field}", flaw.problem) for flaw in flaws_of(error)]) from None


def _case(case_id: str, by: Subject) -> str:
    try:
        case = UUID(case_id)
    except ValueError:
        raise unknown_case() from None
    if by.case_id is not None and by.case_id != case:
        raise unknown_case()
    return str(case)


async def _key(intake: Intake, key_id: str) -> bytes:
    data_key = await intake.keys.get(key_id)
    if data_key is None:
        raise Refused(410, "Erased", "the key of this case was erased; nothing more can be said in it")
    return data_key


def _decided(id: str, verdict: Verdict, headers: dict[str, str]) -> Response:
    citations = [citation.model_dump(exclude_none=True) for citation in verdict.citations]
    body: dict[str, Any] = {"act_id": id, "outcome": "applied", "reason": None, "citations": citations}
    if verdict.interpretation:
        body["interpretation"] = verdict.interpretation
    if isinstance(verdict, Rejected):
        if verdict.reason == "out-of-scope":
            raise unknown_case()
        body |= {"outcome": "rejected", "reason": verdict.reason, "explanation": verdict.explanation}
    return JSONResponse(body, 200, headers | {"Preference-Applied": "wait"})


def _replayed(taken: Taken) -> dict[str, str]:
    return {"Idempotent-Replayed": "true"} if taken.outcome == "repeated" else {}
