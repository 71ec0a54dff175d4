"""The kinds of rule besides obligations and acts, each a small frozen model.

`text` is always our paraphrase, never the sentence of the regulation.
"""

from typing import Annotated, Literal

from pydantic import Field

from shared.law.citation import Frozen
from shared.law.entry import Entry, Name
from shared.law.vocabulary import Act, Channel, ContactResult, Debtor, Each, Kind, Relation, Responsible, Role


class Statement(Entry):
    """A principle, definition, duty or limit of scope that people read and no clock runs on."""

    title: str = ""
    text: str
    binds: tuple[Debtor, ...] = ()
    finds: tuple[Responsible, ...] = ()  # whom it makes answer for a complaint: what routing searches by
    first: bool = False  # of `finds`: before the others


class ChannelRule(Entry):
    """A way in, with the doors the text names and what it asks of a complaint through it."""

    channel: tuple[Channel, ...] = Field(min_length=1)
    title: str
    doors: tuple[str, ...] = ()
    grave_in_writing: bool = False
    watched_every_working_day: bool = False


class Material(Entry):
    """What a complaint should contain."""

    title: str
    fields: tuple[str, ...] = ()  # names of the intake body this answers to
    real_name: Literal["required", "in-principle", "preferred"] | None = None


class Ground(Entry):
    """A reason the law lists: of refusal, of filtering before acceptance, or of termination."""

    text: str
    purpose: Literal["refuse", "filter", "terminate"] = "refuse"
    by: tuple[Debtor, ...] = ()  # administration, agency; empty: whoever may do the act
    decided_by: Role | None = None  # only on the word of this role
    ask_first: bool = False  # the complainant is asked or reminded before it may be used
    asked_with: tuple[ContactResult, ...] = ()  # of ask_first: only a contact that ended so counts; empty: any
    tell_where: bool = False  # the complainant is told whom to turn to
    merge_first: bool = False  # merging is preferred where it is possible


class DisposalClass(Entry):
    """A kind of handling a case is sorted into."""

    title: str
    criteria: tuple[str, ...] = Field(min_length=1)
    on_spot: bool = False
    never: tuple[str, ...] = ()  # what can never be in this class
    channels: tuple[Channel, ...] = ()  # empty: all
    kinds: tuple[Kind, ...] = ()
    default: bool = False  # counts as this where nobody has classified
    reason: bool = False  # whoever classifies so must say why
    before_due: Name | None = None  # only before that obligation's first due day has passed
    decided_by: Role | None = None


class Merging(Entry):
    """Complaints of the same matter handled as one."""

    text: str
    at: Literal["acceptance", "handling"] = "handling"
    keeps: Literal["earliest"] = "earliest"


class Lead(Entry):
    """Several agencies: who names the one that leads."""

    text: str
    named_by: Debtor = "administration"
    classes: tuple[Name, ...] = ()


class Confidentiality(Entry):
    """What must not be passed on, to whom."""

    text: str
    protects: tuple[Literal["identity", "content", "state-secret", "trade-secret", "privacy"], ...] = ()
    against: tuple[Relation | Literal["third-party", "public"], ...] = ()
    unless_consent: bool = False


class Recusal(Entry):
    """Who must step aside."""

    text: str


class VisitRule(Entry):
    """Return visits: of all, of real-name cases, or sampled."""

    text: str
    scope: Literal["all", "real-name", "sampled", "unstated"]
    by: Debtor
    obligation: Name | None = None  # where the text gives a period
    share: Annotated[int, Field(ge=1, le=100)] | None = None  # per cent


class QualityLevel(Frozen):
    """Who checks whose replies."""

    of: Literal["province-department", "any"]
    by: Literal["province", "city", "county", "county-under-province"]


class QualityCheck(Entry):
    """The check a reply must pass before the citizen gets it."""

    text: str
    parts: tuple[Name, ...] = ()
    criteria: tuple[str, ...] = ()
    levels: tuple[QualityLevel, ...] = ()
    review_by: Role | None = None


class Consequence(Entry):
    """What follows from numbers or from conduct."""

    text: str
    subject: Literal["agency", "officer", "window-unit", "accused", "anyone"]  # accused: agency or officer
    counts: tuple[Literal["substantiated", "partly", "verified", "bad-review", "late-closing", "bad-share"], ...] = ()
    threshold: Annotated[int, Field(ge=0, le=1000)] | None = None
    compare: Literal["at-least", "more-than"] | None = None  # 以上 | 超过
    unit: Literal["cases", "percent"] = "cases"
    window: Each | None = None
    by_day_of: Literal["received", "verified", "closed"] | None = None
    excludes: tuple[Literal["mistaken", "malicious", "system-default", "under-appeal"], ...] = ()


class Statistic(Entry):
    """A figure the text wants published or reported."""

    title: str
    text: str
    by: tuple[Literal["division", "department", "officer", "channel", "matter"], ...] = ()


class FormField(Frozen):
    """One box of a form."""

    id: Name
    title: str


class Form(Entry):
    """A statutory form or register."""

    title: str
    act: Act | None = None  # the act it goes with
    register_of: Literal["case", "period"] | None = None
    fields: tuple[FormField, ...] = Field(min_length=1)
    copies: Annotated[int, Field(ge=1, le=9)] = 1
    seal: bool = False
    signature: Role | None = None
    reconstruction: bool = False  # the source carries no readable layout
    unmasks: bool = False  # prints the complainant's identity: an audited export


class Diagram(Entry):
    """A flow chart annexed to the text, as its steps."""

    title: str
    steps: tuple[str, ...] = Field(min_length=1)
    reconstruction: bool = False
