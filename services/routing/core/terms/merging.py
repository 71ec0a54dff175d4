"""The absorbed side of a merge. The handling becomes one, the complaints stay many: each keeps its notice, answer and
visit, so no clock of the absorbed case ends but the hand-over (docs/decisions/0071-merging.md).
"""

from services.routing.core.permission import Refusal
from services.routing.core.terms.asked import Asked, Check, Effect


def _merge(asked: Asked) -> Effect | Refusal:
    """Into another case. Not handed over yet: the agency has it from now on, by the case it was merged into."""
    if asked.word("into") == asked.case.id:
        return asked.no("itself", "不能并入自身")
    if asked.case.state == "pending":
        return {"also": ("received-by-agency",), "holder": "agency"}
    return {}


def _unmerge(asked: Asked) -> Effect | Refusal:
    """As before the merge; what was decided for this complaint in the meantime stays decided."""
    accepted = asked.case.previous_state == "assigned" and asked.case.done("accepted")
    return {"state": "accepted"} if accepted else {}


CHECKS: dict[str, Check] = {"merge": _merge, "unmerge": _unmerge}
