"""What an act must satisfy beyond who and when, and what it changes: one room for each family of acts.

`handing` who holds the case · `deciding` refused or ended · `classifying` · `extending` · `answering` from contact
to close · `aftercare` visits, sending back, the archive · `appealing` the officer's side · `people` who steps aside, is
told, reads · `merging`. Grounds, classes, limits and periods are the instrument's data.
"""

from services.routing.core.permission import Refusal
from services.routing.core.terms import (
    aftercare,
    answering,
    appealing,
    classifying,
    deciding,
    extending,
    handing,
    merging,
    people,
)
from services.routing.core.terms.asked import Asked, Check, Effect, past_due, unfit

__all__ = ["Asked", "Effect", "effects"]

CHECKS: dict[str, Check] = (
    handing.CHECKS
    | deciding.CHECKS
    | classifying.CHECKS
    | extending.CHECKS
    | answering.CHECKS
    | aftercare.CHECKS
    | appealing.CHECKS
    | people.CHECKS
    | merging.CHECKS
)


def effects(asked: Asked) -> Effect | Refusal:
    """What the act changes besides the state, or why the law does not let it."""
    if refusal := unfit(asked):
        return refusal
    if asked.rule.before_due and (late := past_due(asked, asked.rule.before_due)):
        return late
    check = CHECKS.get(asked.request.act)
    return check(asked) if check else {}
