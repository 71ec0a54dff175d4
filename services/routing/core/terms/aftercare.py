"""After the close: visits, sending back within a limit, the archive."""

from services.routing.core.permission import Refusal
from services.routing.core.terms.answering import result
from services.routing.core.terms.asked import Asked, Check, Effect
from services.routing.core.terms.classifying import disposal
from shared.law.cited import cited
from shared.law.due import due


def _send_back(asked: Asked) -> Effect | Refusal:
    """Handled again by the same unit, in a class and until a day that the period of that class still allows."""
    if asked.instrument is None:
        return {}
    chosen = disposal(asked, asked.instrument) if asked.given("class") else None
    if isinstance(chosen, Refusal):
        return chosen
    until = asked.day("until")
    if until is not None and until < asked.today:
        return asked.no("not-later", f"限期{until}已过")
    name = chosen.id if chosen else None
    for obligation in asked.instrument.case_obligations:
        again = any(start.on == "sent-back" for start in obligation.starts)
        if until is None or not again or name not in obligation.when_class:
            continue
        last = due(obligation, asked.today, asked.calendar).due_day
        if until > last:
            return asked.no("beyond-limit", f"{obligation.title}的期限为{last}，限期不得更晚", *obligation.citations)
    return {"citations": cited(chosen.citations)} if chosen else {}


def _archive(asked: Asked) -> Effect | Refusal:
    """Once nothing is owed on the case any more: after this nobody could do it."""
    owed = next((duty for duty in asked.duties() if duty.status == "open" and duty.obligation.owes != "officer"), None)
    if owed is not None:
        return asked.no("still-owed", f"{owed.obligation.title}尚未完成，不能归档", *owed.obligation.citations)
    return {}


CHECKS: dict[str, Check] = {"visit": result, "send-back": _send_back, "archive": _archive}
