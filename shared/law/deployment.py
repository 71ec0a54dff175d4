"""What a deployment states about law: stand-ins where nothing is in force, newer rules, other laws' periods.

Stands in `deployment.yaml` of the SUDA_LAW folder. None of it is in the texts; wherever it shows, it says so.
"""

from datetime import date
from pathlib import Path
from typing import Annotated, Final, Self

from pydantic import Field, ValidationError, model_validator

from shared.law.binding import Asked
from shared.law.citation import Frozen
from shared.law.errors import LawError
from shared.law.overrides import PeriodOverride
from shared.law.source import line_of, read

FILE: Final = "deployment.yaml"


class StandIn(Frozen):
    """For some dated time, one instrument is applied where another has ended and nothing holds."""

    for_: str = Field(alias="for")  # the instrument that ended
    uses: str  # the one applied in its place; may be the same
    divisions: Annotated[tuple[str, ...], Field(min_length=1)]
    since: date = Field(alias="from")
    until: date
    decided_by: str
    reason: str
    kinds: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.until < self.since:
            raise ValueError("until lies before from")
        return self

    def holds(self, day: date) -> bool:
        return self.since <= day <= self.until

    def covers(self, asked: Asked) -> bool:
        return (
            self.holds(asked.received)
            and asked.division.startswith(self.divisions)
            and (not self.kinds or asked.kind in self.kinds)
        )


class Supersession(Frozen):
    """From a day on a newer rule of a higher level prevails over an instrument still in its term."""

    instrument: str
    since: date = Field(alias="from")
    by: str  # the newer rule, as it is cited


class Deployment(Frozen):
    """Everything in deployment.yaml."""

    stand_ins: tuple[StandIn, ...] = ()
    supersessions: tuple[Supersession, ...] = ()
    overrides: tuple[PeriodOverride, ...] = ()
    where: str = Field("", exclude=True)

    def superseded(self, instrument: str, day: date) -> Supersession | None:
        """The supersession that holds for an instrument on a day."""
        for each in self.supersessions:
            if each.instrument == instrument and each.since <= day:
                return each
        return None


def deployment(folder: Path | None) -> Deployment:
    """Reads `deployment.yaml` where there is one; raises LawError."""
    path = folder / FILE if folder else None
    if path is None or not path.is_file():
        return Deployment()
    data = read(path)
    try:
        return Deployment.model_validate({**data, "where": path.name}, by_alias=True, by_name=False)
    except ValidationError as error:
        first = error.errors()[0]
        where = f"{path}:{line_of(data, first['loc'])}"
        raise LawError(where, f"{'.'.join(map(str, first['loc']))}: {first['msg']}", "see docs/law.md") from None
