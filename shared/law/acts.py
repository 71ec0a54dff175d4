"""Who may do what to a case, when, and what it must contain."""

from collections.abc import Mapping

from pydantic import Field

from shared.law.citation import Frozen
from shared.law.entry import Entry, Name
from shared.law.vocabulary import PAST_TENSE, Act, AfterAct, Channel, Kind, Relation, Role, State, TriggerWord, Waiver


class Actor(Frozen):
    """A role in an organisation that stands in a relation to the case."""

    role: Role
    relation: Relation


class ActRule(Entry):
    """One permission. An act without a rule in the instrument may be done by nobody under it."""

    id: Name = ""  # the loader numbers them: accept, accept-2
    act: Act
    by: tuple[Actor, ...] = Field(min_length=1)
    from_states: tuple[State, ...] = Field(alias="states", min_length=1)
    to: AfterAct | None = None  # None: the state stays
    requires: tuple[str, ...] = ()  # data fields that must be present and not empty
    given: Mapping[str, tuple[str, ...]] = {}  # data fields that, where given, hold one of these words
    after: tuple[TriggerWord, ...] = ()  # steps that must have happened (since the last send-back, if any)
    passed: bool = False  # of `after`: with result pass or confirmed
    failed: bool = False  # of `after`: with no such result (what was looked into is refuted, or cannot be verified)
    unless: tuple[Waiver, ...] = ()  # any of these makes it unnecessary to have reached the complainant (`WAIVED`)
    when_class: tuple[Name, ...] = ()
    unless_class: tuple[Name, ...] = ()
    kinds: tuple[Kind, ...] = ()
    channels: tuple[Channel, ...] = ()  # empty: all
    before_due: Name | None = None  # only while that obligation's first due day has not passed
    common: bool = False  # of Suda, not of the text: shown as such

    @property
    def event(self) -> str:
        """The trigger word this act produces."""
        return PAST_TENSE[self.act]

    def allows(self, role: str, relations: frozenset[str] | set[str] | tuple[str, ...]) -> bool:
        """Whether somebody with this role and these relations to the case is named."""
        return any(actor.role == role and (actor.relation == "any" or actor.relation in relations) for actor in self.by)
