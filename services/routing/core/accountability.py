"""Whose is it? The search for the accountable organisation, each step with its principle and citation.

In the order of the law: the affair (who decided on or handled the citizen's own application), the matter (who is
competent in that division), the organisation or the window named, the division (属地管理): its administration decides.
Where the instrument puts the place first (`first` among its principles), a unit of the complaint's division wins over
one elsewhere. Which principles there are, in which words and under which articles, is the instrument's data (`finds`).
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date

from services.routing.core.affair import Affair
from services.routing.core.standing import not_governed
from shared.directory.model import ADMINISTRATIONS, Organisation
from shared.directory.tree import Directory
from shared.events.cases import Step
from shared.events.intake import ComplaintReceived
from shared.law.cited import cited
from shared.law.due import ZONE
from shared.law.instrument import Instrument
from shared.law.provisions import Statement

# What a step rests on, the closest principle first; the words where an instrument has none of them.
ASKED = {
    "affair": ("handler", "approver", "in-charge", "accused"),
    "matter": ("approver", "in-charge", "handler", "accused"),
    "organisation": ("in-charge", "accused", "handler", "approver"),
    "window": ("in-charge", "accused", "handler", "approver"),
    "division": ("territory",),
}
OTHERWISE = {
    "affair": "谁审批谁负责",
    "matter": "谁审批谁负责",
    "organisation": "谁主管谁负责",
    "window": "谁主管谁负责",
    "division": "属地管理",
}
_WINDOW = re.compile(r"[第]?[0-9A-Za-z０-９一二三四五六七八九十]*号?(窗口|柜台|工位|台)?$")


@dataclass(frozen=True, slots=True)
class Found:
    """Who must answer, who supervises, who holds the case now, and why."""

    accountable: str | None
    administration: str | None
    holder: str
    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class _Asked:
    """What the search is made with."""

    complaint: ComplaintReceived
    instrument: Instrument | None
    directory: Directory
    affair: Affair | None

    @property
    def day(self) -> date:
        return self.complaint.received_on


@dataclass(frozen=True, slots=True)
class _Looked:
    """One step's outcome; `why` says what was found, or why nothing was."""

    asked: str
    why: str
    organisation: Organisation | None = None


def find(
    complaint: ComplaintReceived, instrument: Instrument | None, directory: Directory, affair: Affair | None = None
) -> Found:
    """The accountable organisation as of the day received; the administration where nothing more certain is known.

    `affair` is the one of the complaint's project number, None where it carries none or none was imported.
    """
    asked = _Asked(complaint, instrument, directory, affair)
    looked, agency = _search(asked)
    place = _place(asked, agency)
    administration = directory.administration_of(place, asked.day)
    looked.append(_territory(place, administration, agency))
    accountable = agency or administration
    return Found(
        accountable=accountable.code if accountable else None,
        administration=administration.code if administration else None,
        holder="agency" if agency and complaint.received_by == agency.code else "administration",
        steps=tuple(_step(each, instrument) for each in looked),
    )


def _search(asked: _Asked) -> tuple[list[_Looked], Organisation | None]:
    """The steps up to the one that decides, and the organisation it found."""
    place_first = _place_first(asked.instrument)
    looked: list[_Looked] = []
    elsewhere: tuple[int, Organisation] | None = None  # the first unit of another place, and its step
    for look in (_by_affair, _by_matter, _named, _window):
        each = look(asked)
        if each is None:
            continue
        if each.organisation and (out := _excluded(each.organisation, asked)):
            each = replace(each, why=out, organisation=None)
        found = each.organisation
        local = found is not None and found.division == asked.complaint.division
        if found is None or local or place_first is None:
            looked.append(each)
            if found is not None:
                return looked, found
            continue
        elsewhere = elsewhere or (len(looked), found)
        why = f"{each.why}；{found.name}不在{asked.complaint.division}，依{place_first.title}先查找本地单位"
        looked.append(replace(each, why=why, organisation=None))
    if elsewhere is None:
        return looked, None
    number, found = elsewhere
    why = f"{looked[number].why}；没有找到本地单位，由该单位负责"
    looked[number] = replace(looked[number], why=why, organisation=found)
    return looked, found


def _by_affair(asked: _Asked) -> _Looked | None:
    """谁审批谁负责, 谁办理谁负责: who decided on the application, or held it on the day complained about."""
    number = asked.complaint.project_no
    if not number:
        return None
    if asked.affair is None:
        return _Looked("affair", "该办件编号没有导入的办件信息，继续查找")
    at = asked.complaint.occurred_at
    day = min(at.astimezone(ZONE).date(), asked.day) if at else asked.day
    handled = _principle("affair", asked.instrument, only="handler") is not None
    code = asked.affair.handler(day) if handled else asked.affair.approver(day)
    if code is None:
        return _Looked("affair", f"办件信息没有写明{day.isoformat()}由谁办理，继续查找")
    did = "办理" if handled else "审批（未办结的为当日办理）"
    why = f"该办件于{day.isoformat()}的{did}单位为{code}"
    return _standing("affair", code, why, asked)


def _by_matter(asked: _Asked) -> _Looked | None:
    named, division = asked.complaint.matter, asked.complaint.division
    code = named.code or (asked.affair.matter if asked.affair else None)
    if not code and not named.name:
        return None
    matter = asked.directory.matter(code, asked.day, division) if code else None
    if matter is None and named.name:
        matter = asked.directory.matter_by_name(named.name, division, asked.day)
    if matter is None:
        return _Looked("matter", "事项不在目录中，继续查找")
    why = f"事项{matter.code}（{matter.name}）在{matter.division}由该单位办理"
    return _standing("matter", matter.agency, why, asked)


def _named(asked: _Asked) -> _Looked | None:
    name = asked.complaint.accused.organisation
    if not name:
        return None
    directory, day = asked.directory, asked.day
    found, passed = directory.current(name, day)
    if found is None and passed == ():
        found = directory.organisation_by_name(name, asked.complaint.division, day)
    if found is None or (found.kind in ADMINISTRATIONS and found.code != name):
        return _Looked("organisation", "所称单位不在目录中，或名称不唯一")
    if found.kind == "centre" and (unit := _of_window(asked)) is not None and unit.venue == found.code:
        return _Looked("organisation", f"所称单位{found.name}是场所，由窗口所属的进驻单位负责", unit)
    return _Looked("organisation", "投诉人指明的被投诉单位" + _succession(passed, found), found)


def _window(asked: _Asked) -> _Looked | None:
    if not asked.complaint.accused.window:
        return None
    unit = _of_window(asked)
    if unit is None:
        return _Looked("window", "目录中没有以该窗口为名的单位")
    return _Looked("window", f"投诉人指明的窗口属于{unit.name}", unit)


def _of_window(asked: _Asked) -> Organisation | None:
    """The unit that the directory knows by the window's name, with or without its number."""
    name = asked.complaint.accused.window or ""
    for each in dict.fromkeys((name, name.removesuffix("窗口"), _WINDOW.sub("", name))):
        found = asked.directory.organisation_by_name(each, asked.complaint.division, asked.day) if each else None
        if found is not None and found.kind not in (*ADMINISTRATIONS, "centre"):
            return found
    return None


def _place(asked: _Asked, agency: Organisation | None) -> str:
    """Whose administration it is: the complaint's division, or under a text about centres the one the centre is in."""
    if agency is not None and agency.venue and asked.instrument and asked.instrument.governs.venues:
        centre = asked.directory.organisation(agency.venue, asked.day)
        if centre is not None:
            return centre.division
    return asked.complaint.division


def _territory(place: str, administration: Organisation | None, agency: Organisation | None) -> _Looked:
    if administration is None:
        return _Looked("division", f"行政区划{place}没有登记管理部门")
    why = "该区划的政务服务管理部门负责交办和监督" if agency else "未能确定承办单位，由该区划的政务服务管理部门决定"
    return _Looked("division", why, administration)


def _standing(step: str, code: str, why: str, asked: _Asked) -> _Looked:
    """The organisation of that code on the day received, or its successor then."""
    organisation, passed = asked.directory.current(code, asked.day)
    if organisation is not None:
        return _Looked(step, why + _succession(passed, organisation), organisation)
    return _Looked(step, f"{why}；该单位不在目录中，或在{asked.day.isoformat()}已撤销且没有承继单位，继续查找")


def _succession(passed: Iterable[str], successor: Organisation) -> str:
    codes = "、".join(passed)
    return f"；原单位{codes}已撤销，其职责由{successor.name}（{successor.code}）承继" if codes else ""


def _excluded(organisation: Organisation, asked: _Asked) -> str | None:
    """Why the instrument does not reach this organisation, and where to turn instead; None where it does."""
    if asked.instrument is None:
        return None
    reason = not_governed(organisation, asked.instrument, asked.directory, asked.day, asked.complaint.division)
    if reason is None:
        return None
    above = asked.directory.organisation(organisation.parent, asked.day) if organisation.parent else None
    where = f"该单位的上级{above.name}" if above else "该单位自己的投诉渠道或其上级机关"
    return (
        f"{organisation.name}（{organisation.code}）：{reason}；应向{where}反映，也可以拨打12345，由管理部门告知投诉人"
    )


def _statements(instrument: Instrument) -> tuple[Statement, ...]:
    return (*instrument.principles, *instrument.duties)


def _principle(step: str, instrument: Instrument | None, only: str | None = None) -> Statement | None:
    """The instrument's statement that the step rests on, the closest first."""
    if instrument is None:
        return None
    for word in (only,) if only else ASKED[step]:
        for statement in _statements(instrument):
            if word in statement.finds:
                return statement
    return None


def _place_first(instrument: Instrument | None) -> Statement | None:
    """The statement that puts the place before the others, where there is one."""
    if instrument is None:
        return None
    return next((each for each in _statements(instrument) if each.first and "territory" in each.finds), None)


def _step(looked: _Looked, instrument: Instrument | None) -> Step:
    rests_on = _principle(looked.asked, instrument)
    return Step(
        asked=looked.asked,
        principle=(rests_on.title or rests_on.text) if rests_on else OTHERWISE[looked.asked],
        found=looked.organisation.code if looked.organisation else None,
        why=looked.why,
        citations=cited(rests_on.citations) if rests_on else (),
    )
