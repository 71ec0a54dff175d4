"""One regulation as it stands on a day: an edition, with everything it says."""

from collections.abc import Mapping
from datetime import date
from functools import cached_property
from typing import Annotated, Any, Final, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from shared.law.acts import ActRule
from shared.law.citation import Citation, Frozen, Interpretation
from shared.law.entry import Entry, Name, Readings
from shared.law.errors import UnknownProvision
from shared.law.obligation import Obligation, Triggers
from shared.law.provisions import (
    ChannelRule,
    Confidentiality,
    Consequence,
    Diagram,
    DisposalClass,
    Form,
    Ground,
    Lead,
    Material,
    Merging,
    QualityCheck,
    Recusal,
    Statement,
    Statistic,
    VisitRule,
)
from shared.law.vocabulary import Channel, Kind, Unit

SECTIONS: Final[dict[str, type[Entry]]] = {
    "definitions": Statement,
    "scope": Statement,
    "principles": Statement,
    "duties": Statement,
    "channels": ChannelRule,
    "materials": Material,
    "grounds": Ground,
    "classes": DisposalClass,
    "obligations": Obligation,
    "acts": ActRule,
    "merging": Merging,
    "leads": Lead,
    "confidentiality": Confidentiality,
    "recusals": Recusal,
    "visits": VisitRule,
    "checks": QualityCheck,
    "consequences": Consequence,
    "statistics": Statistic,
    "forms": Form,
    "diagrams": Diagram,
}


class Trait(Frozen):
    """Organisations of a kind, in or out."""

    trait: str
    unless_venue: str | None = None
    why: str


class Governs(Frozen):
    """What the instrument applies to; an empty list asks nothing."""

    divisions: Annotated[tuple[Annotated[str, Field(pattern=r"^\d{2,6}$")], ...], Field(min_length=1)]  # code prefixes
    venues: tuple[str, ...] = ()
    channels: tuple[Channel, ...] = ()
    kinds: tuple[Kind, ...] = ("complaint",)
    organisations: tuple[str, ...] = ()  # codes
    organisations_out: tuple[str, ...] = ()
    traits_out: tuple[Trait, ...] = ()
    readings: Readings = Field((), alias="interpretation")


class InForce(Frozen):
    """From the first day to the last, both included; no last day: open-ended."""

    since: date = Field(alias="from")
    until: date | None = None
    readings: Readings = Field((), alias="interpretation")

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.until is not None and self.until < self.since:
            raise ValueError("until lies before from")
        return self

    def holds(self, day: date) -> bool:
        return self.since <= day and (self.until is None or day <= self.until)


def _text(value: Any) -> Any:
    return str(value) if isinstance(value, int) else value


class Article(Frozen):
    """One article in its place: what it is about, and whether a rule came of it."""

    number: Annotated[str, BeforeValidator(_text)]
    heading: str
    chapter: str = ""
    file: str = Field("", exclude=True)
    not_operative: str | None = None
    where: str = Field("", exclude=True, repr=False)


class Reading(Frozen):
    """A reading that holds for every instrument, shown with every period it was used for."""

    units: tuple[Unit, ...] = ()
    reading: str
    reason: str

    def interpretation(self) -> Interpretation:
        return Interpretation(reading=self.reading, reason=self.reason)


class Instrument(Frozen):
    """One edition. Old editions stay: a case keeps the one it was opened under."""

    id: Name
    title: str
    number: str
    issuer: str
    issued: date | None = None
    source: str = ""
    articles_in_text: int = Field(ge=1, le=999, alias="articles")
    annexes: int = Field(0, ge=0, le=99)
    table: bool = False  # an unnumbered table stands after the last article
    in_force: InForce
    governs: Governs
    edition: InForce  # the days this content holds
    gives_way: str | None = None  # the article by which another law's period prevails (6(1)); None: it does not
    note: str | None = None  # what is unverified about it
    variant: bool = False  # holds for some divisions or organisations only, by another law's period
    replaces: tuple[Name, ...] = ()  # instruments that this one ends on its first day
    digest: str = Field("", exclude=True)
    contents: tuple[Article, ...] = ()

    definitions: tuple[Statement, ...] = ()
    scope: tuple[Statement, ...] = ()
    principles: tuple[Statement, ...] = ()
    duties: tuple[Statement, ...] = ()
    channels: tuple[ChannelRule, ...] = ()
    materials: tuple[Material, ...] = ()
    grounds: tuple[Ground, ...] = ()
    classes: tuple[DisposalClass, ...] = ()
    obligations: tuple[Obligation, ...] = ()
    acts: tuple[ActRule, ...] = ()  # the common ones included
    merging: tuple[Merging, ...] = ()
    leads: tuple[Lead, ...] = ()
    confidentiality: tuple[Confidentiality, ...] = ()
    recusals: tuple[Recusal, ...] = ()
    visits: tuple[VisitRule, ...] = ()
    checks: tuple[QualityCheck, ...] = ()
    consequences: tuple[Consequence, ...] = ()
    statistics: tuple[Statistic, ...] = ()
    forms: tuple[Form, ...] = ()
    diagrams: tuple[Diagram, ...] = ()
    ends_all: Triggers = ()  # what ends every open duty of a case (withdrawn, …); common to all instruments

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """A changed edition, which remembers nothing computed from the old one."""
        copied = super().model_copy(update=update, deep=deep)
        for name in ("_by_id", "_by_act", "default_class", "case_obligations"):
            copied.__dict__.pop(name, None)
        return copied

    @cached_property
    def _by_id(self) -> dict[tuple[str, str], Entry]:
        return {(section, entry.id): entry for section in SECTIONS for entry in getattr(self, section)}

    @cached_property
    def _by_act(self) -> dict[str, tuple[ActRule, ...]]:
        acts: dict[str, tuple[ActRule, ...]] = {}
        for rule in self.acts:
            acts[rule.act] = (*acts.get(rule.act, ()), rule)
        return acts

    def find(self, section: str, name: str) -> Entry:
        """An entry by section and id; raises UnknownProvision naming what there is."""
        try:
            return self._by_id[section, name]
        except KeyError:
            known = ", ".join(key for part, key in self._by_id if part == section) or "none"
            raise UnknownProvision(f"{self.id} has no '{name}' among its {section}; there are: {known}") from None

    def obligation(self, name: str) -> Obligation:
        entry = self.find("obligations", name)
        assert isinstance(entry, Obligation)
        return entry

    def ground(self, name: str) -> Ground:
        entry = self.find("grounds", name)
        assert isinstance(entry, Ground)
        return entry

    def disposal_class(self, name: str) -> DisposalClass:
        entry = self.find("classes", name)
        assert isinstance(entry, DisposalClass)
        return entry

    def rules(self, act: str) -> tuple[ActRule, ...]:
        """All permissions for an act; empty: nobody may do it under this instrument."""
        return self._by_act.get(act, ())

    def grounds_for(self, purpose: Literal["refuse", "filter", "terminate"]) -> tuple[Ground, ...]:
        return tuple(ground for ground in self.grounds if ground.purpose == purpose)

    @cached_property
    def default_class(self) -> str | None:
        """What an unclassified case counts as."""
        return next((entry.id for entry in self.classes if entry.default), None)

    @cached_property
    def case_obligations(self) -> tuple[Obligation, ...]:
        """Those that belong to a case, without periodic reports."""
        return tuple(entry for entry in self.obligations if entry.per == "case")

    def cite(self, reference: str) -> Citation:
        """A citation of this instrument from `13(2)`."""
        return Citation.of(self.id, self.title, reference)
