"""Which instrument a case is bound to on opening: the most local one in force for it on the day received."""

from collections.abc import Iterable
from datetime import date

from shared.law.citation import Citation, Frozen
from shared.law.instrument import Governs, Instrument


class Asked(Frozen):
    """What a case shows of itself when it is opened."""

    division: str
    venue: str | None
    channel: str
    kind: str
    received: date
    organisation: str | None = None
    traits: frozenset[str] = frozenset()


class Binding(Frozen):
    """The answer. `instrument` None: unbound, nothing in force governs the case."""

    instrument: str | None
    digest: str | None
    basis: str
    citations: tuple[Citation, ...] = ()
    stand_in: bool = False  # bound by the deployment's decision, not by the text


def governs(rule: Governs, asked: Asked) -> bool:
    """Whether an instrument applies to the case, leaving dates aside."""
    return (
        asked.division.startswith(rule.divisions)
        and (not rule.venues or asked.venue in rule.venues)
        and (not rule.channels or asked.channel in rule.channels)
        and (not rule.kinds or asked.kind in rule.kinds)
        and (not rule.organisations or asked.organisation in rule.organisations)
        and asked.organisation not in rule.organisations_out
        and not any(
            out.trait in asked.traits and (out.unless_venue is None or out.unless_venue != asked.venue)
            for out in rule.traits_out
        )
    )


def closeness(rule: Governs, division: str) -> tuple[int, bool, bool, bool]:
    """How local a rule is to a case: the longer division first, then venue, organisations, channels."""
    longest = max((len(prefix) for prefix in rule.divisions if division.startswith(prefix)), default=0)
    return longest, bool(rule.organisations), bool(rule.venues), bool(rule.channels)


def choose(editions: Iterable[Instrument], asked: Asked) -> Instrument | None:
    """The most local edition in force; the checks refuse two that are equally close."""
    found = [
        edition for edition in editions if edition.edition.holds(asked.received) and governs(edition.governs, asked)
    ]
    return max(found, key=lambda edition: closeness(edition.governs, asked.division), default=None)


def basis(instrument: Instrument, asked: Asked) -> str:
    """Why this one, as a sentence."""
    until = instrument.in_force.until
    span = f"自{instrument.in_force.since.isoformat()}起施行" + (f"，有效至{until.isoformat()}" if until else "")
    return (
        f"{asked.received.isoformat()}收到，行政区划{asked.division}，"
        f"适用《{instrument.title}》（{instrument.number}，{span}），此后各环节均按该文件办理"
    )


def unbound(asked: Asked) -> str:
    return (
        f"{asked.received.isoformat()}收到，行政区划{asked.division}、渠道{asked.channel}、类型{asked.kind}"
        "没有现行有效的文件可适用：不设法定期限，列入待绑定清单，由本级政务服务管理部门处理"
    )
