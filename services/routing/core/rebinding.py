"""An unbound case is bound when a stand-in, or an instrument that held on the day it was received, is loaded.

Asked for by the system (`./suda law rebind`); the case keeps its clocks, which start where its history says (LAW.md).
"""

from services.routing.core.binding import bound
from services.routing.core.chain import Decided, chained
from services.routing.core.permission import Refusal
from services.routing.core.state import Case
from shared.directory.platform import is_platform
from shared.directory.tree import Directory
from shared.events.cases import Acted, Opened
from shared.events.intake import ActRequested, ComplaintReceived
from shared.law.cited import cited
from shared.law.library import Library

REBIND, REBOUND = "rebind", "rebound"
# What an opening keeps of its complaint.
COPIED = frozenset(ComplaintReceived.model_fields) & frozenset(Opened.model_fields) - {"type", "version", "case_id"}


def rebind(request: ActRequested, case: Case, law: Library, directory: Directory) -> Decided | Refusal:
    """The `rebound` event with the instrument, the digest of its data and the basis; or why there is none."""
    if not is_platform(request.by.role, request.by.organisation):
        return Refusal("not-allowed", "只有系统可以为未绑定的办件绑定文件")
    if case.instrument is not None:
        return Refusal("wrong-state", f"办件已经适用{case.instrument}，此后各环节均按该文件办理")
    binding = bound(complaint(case.opened), law, directory)
    if binding.instrument is None:
        return Refusal("not-in-law", binding.basis)
    fields = {
        "act": REBIND,
        "done": REBOUND,
        "by": request.by,
        "instrument": binding.instrument,
        "data": {"law_digest": binding.digest, "basis": binding.basis, "stand_in": binding.stand_in},
        "state": case.state,
        "citations": cited(binding.citations),
    }
    return chained(case.id, case, [(Acted, fields)], at=request.received_at, cause=request.id)


def complaint(opened: Opened) -> ComplaintReceived:
    """The complaint as far as the opening kept it in clear."""
    given = {name: getattr(opened, name) for name in COPIED}
    return ComplaintReceived(complaint_id=opened.case_id, case_id=opened.case_id, **given)
