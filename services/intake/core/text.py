"""What text from outside may be: clean of control characters, of a known length, and free of a person where it stays
in clear."""

import re
from datetime import UTC, datetime
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, StringConstraints

from shared.privacy import mask

_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
_EARLIEST = datetime(1900, 1, 1, tzinfo=UTC)


class Shape(BaseModel):
    """A body from outside: closed, frozen, nothing converted, and no input repeated in its errors."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, hide_input_in_errors=True)


def _clean(text: str) -> str:
    if _CONTROL.search(text):
        raise ValueError("control characters are not allowed")
    return text


def _impersonal(text: str) -> str:
    """These fields stay in clear in the log, so a number that leads to a person has no place in them."""
    if mask.free_text(text) != text:
        raise ValueError("holds what looks like a phone or identity number; put it into `content`, which is encrypted")
    return text


def _none_if_blank(text: str | None) -> str | None:
    return text or None


def _credible(instant: datetime) -> datetime:
    if instant < _EARLIEST:
        raise ValueError("lies before 1900")
    return instant


Stripped = StringConstraints(strip_whitespace=True)
Clean = AfterValidator(_clean)
Blank = AfterValidator(_none_if_blank)
Impersonal = AfterValidator(_impersonal)

# Sealed before they leave this process. GB/T 39046 table 10 gives 200 for a title, 30 for a name and 1000 for a
# content; longer names and stories must fit too.
Title = Annotated[Annotated[str, Stripped, StringConstraints(max_length=200), Clean] | None, Blank]
PersonName = Annotated[Annotated[str, Stripped, StringConstraints(max_length=60), Clean] | None, Blank]
Address = Annotated[Annotated[str, Stripped, StringConstraints(max_length=300), Clean] | None, Blank]
Story = Annotated[str, Stripped, StringConstraints(min_length=1, max_length=20_000), Clean]
Remark = Annotated[Annotated[str, Stripped, StringConstraints(max_length=20_000), Clean] | None, Blank]

# In clear in the log.
Word = Annotated[Annotated[str, Stripped, StringConstraints(max_length=50), Clean, Impersonal] | None, Blank]
Label = Annotated[Annotated[str, Stripped, StringConstraints(max_length=200), Clean, Impersonal] | None, Blank]
Reference = Annotated[
    Annotated[str, Stripped, StringConstraints(max_length=100, pattern=r"^[\w()（）〔〕【】\[\].:/#-]*$")] | None, Blank
]
OrganisationCode = Annotated[
    Annotated[str, Stripped, StringConstraints(pattern=r"^([0-9A-HJ-NPQRTUWXY]{18})?$")] | None, Blank
]
DivisionCode = Annotated[str, StringConstraints(pattern=r"^[0-9]{6}$")]
Past = Annotated[AwareDatetime, AfterValidator(_credible)]
