"""The affair (办事件) a complaint is about: which organisation accepted, held and decided it, and on which days.

Nothing else is kept: no applicant, no clerk. Fields and lengths are those of GB/T 39046 tables 6 (受理), 7 (办理) and
8 (办结); whoever uploads one again as it goes on adds to what is known (docs/decisions/0070-affairs.md).
"""

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, model_validator

ProjectNo = Annotated[str, StringConstraints(pattern=r"^[0-9A-Za-z._/-]{1,50}$")]  # 办件编号 an..50
UnitCode = Annotated[str, StringConstraints(pattern=r"^[0-9A-HJ-NPQRTUWXY]{18}$")]  # 统一社会信用代码 an..18


def _credible(day: date) -> date:
    if not 1949 <= day.year <= 2200:
        raise ValueError("is no day of this system's time")
    return day


Day = Annotated[date, AfterValidator(_credible)]


class _Shape(BaseModel):
    """Closed and frozen; no value is repeated in an error."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        strict=True,
        hide_input_in_errors=True,
        validate_by_name=True,
        validate_by_alias=True,
    )


class Holding(_Shape):
    """One organisation's time with the affair (办理单位, 环节开始时间, 环节结束时间); `until` is its last day."""

    by: UnitCode
    since: Annotated[Day | None, Field(alias="from")] = None
    until: Day | None = None

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.since and self.until and self.until < self.since:
            raise ValueError("until lies before from")
        return self


class Affair(_Shape):
    """What is known of one affair."""

    project_no: ProjectNo
    base_code: Annotated[str, StringConstraints(pattern=r"^[0-9A-Za-z]{1,10}$")] | None = None  # 基本编码 an..10
    task_code: Annotated[str, StringConstraints(pattern=r"^[0-9A-Za-z]{1,24}$")] | None = None  # 实施编码 an..24
    matter: Annotated[str, StringConstraints(pattern=r"^[0-9A-Za-z]{1,31}$")] | None = None  # the directory's code
    division: Annotated[str, StringConstraints(pattern=r"^[0-9]{6,9}$")] | None = None  # 行政区划 n..9
    kind: Literal["1", "2", "9"] | None = None  # 办件类型代码 A.6
    accepted_by: UnitCode | None = None  # 受理单位
    accepted_on: Day | None = None  # 受理时间
    promised_on: Day | None = None  # 承诺办结时间
    handled: Annotated[tuple[Holding, ...], Field(max_length=50)] = ()  # 办理
    concluded_by: UnitCode | None = None  # 办结
    concluded_on: Day | None = None

    @model_validator(mode="after")
    def _sound(self) -> Self:
        if self.accepted_by is None and not self.handled and self.concluded_by is None:
            raise ValueError("names no organisation: give accepted_by, handled or concluded_by")
        if self.accepted_on and self.concluded_on and self.concluded_on < self.accepted_on:
            raise ValueError("concluded_on lies before accepted_on")
        return self

    def document(self) -> dict[str, Any]:
        """As it is stored: `_id` is the project number."""
        found = self.model_dump(mode="json", by_alias=True, exclude_none=True)
        return {"_id": found.pop("project_no"), **found}

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> Self:
        """From the store."""
        given = {name: value for name, value in document.items() if name not in ("_id", "revision")}
        return cls.model_validate({"project_no": document["_id"], **given}, strict=False)

    def handler(self, day: date) -> str | None:
        """Who held it on the day (谁办理): the holding of that day, else the last begun before, else who accepted."""
        begun = [each for each in self.handled if each.since is None or each.since <= day]
        running = [each for each in begun if each.until is None or day <= each.until]
        found = (running or begun)[-1:]
        if found:
            return found[0].by
        return self.accepted_by or (self.handled[0].by if self.handled else self.concluded_by)

    def approver(self, day: date) -> str | None:
        """Who decided on it by the day (谁审批); while it is undecided, who holds it."""
        if self.concluded_by and (self.concluded_on is None or self.concluded_on <= day):
            return self.concluded_by
        return self.handler(day)


def merged(known: Affair | None, said: Affair) -> Affair:
    """What is known after an upload: a field it gives holds, one it leaves out stays; holdings are added up.

    Uploading the same again changes nothing. A holding with the same organisation and first day is the same one.
    """
    if known is None:
        return said.model_copy(update={"handled": _in_order(said.handled)})
    if known.division and said.division and known.division != said.division:
        raise ValueError("the affair is of another division")
    given = {name: value for name, value in said if value is not None and name != "handled"}
    holdings = {(each.by, each.since): each for each in (*known.handled, *said.handled)}
    for each in known.handled:
        if holdings[each.by, each.since].until is None:  # said again without its end: the end known stays
            holdings[each.by, each.since] = each
    return Affair.model_validate({**dict(known), **given, "handled": _in_order(holdings.values())})


def _in_order(holdings: Iterable[Holding]) -> tuple[Holding, ...]:
    return tuple(sorted(holdings, key=lambda each: (each.since or date.min, each.until or date.max, each.by)))
