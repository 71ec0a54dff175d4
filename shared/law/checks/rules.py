"""The rules of one instrument among themselves: all that is referred to exists, all that is owed can be done."""

from collections.abc import Iterator

from shared.law.acts import ActRule
from shared.law.checks.text import entries
from shared.law.entry import Entry
from shared.law.errors import LawError
from shared.law.instrument import Instrument
from shared.law.obligation import Obligation
from shared.law.provisions import Consequence, DisposalClass, Form, Lead, Material, VisitRule
from shared.law.vocabulary import ARRIVALS

REPORTING = ("agency", "administration")


def _producible(edition: Instrument) -> frozenset[str]:
    return ARRIVALS | {rule.event for rule in edition.acts}


def obligation(edition: Instrument, duty: Obligation) -> Iterator[LawError]:
    """It can start and end, names classes that exist, and its extension can be asked for and decided."""
    words = _producible(edition)
    for role, triggers in (("starts", duty.starts), ("ends", duty.ends), ("lapses", duty.lapses)):
        if triggers and not any(trigger.on in words for trigger in triggers):
            named = ", ".join(trigger.on for trigger in triggers)
            wrong = f"'{duty.id}' {role} with {named}, which no act of this instrument produces"
            yield LawError(duty.where, wrong, "add the act with the article that allows it, or use another trigger")
        for trigger in triggers:
            yield from _classes(edition, duty, (*trigger.when_class, *trigger.unless_class))
    yield from _classes(edition, duty, (*duty.when_class, *duty.unless_class))
    if duty.per == "period" and duty.owes not in REPORTING:
        wrong = f"'{duty.id}' is owed for a period by '{duty.owes}', of whom no directory tells who they are"
        yield LawError(duty.where, wrong, f"a report is owed by one of: {', '.join(REPORTING)}")
    if duty.late_start is not None:
        other = next((each for each in edition.obligations if each.id == duty.late_start), None)
        if other is None or other.owes != duty.owes or other.id == duty.id:
            wrong = f"late_start of '{duty.id}' names '{duty.late_start}', which is no other duty of the same debtor"
            yield LawError(duty.where, wrong, "name an obligation that the same debtor owes")
    if duty.extension is not None and not edition.rules("approve-extension"):
        wrong = f"'{duty.id}' can be extended, but nobody may approve it"
        yield LawError(duty.where, wrong, "add the act approve-extension with the article that allows it")


def _classes(edition: Instrument, entry: Entry, names: tuple[str, ...]) -> Iterator[LawError]:
    known = {each.id for each in edition.classes}
    for name in names:
        if name not in known:
            mend = f"use one of: {', '.join(sorted(known)) or 'none'}"
            yield LawError(entry.where, f"'{entry.id}' names the class '{name}', which is not there", mend)


def act(edition: Instrument, rule: ActRule) -> Iterator[LawError]:
    """Its state can be reached, its steps can be done, and what it refers to exists."""
    words = _producible(edition)
    for step in rule.after:
        if step not in words:
            wrong = f"'{rule.id}' comes after {step}, which no act of this instrument produces"
            yield LawError(rule.where, wrong, "add that act, or take the step away")
    reached = {"pending", "assigned", *(each.to for each in edition.acts if each.to)}
    if not rule.common and not reached & set(rule.from_states):
        wrong = f"'{rule.id}' is done in {', '.join(rule.from_states)}, where no act leads"
        yield LawError(rule.where, wrong, "mend states, or add the act that leads there")
    yield from _classes(edition, rule, (*rule.when_class, *rule.unless_class))
    yield from _due_of(edition, rule, rule.before_due)
    purposes = {"refuse": ("refuse", "filter"), "terminate": ("terminate",)}.get(rule.act)
    if purposes and not any(ground.purpose in purposes for ground in edition.grounds):
        wrong = f"'{rule.id}' needs a ground, and the instrument has none"
        yield LawError(rule.where, wrong, "encode the grounds of the text; without a list nobody may do this")


def _due_of(edition: Instrument, entry: Entry, name: str | None) -> Iterator[LawError]:
    if name is not None and all(each.id != name for each in edition.obligations):
        known = ", ".join(each.id for each in edition.obligations)
        yield LawError(entry.where, f"'{entry.id}' names the obligation '{name}', which is not there", f"use: {known}")


def others(edition: Instrument) -> Iterator[LawError]:
    """References and thresholds of the remaining kinds of rule."""
    for _, entry in entries(edition):
        if isinstance(entry, DisposalClass):
            yield from _due_of(edition, entry, entry.before_due)
        elif isinstance(entry, VisitRule):
            yield from _due_of(edition, entry, entry.obligation)
        elif isinstance(entry, Lead):
            yield from _classes(edition, entry, entry.classes)
        elif isinstance(entry, Form) and entry.act and not edition.rules(entry.act):
            yield LawError(entry.where, f"the form '{entry.id}' goes with {entry.act}, which nobody may do", "mend act")
        elif isinstance(entry, Consequence) and (entry.threshold is None) != (entry.compare is None):
            yield LawError(entry.where, f"'{entry.id}' needs threshold and compare together", "add the other")
        elif isinstance(entry, Material) and entry.real_name and not entry.fields:
            yield LawError(entry.where, f"'{entry.id}' asks for a real name in no field", "name the field")
