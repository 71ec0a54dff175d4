"""From the first contact to the close. What must have come before stands in the instrument's rules (`after`, `passed`,
`unless`); here is only what the words of the data must be.
"""

from services.routing.core.permission import Refusal
from services.routing.core.terms.asked import Asked, Check, Effect

RESULTS = {
    "contact": ("reached", "unreachable", "clarified", "reminded"),
    "verify": ("confirmed", "refuted", "unverifiable"),
    "review-reply": ("pass", "fail"),
    "check-quality": ("pass", "fail"),
    "visit": ("reached", "unreachable"),
}
OUTCOMES = ("substantiated", "partly", "unsubstantiated", "invalid")


def result(asked: Asked) -> Effect | Refusal:
    """One of the words that this step can end with: clocks run by them."""
    words = RESULTS[asked.request.act]
    if asked.given("result") and asked.word("result") not in words:
        return asked.no("no-such-result", f"result只能是：{'、'.join(words)}")
    return {}


def _close(asked: Asked) -> Effect | Refusal:
    """With an outcome that exists. Where the law owes an answer, the rule's `after` has asked for it."""
    if asked.given("outcome") and asked.word("outcome") not in OUTCOMES:
        return asked.no("no-such-outcome", f"outcome只能是：{'、'.join(OUTCOMES)}")
    return {}


CHECKS: dict[str, Check] = {
    "contact": result,
    "verify": result,
    "review-reply": result,
    "check-quality": result,
    "close": _close,
}
