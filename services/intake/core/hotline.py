"""12345 work orders (工单): from one row of a file to a complaint. No value of a row is ever repeated in a flaw."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from pydantic import ValidationError

from services.intake.core.admission import Flaw
from services.intake.core.complaint import Complaint
from shared.clock import ZONE

DOOR = "12345"
NUMBER = "工单编号"
CALLED_AT = "来电时间"
REQUIRED = (NUMBER, CALLED_AT, "行政区划", "诉求类型", "诉求内容")
PLACES = {
    NUMBER: "source_reference",
    CALLED_AT: "occurred_at",
    "来电人": "complainant.name",
    "联系电话": "complainant.phone",
    "证件类型": "complainant.id_type",
    "证件号码": "complainant.id_number",
    "联系地址": "complainant.address",
    "行政区划": "division",
    "诉求类型": "kind",
    "标题": "title",
    "诉求内容": "content",
    "诉求目的": "demand",
    "被投诉单位": "accused.organisation",
    "窗口": "accused.window",
    "被投诉人": "accused.person",
    "事项编码": "matter.code",
    "事项名称": "matter.name",
    "办件编号": "affair.project_no",
    "是否匿名": "complainant.anonymous",
    "是否保密": "complainant.discloses",
    "是否需要回复": "complainant.wants_answer",
    "紧急程度": "urgent",
}
ALIASES = {"被投诉窗口": "窗口", "是否需要答复": "是否需要回复", "工单号": NUMBER, "来电号码": "联系电话"}
_COLUMNS = {place: column for column, place in PLACES.items()}
_KINDS = {
    "投诉": "complaint",
    "咨询": "consultation",
    "建议": "suggestion",
    "意见建议": "suggestion",
    "差评": "bad-review",
}
_YES = {"是": True, "否": False, "1": True, "0": False, "y": True, "n": False, "true": True, "false": False}
_URGENT = _YES | {"普通": False, "一般": False, "紧急": True, "加急": True, "特急": True}
_NOTHING = {"无", "不详", "未提供", "未知", "-", "--", "/"}
_ROUNDED = re.compile(r"\d(\.\d+)?[Ee]\+?\d+")
_LOOSE = re.compile(
    r"(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})日?"
    r"(?:[ T]*(\d{1,2})[:：时](\d{1,2})(?:[:：分](\d{1,2})(?:\.\d+)?)?[分秒]?)?"
)
_PACKED = re.compile(r"(\d{4})(\d{2})(\d{2})T?(\d{2})(\d{2})(\d{2})")


@dataclass(frozen=True, slots=True)
class WorkOrder:
    """A readable row: its number is its identity, the call's day its (trusted, earlier) day of receipt."""

    number: str
    received_on: date
    complaint: Complaint


class _Unreadable(ValueError):
    """A cell that says nothing this system understands."""


def work_order(cells: Mapping[str, str], now: datetime) -> WorkOrder | list[Flaw]:
    """One row by its column heads; the flaws name the columns."""
    body: dict[str, Any] = {"channel": "hotline", "door": DOOR}
    found = []
    for column, place in PLACES.items():
        text = cells.get(column, "").strip()
        try:
            if text:
                _put(body, place, _READ.get(column, _text)(text))
            elif column in REQUIRED:
                raise _Unreadable("is empty")
        except _Unreadable as problem:
            found.append(Flaw(column, str(problem)))
    if found:
        return found
    try:
        complaint = Complaint.model_validate(body)
    except ValidationError as error:
        problems = error.errors(include_input=False, include_url=False, include_context=False)
        return [Flaw(column_of(".".join(map(str, p["loc"]))), p["msg"]) for p in problems]
    assert complaint.occurred_at is not None
    if complaint.occurred_at > now:
        return [Flaw(CALLED_AT, "lies in the future")]
    return WorkOrder(str(complaint.source_reference), complaint.occurred_at.astimezone(ZONE).date(), complaint)


def column_of(field: str) -> str:
    """The column head that a field of the complaint comes from."""
    return _COLUMNS.get(field, field)


def _put(body: dict[str, Any], place: str, value: object) -> None:
    *outer, last = place.split(".")
    for name in outer:
        body = body.setdefault(name, {})
    body[last] = value


def _text(text: str) -> str:
    return text


def _exact(text: str) -> str:
    if _ROUNDED.fullmatch(text):
        raise _Unreadable("was rounded by a spreadsheet; export the column as text")
    return text


def _known(text: str) -> str | None:
    return None if text in _NOTHING else _exact(text)


def _word(words: Mapping[str, Any]) -> Callable[[str], Any]:
    def read(text: str) -> Any:
        if text.lower() not in words:
            raise _Unreadable(f"must be one of {'、'.join(words)}")
        return words[text.lower()]

    return read


def _division(text: str) -> str:
    """Six digits; the nine and twelve of a division without town and village are the same one."""
    if not re.fullmatch(r"[0-9]{6}(000){0,2}", text):
        raise _Unreadable("must be the six digits of GB/T 2260")
    return text[:6]


def _instant(text: str) -> datetime:
    try:
        if found := _LOOSE.fullmatch(text) or _PACKED.fullmatch(text):
            instant = datetime(*(int(part or 0) for part in found.groups()), tzinfo=ZONE)  # type: ignore[arg-type, misc]
        else:
            instant = datetime.fromisoformat(text)
            instant = instant if instant.tzinfo else instant.replace(tzinfo=ZONE)
    except ValueError:
        raise _Unreadable("must be a time such as 2026-03-02 09:30:00") from None
    if not 1900 <= instant.year <= 9000:
        raise _Unreadable("is no time of this system's")
    return instant


_READ: dict[str, Callable[[str], Any]] = {
    NUMBER: _exact,
    CALLED_AT: _instant,
    "来电人": _known,
    "联系电话": _known,
    "证件号码": _known,
    "联系地址": _known,
    "行政区划": _division,
    "诉求类型": _word(_KINDS),
    "被投诉人": _known,
    "办件编号": _known,
    "是否匿名": _word(_YES),
    "是否保密": _word({word: not meaning for word, meaning in _YES.items()}),
    "是否需要回复": _word(_YES),
    "紧急程度": _word(_URGENT),
}
