"""The single decider: (case, input, law, directory) -> events. No I/O, no clock, no randomness.

The instant of a decision is the input's own; whatever the law refuses is an event too, with its reason.
"""

from dataclasses import dataclass

from services.routing.core.accountability import find
from services.routing.core.affair import Affair
from services.routing.core.binding import bound, leaving_out
from services.routing.core.chain import Decided, Draft, chained
from services.routing.core.permission import Refusal, allowed
from services.routing.core.rebinding import COPIED, REBIND, rebind
from services.routing.core.state import Case
from services.routing.core.terms import Asked, effects
from shared.directory.tree import Directory
from shared.events.cases import Acted, Dispatched, Opened, Rejected
from shared.events.intake import ActRequested, ComplaintReceived
from shared.law.acts import ActRule
from shared.law.calendar import Calendar
from shared.law.cited import cited
from shared.law.instrument import Instrument
from shared.law.library import Library


@dataclass(frozen=True, slots=True)
class World:
    """What every decision is made under: the law, the organisations and the calendar as loaded."""

    law: Library
    directory: Directory
    calendar: Calendar

    def instrument(self, case: Case) -> Instrument | None:
        """The edition the case was bound to on opening."""
        if case.instrument is None:
            return None
        return self.law.get(case.instrument, case.opened.law_digest, day=case.opened.received_on)

    def rules(self, act: str, instrument: Instrument | None) -> tuple[ActRule, ...]:
        """The permissions for an act: the instrument's; on an unbound case only those common to all."""
        if instrument is not None:
            return instrument.rules(act)
        return tuple(rule for one in list(self.law.instruments.values())[:1] for rule in one.rules(act) if rule.common)


def open_case(complaint: ComplaintReceived, world: World, affair: Affair | None = None) -> Decided:
    """The first events of a case: opened under the instrument in force, dispatched to whom must answer.

    `affair` is the imported one of the complaint's project number.
    """
    binding = bound(complaint, world.law, world.directory)
    instrument = world.law.get(binding.instrument, binding.digest) if binding.instrument else None
    found = find(complaint, instrument or leaving_out(complaint, world.law, world.directory), world.directory, affair)
    state = "assigned" if found.holder == "agency" else "pending"
    opened: dict[str, object] = {name: getattr(complaint, name) for name in COPIED}
    opened |= {
        "instrument": binding.instrument,
        "law_digest": binding.digest,
        "basis": binding.basis,
        "citations": cited(binding.citations),
        "administration": found.administration,
        "state": state,
    }
    dispatched: dict[str, object] = {
        "instrument": binding.instrument,
        "accountable": found.accountable,
        "administration": found.administration,
        "holder": found.holder,
        "steps": found.steps,
        "directory_offset": world.directory.offset,
        "state": state,
        "also": ("forwarded",) if found.holder == "agency" and complaint.channel == "platform" else None,
        "citations": tuple(dict.fromkeys(citation for step in found.steps for citation in step.citations)),
    }
    drafts: list[Draft] = [(Opened, opened), (Dispatched, dispatched)]
    return chained(complaint.case_id, None, drafts, at=complaint.received_at, cause=complaint.id)


def act(request: ActRequested, case: Case, world: World) -> Decided:
    """The event an act makes of a known case: applied, or rejected with the reason and the article."""
    if request.act == REBIND:
        found = rebind(request, case, world.law, world.directory)
        return _rejected(request, case, found) if isinstance(found, Refusal) else found
    instrument = world.instrument(case)
    rule = allowed(request, case, world.rules(request.act, instrument), instrument, world.directory)
    if isinstance(rule, Refusal):
        return _rejected(request, case, rule)
    calendar = world.calendar.at(case.opened.division)
    changes = effects(Asked(request, case, rule, instrument, world.directory, calendar))
    if isinstance(changes, Refusal):
        return _rejected(request, case, changes)
    state = case.previous_state if rule.to == "previous" else rule.to
    more = changes.pop("citations", ())
    fields = {
        "act": request.act,
        "done": rule.event,
        "by": request.by,
        "data": request.data,
        "sealed": request.sealed,
        "state": state or case.state,
        "citations": tuple(dict.fromkeys((*cited(rule.citations), *more))),
        "interpretation": rule.interpretation,
        **changes,
    }
    return chained(case.id, case, [(Acted, fields)], at=request.received_at, cause=request.id)


def _rejected(request: ActRequested, case: Case, refusal: Refusal) -> Decided:
    fields = {
        "act": request.act,
        "by": request.by,
        "reason": refusal.reason,
        "explanation": refusal.explanation,
        "citations": refusal.citations,
        "state": case.state,
    }
    return chained(case.id, case, [(Rejected, fields)], at=request.received_at, cause=request.id)
