"""From the first contact to the close. What must have come before stands in the instrument's rules (`after`, `passed`,
`unless`); here is only what the words of the data must be.
"""

from services.routing.core.permission import Refusal, waived
from services.routing.core.terms.asked import Asked, Check, Effect
from shared.law.history import Duty
from shared.law.vocabulary import WAIVED

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
    """With an outcome that exists, and nothing owed to the complainant that could not be done any more.

    Where the law owes an answer, the rule's `after` has asked for it; a duty to answer may have begun anew since.
    """
    if asked.given("outcome") and asked.word("outcome") not in OUTCOMES:
        return asked.no("no-such-outcome", f"outcome只能是：{'、'.join(OUTCOMES)}")
    owed = next((duty for duty in asked.duties() if duty.status == "open" and _now_or_never(asked, duty)), None)
    if owed is not None and not waived(asked.rule, asked.case):
        return asked.no("still-owed", f"{owed.obligation.title}尚未完成，办结以后无从履行", *owed.obligation.citations)
    return {}


def _now_or_never(asked: Asked, duty: Duty) -> bool:
    """Whether it is owed to the complainant, who must be reached for it, and nobody could do it on a closed case."""
    words = {end.on for end in duty.obligation.ends}
    rules = asked.instrument.acts if asked.instrument else ()
    later = any(rule.event in words and "closed" in rule.from_states for rule in rules)
    return words <= WAIVED and not later


CHECKS: dict[str, Check] = {
    "contact": result,
    "verify": result,
    "review-reply": result,
    "check-quality": result,
    "close": _close,
}
