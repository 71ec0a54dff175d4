"""Who is now expected to act, as an organisation: the debtor, its leader, the administration, the level above. Pure."""

from dataclasses import dataclass, field
from datetime import date
from typing import Protocol

from services.sla.core.watch import Facts, debtor


class Levels(Protocol):
    """What the ladder asks of the directory (`shared.directory.tree.Directory`)."""

    def administrations(self, division: str, day: date) -> tuple[str, ...]:
        """The administrations of the division and of those above it, nearest first, each once."""

    def standing(self, code: str, day: date) -> str | None:
        """Who stands for an organisation on the day: itself, or the successor of an abolished one; None: nobody."""


@dataclass(frozen=True, slots=True)
class Remembered:
    """Levels asked once a division and day: for one batch of rungs, while the directory stands still."""

    levels: Levels
    _found: dict[tuple[str, date], tuple[str, ...]] = field(default_factory=dict)
    _stands: dict[tuple[str, date], str | None] = field(default_factory=dict)

    def administrations(self, division: str, day: date) -> tuple[str, ...]:
        if (division, day) not in self._found:
            self._found[division, day] = self.levels.administrations(division, day)
        return self._found[division, day]

    def standing(self, code: str, day: date) -> str | None:
        if (code, day) not in self._stands:
            self._stands[code, day] = self.levels.standing(code, day)
        return self._stands[code, day]


def expected_by(expects: str, owes: str, facts: Facts, levels: Levels, day: date) -> str | None:
    """The code of who `expects` names (a word of deploy/operations.yaml) for a duty that `owes` names.

    An abolished organisation is never named: its successor is. Where nobody is named as debtor yet, or the case still
    lies with the administration, it is the administration's; nobody supervises itself. None where there is no level
    above, and of what the complainant owes, who is no organisation.
    """
    found = levels.administrations(facts.division, day)
    nearest = _standing(facts.administration, levels, day) or (found[0] if found else None)
    above = found[found.index(nearest) + 1 :] if nearest in found else tuple(c for c in found if c != nearest)
    owing = above[0] if owes == "superior" and above else _owing(owes, facts, levels, day) or nearest
    if expects in ("debtor", "debtor-leader"):
        return None if owes == "complainant" else owing
    if expects == "supervisor" and nearest != owing:
        return nearest
    return next((code for code in above if code != owing), None)


def _owing(owes: str, facts: Facts, levels: Levels, day: date) -> str | None:
    """Who can do it: not the unit that has not been given the case."""
    if facts.held and owes in ("agency", "officer"):
        return None
    return _standing(debtor(facts, owes), levels, day)


def _standing(code: str | None, levels: Levels, day: date) -> str | None:
    return levels.standing(code, day) if code else None
