"""The officer's side: an appeal against a complaint or review, and the administration's review of it."""

from services.routing.core.permission import Refusal
from services.routing.core.terms.asked import Asked, Check, Effect

RESULTS = ("upheld", "not-counted")


def _appeal(asked: Asked) -> Effect | Refusal:
    """Once; whoever appeals says by this to be the officer complained about, and has no other part in the case."""
    if any(happening.on == "appealed" for happening in asked.case.history):
        return asked.no("already-appealed", "已经申请过复核")
    return {}


def _review(asked: Asked) -> Effect | Refusal:
    """Upheld, or not counted; on an appeal or of the administration's own motion."""
    if asked.word("result") not in RESULTS:
        return asked.no("no-such-result", f"result只能是：{'、'.join(RESULTS)}")
    return {}


CHECKS: dict[str, Check] = {"appeal": _appeal, "review": _review}
