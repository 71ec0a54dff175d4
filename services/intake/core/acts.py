"""The acts (DESIGN.md section 10) and the shape of their data.

Intake checks the shape only; whether a field is needed, and whether the act is allowed, the instrument says and routing
decides, with the article. What is not a code, a day or a word of a closed list is sealed (`sealed`), so nothing about a
person can come into the log by this way.
"""

import json
from datetime import date
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import AfterValidator, Field, StringConstraints

from services.intake.core.text import OrganisationCode, PersonName, Remark, Shape
from shared.law.vocabulary import Outcome, Topic


def _credible(day: date) -> date:
    if not 1949 <= day.year <= 2200:
        raise ValueError("is no day of this system's time")
    return day


Day = Annotated[date, AfterValidator(_credible)]
Slug = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9]{0,20}([.-][a-z0-9]{1,20}){0,6}$")]
Reference = Annotated[str, StringConstraints(pattern=r"^(annex-)?[1-9]\d{0,2}(\([1-9]\d?\))?$")]
UserName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9._@-]{0,59}$")]
CaseId = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")]
SoundCode = Annotated[str, StringConstraints(pattern=r"^[0-9A-HJ-NPQRTUWXY]{18}$")]
ServedBy = Literal["in-person", "post", "phone", "sms", "email", "online", "other"]


class Data(Shape):
    """The data of an act; `sealed` names the fields that are free text. A reason may be given for any act, so that a
    regulation may ask for one."""

    sealed: ClassVar[frozenset[str]] = frozenset({"reason", "text", "measures", "purpose", "method"})
    reason: Remark = None

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
    """`accused` names the officer complained about by user name; `accused_told_on` is the day that officer was told."""

    to: OrganisationCode = None
    accused: UserName | None = None
    accused_told_on: Day | None = None


class Served(Data):
    served_by: ServedBy | None = None
    served_on: Day | None = None


class Refuse(Served):
    """`referred_to`: whom the complainant was told to turn to; `earlier`: the case that this one repeats."""

    sealed: ClassVar[frozenset[str]] = Data.sealed | {"served_to"}
    ground: Slug | Reference | None = None
    served_to: PersonName = None
    referred_to: Annotated[str, StringConstraints(pattern=r"^(12345|[0-9A-HJ-NPQRTUWXY]{18})$")] | None = None
    earlier: CaseId | None = None


class Terminate(Data):
    ground: Slug | Reference | None = None


class Classify(Data):
    class_: Annotated[Slug | None, Field(alias="class")] = None


class DesignateLead(Data):
    """`lead` answers; `organisations` assist it."""

    lead: OrganisationCode = None
    organisations: Annotated[tuple[SoundCode, ...], Field(max_length=50)] | None = None


class Transfer(Data):
    to: OrganisationCode = None


class Why(Data):
    """Of bounce, refuse-extension, withdraw, appeal, unmerge and archive: a reason and nothing else."""


class Contacted(Data):
    """An attempt to reach the complainant, successful or not."""

    result: Literal["reached", "unreachable", "clarified", "reminded"] | None = None
    on: Day | None = None
    method: Remark = None
    text: Remark = None


class RequestExtension(Data):
    """`obligation` names the duty, where a regulation lets more than one that runs be extended."""

    until: Day | None = None
    obligation: Slug | None = None


class ApproveExtension(Data):
    until: Day | None = None
    obligation: Slug | None = None
    complainant_told_on: Day | None = None
    administration_told_on: Day | None = None


class Verified(Data):
    result: Literal["confirmed", "refuted", "unverifiable"] | None = None
    accused: UserName | None = None
    method: Remark = None
    text: Remark = None


class Reply(Data):
    """A draft answer: 调查核实, 处理过程, 整改措施, 整改结果 are texts; `signed_by` is a user name."""

    sealed: ClassVar[frozenset[str]] = Data.sealed | {"investigation", "process", "result"}
    outcome: Outcome | None = None
    signed_by: UserName | None = None
    text: Remark = None
    investigation: Remark = None
    process: Remark = None
    measures: Remark = None
    result: Remark = None


class Judged(Data):
    """Of review-reply and check-quality."""

    result: Literal["pass", "fail"] | None = None


class Answer(Served):
    text: Remark = None


class Close(Data):
    outcome: Outcome | None = None
    measures: Remark = None


class FileRectification(Data):
    measures: Remark = None
    on: Day | None = None


class Visit(Data):
    """A return visit, or the attempt at one; `sample` names the drawn sample it belongs to."""

    result: Literal["reached", "unreachable"] | None = None
    satisfied: bool | None = None
    method: Remark = None
    text: Remark = None
    sample: Slug | None = None


class SendBack(Data):
    class_: Annotated[Slug | None, Field(alias="class")] = None
    until: Day | None = None


class Review(Data):
    result: Literal["upheld", "not-counted"] | None = None
    told_on: Day | None = None


class Recuse(Data):
    """`person` is a user name, as acts are signed with."""

    person: UserName | None = None


class Merge(Data):
    into: CaseId | None = None


class Text(Data):
    """Of supplement and note; `accused_told_on` is the day the officer complained about was told."""

    text: Remark = None
    accused: UserName | None = None
    accused_told_on: Day | None = None


class Report(Data):
    topic: Topic | None = None
    to: OrganisationCode = None


class Unmask(Data):
    purpose: Remark = None


DATA: dict[str, type[Data]] = {
    "hand-over": HandOver,
    "accept": Served,
    "refuse": Refuse,
    "classify": Classify,
    "designate-lead": DesignateLead,
    "transfer": Transfer,
    "bounce": Why,
    "contact": Contacted,
    "request-extension": RequestExtension,
    "approve-extension": ApproveExtension,
    "refuse-extension": Why,
    "verify": Verified,
    "reply": Reply,
    "review-reply": Judged,
    "check-quality": Judged,
    "answer": Answer,
    "close": Close,
    "file-rectification": FileRectification,
    "visit": Visit,
    "send-back": SendBack,
    "terminate": Terminate,
    "withdraw": Why,
    "appeal": Why,
    "review": Review,
    "recuse": Recuse,
    "merge": Merge,
    "unmerge": Why,
    "supplement": Text,
    "note": Text,
    "report": Report,
    "archive": Why,
    "unmask": Unmask,
}


class ActBody(Shape):
    """The body of `POST /v1/cases/{case_id}/acts`."""

    act: str
    data: dict[str, Any] = {}
