"""An extension: once, before the first due day has passed, within the limit, told in time to whom the text names."""

from services.routing.core.permission import Refusal
from services.routing.core.terms.asked import Asked, Check, Effect
from shared.law.history import Duty

TOLD = ("complainant_told_on", "administration_told_on")


def _extension(asked: Asked) -> Effect | Refusal:
    """Asked for or granted: both must keep to the same limits, so that nothing impossible is asked for."""
    running = [duty for duty in asked.duties() if duty.status == "open" and duty.obligation.extension]
    name = asked.word("obligation") or asked.rule.before_due
    meant = [duty for duty in running if duty.id == name] if name else running
    if not meant:
        return asked.no("nothing-to-extend", "现在没有可以延期的期限")
    if len(meant) > 1:
        known = "、".join(duty.id for duty in meant)
        return asked.no("which", f"现有不止一项期限可以延期，须写明obligation：{known}")
    [duty] = meant
    if asked.request.received_at >= duty.due.due_at:
        return asked.no("too-late", f"原期限{duty.due.due_day}已过，逾期不因事后申请而消除")
    extension = duty.obligation.extension
    if (duty.until or duty.granted) is not None and extension is not None and extension.once:
        return asked.no("already-extended", f"已经延期一次至{duty.due.due_day}")
    until = asked.day("until")
    if until is None or until <= duty.due.due_day:
        return asked.no("not-later", f"新的期限须晚于原期限{duty.due.due_day}")
    if duty.due.latest_day is not None and until > duty.due.latest_day:
        return asked.no(
            "beyond-limit", f"最长只能延至{duty.due.latest_day}", *(extension.citations if extension else ())
        )
    for name in TOLD:
        told = asked.day(name)
        if told is not None and not _in_time(asked, duty, name):
            return asked.no("told-too-late", f"{name}：须在原期限{duty.due.due_day}内告知，且不得是将来的日期")
    if len(running) > 1:
        return {"data": {**asked.request.data, "obligation": duty.id}}
    return {}


def _in_time(asked: Asked, duty: Duty, name: str) -> bool:
    told = asked.day(name)
    return told is not None and told <= min(asked.today, duty.due.due_day)


CHECKS: dict[str, Check] = {"request-extension": _extension, "approve-extension": _extension}
