"""The acts (DESIGN.md section 10) and the shape of their data.

Intake checks the shape only; whether a field is needed, and whether the act is allowed, the instrument says and routing
decides, with the article. What is not a code, a day or a word of a closed list is sealed (`sealed`), so nothing about a
person can come into the log by this way.
"""

import json
from datetime import date
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import AfterValidator, Field, StringConstraints

from services.intake.core.text import OrganisationCode, Remark, Shape


def _credible(day: date) -> date:
    if not 1949 <= day.year <= 2200:
        raise ValueError("is no day of this system's time")
    return day


Day = Annotated[date, AfterValidator(_credible)]
Slug = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9]{0,20}([.-][a-z0-9]{1,20}){0,6}$")]
Reference = Annotated[str, StringConstraints(pattern=r"^(annex-)?[1-9]\d{0,2}(\([1-9]\d?\))?$")]
UserName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9._@-]{0,59}$")]
CaseId = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")]
ServedBy = Literal["in-person", "post", "phone", "sms", "email", "online", "other"]


class Data(Shape):
    """The data of an act; `sealed` names the fields that are free text."""

    sealed: ClassVar[frozenset[str]] = frozenset({"reason", "text", "measures", "purpose", "method"})

    @classmethod
    def read(cls, data: Any) -> Self:
        """From parsed JSON; raises pydantic's ValidationError."""
        return cls.model_validate_json(json.dumps(data))

    def parts(self) -> tuple[dict[str, Any], dict[str, str]]:
        """What goes in clear, and what is to be sealed; empty fields left out."""
        whole = self.model_dump(mode="json", exclude_none=True, by_alias=True)
        return (
            {name: value for name, value in whole.items() if name not in self.sealed},
            {name: value for name, value in whole.items() if name in self.sealed},
        )


class HandOver(Data):
    to: OrganisationCode = None
    reason: Remark = None


class Served(Data):
    served_by: ServedBy | None = None
    served_on: Day | None = None


class Refuse(Served):
    ground: Slug | Reference | None = None
    reason: Remark = None


class Classify(Data):
    class_: Annotated[Slug | None, Field(alias="class")] = None
    reason: Remark = None


class RequestExtension(Data):
    until: Day | None = None
    reason: Remark = None


class ApproveExtension(Data):
    until: Day | None = None
    complainant_told_on: Day | None = None
    administration_told_on: Day | None = None


class RefuseExtension(Data):
    reason: Remark = None


class Answer(Served):
    text: Remark = None


class Close(Data):
    outcome: Literal["substantiated", "partly", "unsubstantiated", "invalid"] | None = None
    measures: Remark = None


class Withdraw(Data):
    reason: Remark = None


class Note(Data):
    text: Remark = None


class Reply(Data):
    """A draft answer: 调查核实, 处理过程, 整改措施, 整改结果 are texts, `result` among them."""

    sealed: ClassVar[frozenset[str]] = Data.sealed | {"investigation", "process", "result"}
    outcome: Slug | None = None
    text: Remark = None
    investigation: Remark = None
    process: Remark = None
    measures: Remark = None
    result: Remark = None


class Further(Served):
    """What the acts that later issues bring may carry."""

    to: OrganisationCode = None
    lead: OrganisationCode = None
    organisations: tuple[Annotated[str, StringConstraints(pattern=r"^[0-9A-HJ-NPQRTUWXY]{18}$")], ...] | None = None
    into: CaseId | None = None
    person: UserName | None = None
    ground: Slug | Reference | None = None
    class_: Annotated[Slug | None, Field(alias="class")] = None
    outcome: Slug | None = None
    result: Slug | None = None
    satisfied: bool | None = None
    until: Day | None = None
    on: Day | None = None
    told_on: Day | None = None
    accused_told_on: Day | None = None
    reason: Remark = None
    text: Remark = None
    measures: Remark = None
    purpose: Remark = None
    method: Remark = None


_FURTHER = (
    "designate-lead transfer bounce contact verify review-reply check-quality file-rectification visit send-back "
    "terminate appeal review recuse merge unmerge supplement archive unmask"
)
_OWN: dict[str, type[Data]] = {
    "hand-over": HandOver,
    "accept": Served,
    "refuse": Refuse,
    "classify": Classify,
    "request-extension": RequestExtension,
    "approve-extension": ApproveExtension,
    "refuse-extension": RefuseExtension,
    "reply": Reply,
    "answer": Answer,
    "close": Close,
    "withdraw": Withdraw,
    "note": Note,
}
DATA: dict[str, type[Data]] = _OWN | {act: Further for act in _FURTHER.split()}


class ActBody(Shape):
    """The body of `POST /v1/cases/{case_id}/acts`."""

    act: str
    data: dict[str, Any] = {}
