"""What every rule of an instrument has: a name, its place in the text, its validity and how it was read."""

from datetime import date
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from shared.law.citation import Citation, Frozen, Interpretation, joined

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,62}$")]


def _listed(value: Any) -> Any:
    return [value] if isinstance(value, dict) else value


Readings = Annotated[tuple[Interpretation, ...], BeforeValidator(_listed)]


class Entry(Frozen):
    """One rule. In YAML it stands under its article; `item` and `also` refine the citation."""

    id: Name
    citations: tuple[Citation, ...] = ()  # filled by the loader from the article, item and also
    since: date | None = Field(None, alias="from")  # validity inside the instrument's; None: as the instrument
    until: date | None = None
    readings: Readings = Field((), alias="interpretation")
    where: str = Field("", exclude=True, repr=False)  # file:line, for messages only

    @property
    def interpretation(self) -> str | None:
        """The readings as one text, None where the letter is enough."""
        return joined(self.readings)

    def holds(self, day: date) -> bool:
        """Whether the rule is valid on `day`."""
        return (self.since is None or self.since <= day) and (self.until is None or day <= self.until)
