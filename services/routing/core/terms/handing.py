"""Who holds the case: hand-over, transfer, giving back, several agencies under a lead.

None of these touches a clock: a duty that runs goes on running for whoever is accountable now (LAW.md).
"""

from services.routing.core.permission import Refusal
from services.routing.core.standing import not_governed
from services.routing.core.terms.asked import Asked, Check, Effect
from shared.directory.model import Organisation


def _hand_over(asked: Asked) -> Effect | Refusal:
    """To an agency that exists on the day and that the instrument reaches; from a platform it is the forwarding."""
    found = _organisation(asked, asked.word("to"))
    if isinstance(found, Refusal):
        return found
    return _moved(asked, found) | ({"also": ("forwarded",)} if asked.case.opened.channel == "platform" else {})


def _transfer(asked: Asked) -> Effect | Refusal:
    """To another agency than the one that has it; its periods go on."""
    found = _organisation(asked, asked.word("to"))
    if isinstance(found, Refusal):
        return found
    if found.code == asked.case.accountable:
        return asked.no("same-organisation", f"办件已在{found.name}")
    return _moved(asked, found)


def _bounce(asked: Asked) -> Effect | Refusal:
    """Back to the administration, which decides; counted, and no clock starts anew.

    One that went to the agency directly has reached the administration only now: its own time to hand over begins.
    """
    changes: Effect = {"accountable": asked.case.administration, "holder": "administration", "assisting": ()}
    known = any(happening.on == "received-by-administration" for happening in asked.case.history)
    return changes if known else changes | {"also": ("received-by-administration",)}


def _designate_lead(asked: Asked) -> Effect | Refusal:
    """One agency leads and answers, the others assist it."""
    lead = _organisation(asked, asked.word("lead"))
    if isinstance(lead, Refusal):
        return lead
    assisting: list[str] = []
    for code in asked.request.data.get("organisations") or ():
        found = _organisation(asked, str(code))
        if isinstance(found, Refusal):
            return found
        if found.code != lead.code and found.code not in assisting:
            assisting.append(found.code)
    changes = _moved(asked, lead) | {"assisting": tuple(assisting)}
    if asked.case.state == "pending":  # the lead is handed the case by it
        changes |= {"also": ("handed-over", "received-by-agency")}
    return changes


def _moved(asked: Asked, organisation: Organisation) -> Effect:
    """An agency that has been assisting and must answer now assists no longer."""
    changes: Effect = {
        "accountable": organisation.code,
        "holder": "agency",
        "directory_offset": asked.directory.offset,
    }
    if organisation.code in asked.case.assisting:
        changes["assisting"] = tuple(code for code in asked.case.assisting if code != organisation.code)
    return changes


def _organisation(asked: Asked, code: str) -> Organisation | Refusal:
    """The organisation, or its successor, on the day; a refusal where there is none or the law does not reach it."""
    organisation, _ = asked.directory.current(code, asked.today)
    if organisation is None:
        return asked.no("unknown-organisation", f"组织机构代码{code}不在目录中，或当日已撤销且无承继单位")
    instrument = asked.instrument
    place = asked.case.opened.division
    if instrument and (why := not_governed(organisation, instrument, asked.directory, asked.today, place)):
        return asked.no("not-governed", why, *(citation for rule in instrument.scope for citation in rule.citations))
    return organisation


CHECKS: dict[str, Check] = {
    "hand-over": _hand_over,
    "transfer": _transfer,
    "bounce": _bounce,
    "designate-lead": _designate_lead,
}
