"""Cases that no regulation gives a first period: watched all the same, by an operational rule. Pure.

An unbound case, and one that lies with an administration under a text without a hand-over period, would otherwise be
nobody's: skipping the unassigned is the commonest fault of the systems in this field (FACTS.md).
"""

from collections.abc import Iterable, Sequence
from typing import Any

from shared.law.happenings import Happening
from shared.law.instrument import Instrument
from shared.law.obligation import Obligation
from shared.law.operations import Watch

OPERATIONAL = "operations"  # stands where an instrument would; no article is behind it


class Watches:
    """The watches of deploy/operations.yaml as duties, each labelled as operational."""

    def __init__(self, rules: Iterable[Watch] = (), label: str = "") -> None:
        given = tuple((rule.for_, rule.duty(label)) for rule in rules)
        self.all = _law(duty for _, duty in given)
        self._unbound = _law(duty for about, duty in given if about == "unbound")
        self._unassigned = _law(duty for about, duty in given if about == "unassigned")
        self._known: dict[tuple[str, str, str], bool] = {}  # whether the text has a period for handing over

    def has(self, name: str) -> bool:
        """Whether there is a watch of this name."""
        return any(each.id == name for each in self.all.obligations)

    def along(
        self, instrument: Instrument | None, history: Sequence[Happening], kind: str, channel: str
    ) -> list[Instrument | None]:
        """Those over the case as it is, and over what it was before it was bound."""
        was_unbound = instrument is not None and any(happening.on == "rebound" for happening in history)
        return [self._over(instrument, kind, channel), self._unbound if was_unbound else None]

    def _over(self, instrument: Instrument | None, kind: str, channel: str) -> Instrument | None:
        """The duties for such a case under this instrument (None: unbound); None where the text sees to it."""
        if instrument is None:
            return self._unbound
        key = instrument.digest, kind, channel
        handed = self._known.get(key)
        if handed is None:
            handed = any(_hands_over(duty, kind, channel) for duty in instrument.case_obligations)
            self._known[key] = handed
        return None if handed else self._unassigned


def _hands_over(duty: Obligation, kind: str, channel: str) -> bool:
    """Whether a duty makes whoever received a case like this pass it on or answer it, whatever its class."""
    return (
        duty.owes in ("administration", "receiver")
        and not (duty.when_class or duty.unless_class)
        and (not duty.kinds or kind in duty.kinds)
        and (not duty.channels or channel in duty.channels)
        and any(
            start.on == "received-by-administration" and not (start.when_class or start.unless_class)
            for start in duty.starts
        )
    )


def _law(found: Iterable[Obligation]) -> Instrument:
    """Just enough of an instrument for `shared.law.history.duties`: its duties, no class, nothing that ends all."""
    given: dict[str, Any] = {"id": OPERATIONAL, "obligations": tuple(found), "classes": (), "ends_all": ()}
    return Instrument.model_construct(**given)


NONE = Watches()
