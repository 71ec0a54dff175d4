"""Whose is it? The search for the accountable organisation, each step with its principle, in the order of the law:
the matter (who is competent), the organisation named, the division (属地管理): its administration decides.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from shared.directory.model import Organisation
from shared.directory.tree import Directory
from shared.events.cases import Step
from shared.events.intake import ComplaintReceived
from shared.law.cited import cited
from shared.law.instrument import Instrument

APPROVER = "谁审批谁负责"
IN_CHARGE = "谁主管谁负责"
TERRITORY = "属地管理"
ADMINISTRATIONS = ("administration", "platform")


@dataclass(frozen=True, slots=True)
class Found:
    """Who must answer, who supervises, who holds the case now, and why."""

    accountable: str | None
    administration: str | None
    holder: str
    steps: tuple[Step, ...]


def find(complaint: ComplaintReceived, instrument: Instrument | None, directory: Directory) -> Found:
    """The accountable organisation as of the day received; the administration where nothing more certain is known."""
    day = complaint.received_on
    administration = directory.administration_of(complaint.division, day)
    steps: list[Step] = []
    agency: Organisation | None = None
    for step, candidate in (_by_matter(complaint, directory, day), _named(complaint, directory, day)):
        if step is None or agency is not None:
            continue
        out = _excluded(candidate, instrument) if candidate else None
        steps.append(step.model_copy(update={"found": None, "why": out}) if out else step)
        agency = candidate if candidate and not out else None
    steps.append(_territory(complaint, administration, agency))
    steps = [_with_citation(step, instrument) for step in steps]
    accountable = agency or administration
    return Found(
        accountable=accountable.code if accountable else None,
        administration=administration.code if administration else None,
        holder="agency" if agency and complaint.received_by == agency.code else "administration",
        steps=tuple(steps),
    )


def _by_matter(
    complaint: ComplaintReceived, directory: Directory, day: date
) -> tuple[Step | None, Organisation | None]:
    named = complaint.matter
    if not named.code and not named.name:
        return None, None
    matter = directory.matter(named.code, day, complaint.division) if named.code else None
    if matter is None and named.name:
        matter = directory.matter_by_name(named.name, complaint.division, day)
    if matter is None:
        return Step(asked="matter", principle=APPROVER, why="事项不在目录中，继续查找"), None
    organisation, passed = directory.current(matter.agency, day)
    if organisation is None:
        return Step(asked="matter", principle=APPROVER, why=f"事项{matter.code}的单位已撤销且无承继单位"), None
    why = f"事项{matter.code}（{matter.name}）在{matter.division}由该单位办理" + _succession(passed)
    return Step(asked="matter", principle=APPROVER, found=organisation.code, why=why), organisation


def _named(complaint: ComplaintReceived, directory: Directory, day: date) -> tuple[Step | None, Organisation | None]:
    name = complaint.accused.organisation
    if not name:
        return None, None
    organisation, passed = directory.current(name, day)
    if organisation is None:
        organisation, passed = directory.organisation_by_name(name, complaint.division, day), ()
    if organisation is None or organisation.kind in ADMINISTRATIONS and organisation.code != name:
        return Step(asked="organisation", principle=IN_CHARGE, why="所称单位不在目录中，或名称不唯一"), None
    why = "投诉人指明的被投诉单位" + _succession(passed)
    return Step(asked="organisation", principle=IN_CHARGE, found=organisation.code, why=why), organisation


def _territory(complaint: ComplaintReceived, administration: Organisation | None, agency: Organisation | None) -> Step:
    if administration is None:
        return Step(asked="division", principle=TERRITORY, why=f"行政区划{complaint.division}没有登记管理部门")
    why = "该区划的政务服务管理部门负责交办和监督" if agency else "未能确定承办单位，由该区划的政务服务管理部门决定"
    return Step(asked="division", principle=TERRITORY, found=administration.code, why=why)


def _succession(passed: Iterable[str]) -> str:
    codes = "、".join(passed)
    return f"；原单位{codes}已撤销，由其承继" if codes else ""


def _excluded(organisation: Organisation, instrument: Instrument | None) -> str | None:
    """Why the instrument does not reach this organisation, or None."""
    if instrument is None:
        return None
    governs = instrument.governs
    if organisation.code in governs.organisations_out:
        return f"{organisation.name}不适用本办法"
    traits = {"vertical"} if organisation.vertical else set()
    for out in governs.traits_out:
        if out.trait in traits and (out.unless_venue is None or organisation.venue is None):
            return f"{organisation.name}：{out.why}"
    return None


def _with_citation(step: Step, instrument: Instrument | None) -> Step:
    """The article of the principle, where the instrument has it."""
    if instrument is None:
        return step
    plain = step.principle.replace("谁", "")
    for statement in instrument.principles:
        text = (statement.title + statement.text).replace("、", "").replace("，", "").replace("谁", "")
        if plain in text:
            return step.model_copy(update={"citations": cited(statement.citations)})
    return step
