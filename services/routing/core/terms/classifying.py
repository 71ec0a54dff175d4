"""Into which class of handling a case goes: one that exists, that takes its channel and kind, in time and by whom."""

from services.routing.core.permission import Refusal
from services.routing.core.terms.asked import Asked, Check, Effect, past_due
from shared.law.cited import cited
from shared.law.errors import UnknownProvision
from shared.law.instrument import Instrument
from shared.law.provisions import DisposalClass


def _classify(asked: Asked) -> Effect | Refusal:
    """Given a reason where the class wants one, by its leader where it wants that, before its day has passed."""
    if asked.instrument is None:
        return {}
    chosen = disposal(asked, asked.instrument)
    if isinstance(chosen, Refusal):
        return chosen
    if chosen.reason and not asked.given("reason"):
        return asked.no("missing", f"认定为{chosen.title}须说明理由：缺少reason", *chosen.citations)
    if chosen.decided_by and asked.request.by.role != chosen.decided_by:
        return asked.no("not-allowed", f"{chosen.title}须由{chosen.decided_by}决定", *chosen.citations)
    if chosen.before_due and (late := past_due(asked, chosen.before_due, *chosen.citations)):
        return late
    return {"citations": cited(chosen.citations)}


def disposal(asked: Asked, instrument: Instrument) -> DisposalClass | Refusal:
    """The class that the data names, if the case can be in it at all."""
    try:
        chosen = instrument.disposal_class(asked.word("class"))
    except UnknownProvision:
        known = "、".join(entry.id for entry in instrument.classes)
        return asked.no("no-such-class", f"没有“{asked.word('class')}”这一处理类别；类别为：{known}")
    opened = asked.case.opened
    if chosen.channels and opened.channel not in chosen.channels or chosen.kinds and opened.kind not in chosen.kinds:
        return asked.no("wrong-class", f"{chosen.title}不适用于该渠道或类型", *chosen.citations)
    return chosen


CHECKS: dict[str, Check] = {"classify": _classify}
