"""The absorbed side of a merge. The handling becomes one, the complaints stay many: each keeps its notice, answer and
visit, so no clock of the absorbed case ends but the hand-over (docs/decisions/0071-merging.md).
"""

from collections.abc import Mapping
from uuid import UUID

from services.routing.core.permission import Refusal
from services.routing.core.terms.asked import Asked, Check, Effect


def _merge(asked: Asked) -> Effect | Refusal:
    """Into another case. Not handed over yet: the agency has it from now on, by the case it was merged into."""
    if asked.word("into") == asked.case.id:
        return asked.no("itself", "不能并入自身")
    try:
        UUID(asked.word("into"))
    except ValueError:
        return asked.no("no-such-case", "into不是办件编号")
    if asked.case.state == "pending":
        return {"also": ("received-by-agency",), "holder": "agency"}
    return {}


def _absorb(asked: Asked) -> Effect | Refusal:
    """Only a case under the same regulation, of the same agency or administration: nobody hurries another's clocks."""
    of, case = asked.request.data.get("of"), asked.case
    if not isinstance(of, Mapping):  # taken back, or sent before this was said
        return {}
    ours = {case.accountable, case.administration} & {of.get("accountable"), of.get("administration")} - {None}
    if of.get("instrument") != case.instrument or not ours:
        return asked.no("not-together", "所并入的办件适用其他文件，或者既不由同一单位承办、也不属同一管理部门")
    return {}


def _unmerge(asked: Asked) -> Effect | Refusal:
    """As before the merge; what was decided for this complaint in the meantime stays decided: once accepted, it is its
    agency's."""
    before = asked.case.previous_state
    if before in ("pending", "assigned") and asked.case.done("accepted"):
        return {"state": "accepted"}
    return {"holder": "administration"} if before == "pending" else {}


CHECKS: dict[str, Check] = {"merge": _merge, "absorb": _absorb, "unmerge": _unmerge}
