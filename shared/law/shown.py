"""An instrument as a person reads it: article by article, each rule as one line of Chinese."""

from dataclasses import dataclass
from typing import Any, Final

from shared.law.acts import ActRule
from shared.law.entry import Entry
from shared.law.errors import UnknownProvision
from shared.law.instrument import SECTIONS, Instrument
from shared.law.obligation import Obligation
from shared.law.provisions import Ground

UNITS: Final[dict[str, str]] = {
    "working_days": "个工作日",
    "calendar_days": "日",
    "hours": "小时",
}
EACH: Final[dict[str, str]] = {"month": "月", "quarter": "季度", "half-year": "半年", "year": "年"}
DEBTORS: Final[dict[str, str]] = {
    "administration": "管理部门",
    "agency": "承办单位",
    "officer": "工作人员",
    "receiver": "首次接收的单位",
    "complainant": "投诉人",
    "superior": "上级管理部门",
}
ROLES: Final[dict[str, str]] = {
    "complainant": "投诉人",
    "officer": "经办人",
    "leader": "负责人",
    "supervisor": "管理人员",
    "inspector": "质检人员",
    "province": "省级",
    "auditor": "审计人员",
    "system": "系统",
}
RELATIONS: Final[dict[str, str]] = {
    "accountable": "承办单位",
    "assisting": "协办单位",
    "supervising": "本级管理部门",
    "above": "上级管理部门",
    "checking": "质检部门",
    "accused": "被投诉方",
    "complainant": "本人",
    "receiving": "接收单位",
    "platform": "平台",
    "any": "",
}
STATES: Final[dict[str, str]] = {
    "pending": "待交办",
    "assigned": "待受理",
    "accepted": "办理中",
    "closed": "已办结",
    "refused": "不予受理",
    "withdrawn": "已撤回",
    "terminated": "已终止",
    "absorbed": "已合并",
    "archived": "已归档",
    "previous": "原状态",
}
NAMES: Final[dict[str, str]] = {
    "definitions": "定义",
    "scope": "适用",
    "principles": "原则",
    "duties": "义务",
    "channels": "渠道",
    "materials": "材料",
    "grounds": "情形",
    "classes": "类别",
    "obligations": "期限",
    "acts": "行为",
    "merging": "合并",
    "leads": "牵头",
    "confidentiality": "保密",
    "recusals": "回避",
    "visits": "回访",
    "checks": "质检",
    "consequences": "后果",
    "statistics": "统计",
    "forms": "文书",
    "diagrams": "流程",
}


@dataclass(frozen=True)
class Line:
    """One article, ready to be printed."""

    number: str
    title: str
    heading: str
    chapter: str
    not_operative: str | None
    rules: tuple[str, ...]
    entries: tuple[tuple[str, Entry], ...]

    def as_json(self) -> dict[str, Any]:
        rules = [{"section": section, **entry.model_dump(mode="json")} for section, entry in self.entries]
        return {
            "article": self.number,
            "heading": self.heading,
            "chapter": self.chapter,
            "not_operative": self.not_operative,
            "rules": rules,
        }


def article_lines(instrument: Instrument, article: str | None = None) -> tuple[Line, ...]:
    """All articles in the text's order, or one; raises UnknownProvision."""
    lines = tuple(
        _line(instrument, number)
        for number in dict.fromkeys(each.number for each in instrument.contents)
        if article in (None, number)
    )
    if article is not None and not lines:
        known = ", ".join(dict.fromkeys(each.number for each in instrument.contents))
        raise UnknownProvision(f"{instrument.id} has no article '{article}'; there are: {known}")
    return lines


def _line(instrument: Instrument, number: str) -> Line:
    parts = [each for each in instrument.contents if each.number == number]
    entries = tuple(
        (section, entry)
        for section in SECTIONS
        for entry in getattr(instrument, section)
        if entry.citations and entry.citations[0].article == number
    )
    rules = tuple(f"{NAMES[section]} {rule_text(entry)}" for section, entry in entries)
    title = instrument.cite(number).title.removeprefix(f"《{instrument.title}》")
    return Line(number, title, parts[0].heading, parts[0].chapter, parts[0].not_operative, rules, entries)


def rule_text(entry: Entry) -> str:
    """One rule in one line: its item, id, what it says, and how it was read."""
    cited = entry.citations[0]
    place = f"（{cited.item}）" if cited.item else ""
    text = f"{place}[{entry.id}] {_said(entry)}"
    if entry.since or entry.until:
        text += f"（{entry.since or '…'} 至 {entry.until or '…'}）"
    return text + (f" ※解读：{entry.interpretation}" if entry.interpretation else "")


def _said(entry: Entry) -> str:
    if isinstance(entry, Obligation):
        return f"{entry.title}：{period_text(entry)}，由{DEBTORS[entry.owes]}{entry.person or ''}履行"
    if isinstance(entry, ActRule):
        who = "、".join(RELATIONS[actor.relation] + ROLES[actor.role] for actor in entry.by)
        states = "、".join(STATES[state] for state in entry.from_states)
        needs = f"，须写明 {'、'.join(entry.requires)}" if entry.requires else ""
        needs += "".join(f"，{name}只能是{'、'.join(words)}" for name, words in entry.given.items())
        needs += "".join(f"，{said}{'、'.join(words)}" for said, words in _conditions(entry) if words)
        return f"{who}，在{states}时{needs}" + (f" → {STATES[entry.to]}" if entry.to else "")
    if isinstance(entry, Ground):
        return entry.text + _asked_of(entry)
    title, text = getattr(entry, "title", ""), getattr(entry, "text", "")
    more = getattr(entry, "criteria", ()) or getattr(entry, "steps", ()) or getattr(entry, "doors", ())
    return "：".join(part for part in (title, text, "、".join(more)) if part)


def _conditions(rule: ActRule) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """What else must hold, each with the words it holds for."""
    how = "（结果须通过或属实）" if rule.passed else "（结果须不属实或无法核实）" if rule.failed else ""
    return (
        (f"须先完成{how}", rule.after),
        ("答复等联系投诉人的环节可免于", rule.unless),
        ("类别限于", rule.when_class),
        ("类别不得为", rule.unless_class),
        ("种类限于", rule.kinds),
        ("渠道限于", rule.channels),
        ("不得迟于期限", (rule.before_due,) if rule.before_due else ()),
    )


def _asked_of(ground: Ground) -> str:
    """What a ground asks for besides being listed."""
    found = [f"由{ROLES[ground.decided_by]}决定"] if ground.decided_by else []
    found += [f"只由{'、'.join(DEBTORS[each] for each in ground.by)}适用"] if ground.by else []
    found += (
        ["须先联系" + (f"（{'、'.join(ground.asked_with)}）" if ground.asked_with else "")] if ground.ask_first else []
    )
    found += ["须告知向何处反映"] if ground.tell_where else []
    return f"（{'；'.join(found)}）" if found else ""


def period_text(duty: Obligation) -> str:
    """A period as one says it: 10个工作日（延期后总共不超过20）."""
    period = duty.period
    if period.unit == "same_day":
        return "当日"
    if period.unit == "date":
        day = "最后一日" if period.day == "last" else f"{period.day}日"
        month = "" if period.months_after == 0 else f"其后第{period.months_after}个月"
        return f"每{EACH[period.each or 'month']}一次，{month}{day}前"
    text = f"{period.length}{UNITS[period.unit]}"
    if duty.extension is None:
        return text
    if duty.extension.limit is None:
        return f"{text}（可延期，未设上限）"
    how = "延期后总共不超过" if duty.extension.counted == "total" else "延长不超过"
    return f"{text}（{how}{duty.extension.limit}{UNITS.get(period.unit, '个工作日')}）"
