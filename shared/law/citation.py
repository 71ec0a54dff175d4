"""Where a rule stands, and how an open text was read."""

import re
from typing import Final

from pydantic import BaseModel, ConfigDict

_DIGITS = "零一二三四五六七八九"
REFERENCE: Final = re.compile(r"^(?P<article>(?:annex-)?[1-9]\d{0,2}|table)(?:\((?P<item>[1-9]\d?)\))?$")


class Frozen(BaseModel):
    """Everything in the law is a value: equal by content, never changed, no field it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


def chinese(number: int) -> str:
    """1–999 in Chinese numerals, as articles are counted."""
    hundreds, rest = divmod(number, 100)
    tens, ones = divmod(rest, 10)
    text = f"{_DIGITS[hundreds]}百" if hundreds else ""
    if tens:
        text += "十" if tens == 1 and not hundreds else f"{_DIGITS[tens]}十"
    elif hundreds and ones:
        text += "零"
    return text + (_DIGITS[ones] if ones else "")


def _named(article: str) -> str:
    if article == "table":
        return "附表"
    return f"附件{article[6:]}" if article.startswith("annex-") else f"第{chinese(int(article))}条"


class Citation(Frozen):
    """An article, or an item of it, of one instrument; `title` is how a person reads it."""

    instrument: str
    article: str
    item: str | None = None
    title: str

    @classmethod
    def of(cls, instrument: str, title: str, reference: str) -> "Citation":
        """From `13(2)`, `13`, `annex-2` or `table`; raises ValueError."""
        match = REFERENCE.match(reference)
        if match is None:
            raise ValueError(f"'{reference}' is no article: write 13, 13(2), annex-2 or table")
        article, item = match["article"], match["item"]
        name = _named(article)
        shown = f"《{title}》{name}" + (f"第（{chinese(int(item))}）项" if item else "")
        return cls(instrument=instrument, article=article, item=item, title=shown)

    @property
    def short(self) -> str:
        """`13(2)`."""
        return f"{self.article}({self.item})" if self.item else self.article

    def __str__(self) -> str:
        return self.title


class Interpretation(Frozen):
    """A reading, not the letter: what was read, and why so."""

    reading: str
    reason: str

    def __str__(self) -> str:
        return f"{self.reading}（解读理由：{self.reason}）"


def joined(readings: tuple[Interpretation, ...]) -> str | None:
    """All readings as one text, None where the letter is enough."""
    return "；".join(map(str, readings)) or None
