"""The records of `suda.directory`: one per code, compacted, each with the days it holds.

`from` is the first day, `until` the last one (inclusive, as the regulations write it); absent means open. A record of a
code that changed on a day keeps its older versions in `history`, oldest first, each a whole record of the same code: so
one record a code suffices to answer for any day (docs/decisions/0031-directory.md).
"""

from datetime import date
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, TypeAdapter, ValidationError, model_validator

from shared.errors import BadInput

DivisionCode = Annotated[str, StringConstraints(pattern=r"^[0-9]{6}$")]  # GB/T 2260
OrganisationCode = Annotated[str, StringConstraints(pattern=r"^[0-9A-HJ-NPQRTUWXY]{18}$")]  # shaped as GB 32100
MatterCode = Annotated[str, StringConstraints(pattern=r"^[0-9A-Za-z]{1,31}$")]
Name = Annotated[str, StringConstraints(min_length=1, max_length=200, strip_whitespace=True)]
VenueKind = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z-]{0,40}$")]  # as in the law's `governs.venues`
Level = Literal["province", "city", "county"]
Kind = Literal["agency", "administration", "centre", "platform", "business-unit"]


class _Dated(BaseModel):
    """What holds from one day to another, and what held before."""

    model_config = ConfigDict(frozen=True, populate_by_name=True, extra="ignore")

    code: str
    name: Name
    from_: date | None = Field(None, alias="from")
    until: date | None = None
    sample: bool = False
    history: tuple[Self, ...] = ()

    def in_force(self, day: date) -> bool:
        """Whether this version holds on the day."""
        return (self.from_ is None or self.from_ <= day) and (self.until is None or day <= self.until)

    def on(self, day: date) -> Self | None:
        """The version in force on the day, or None."""
        if self.in_force(day):
            return self
        return next((version for version in self.history if version.in_force(day)), None)

    @model_validator(mode="after")
    def _sound(self) -> Self:
        """Versions in order of time, each of this code, none overlapping another."""
        versions = (*self.history, self)
        for version in versions:
            if version.from_ and version.until and version.until < version.from_:
                raise ValueError(f"until {version.until} is before from {version.from_}")
        for older, newer in zip(versions, versions[1:], strict=False):
            if older.code != self.code or older.history:
                raise ValueError("a version in history must be of the same code and have no history of its own")
            if older.until is None or newer.from_ is None or newer.from_ <= older.until:
                raise ValueError(f"the version until {older.until} overlaps the one from {newer.from_}")
        return self


class Division(_Dated):
    """行政区划: an administrative division; `administration` is the organisation that supervises services in it."""

    type: Literal["division"] = "division"
    code: DivisionCode
    level: Level
    parent: DivisionCode | None = None
    administration: OrganisationCode | None = None


ADMINISTRATIONS: tuple[Kind, ...] = ("administration", "platform")  # what a division's administration may be


class Organisation(_Dated):
    """A body that may owe something. `venue` is the centre (its code) it is stationed in; `vertical` marks one that is
    managed by the central government's line (tax, customs); `successor` takes over after `until`; `venue_kind`, on a
    centre, is the word the regulations know such a place by (citizens-centre, service-centre)."""

    type: Literal["organisation"] = "organisation"
    code: OrganisationCode
    kind: Kind
    division: DivisionCode
    aliases: tuple[Name, ...] = ()
    parent: OrganisationCode | None = None
    venue: OrganisationCode | None = None
    venue_kind: VenueKind | None = None
    vertical: bool = False
    successor: OrganisationCode | None = None


class Matter(_Dated):
    """政务服务事项 as assigned in one division: the same code may name another agency in another division."""

    type: Literal["matter"] = "matter"
    code: MatterCode
    division: DivisionCode
    agency: OrganisationCode

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        if any(version.division != self.division for version in self.history):
            raise ValueError("a version in history is of another division")
        return self


Record = Division | Organisation | Matter
_ADAPTER: TypeAdapter[Record] = TypeAdapter(Annotated[Record, Field(discriminator="type")])


def record_key(record: Record) -> bytes:
    """The record's key on the topic: `division:530102`, `organisation:…`, `matter:CODE@530102`."""
    place = f"@{record.division}" if isinstance(record, Matter) else ""
    return f"{record.type}:{record.code}{place}".encode()


def record_value(record: Record) -> bytes:
    """The record as JSON, told apart by `type`."""
    return record.model_dump_json(by_alias=True).encode()


def parse(key: bytes | None, value: bytes | None) -> Record:
    """The record of a topic's key and value; raises BadInput."""
    if value is None:
        raise BadInput("a directory record is ended by `until`, never deleted")
    try:
        record = _ADAPTER.validate_json(value)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        raise BadInput(f"not a directory record: {'.'.join(map(str, first['loc']))}: {first['msg']}") from None
    if key != record_key(record):
        raise BadInput("the directory record's key is not that of its code")
    return record
