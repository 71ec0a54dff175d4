"""What can be wrong with the law as data, and with asking it."""

from shared.errors import ConfigurationError, SudaError


class LawError(ConfigurationError):
    """Data that cannot be law: says file, line, what is wrong and the mend."""

    def __init__(self, where: str, wrong: str, mend: str) -> None:
        super().__init__(f"{where}: {wrong}; {mend}")
        self.where, self.wrong, self.mend = where, wrong, mend

    @property
    def faults(self) -> tuple["LawError", ...]:
        """Itself, so that one fault and many are read alike."""
        return (self,)


class LawErrors(ConfigurationError):
    """Every fault found, one a line."""

    def __init__(self, faults: tuple[LawError, ...]) -> None:
        super().__init__("\n".join(str(fault) for fault in faults))
        self.faults = faults


class NotInForce(SudaError):
    """No rule holds on that day: an answer of the law, not a fault of the data."""

    def __str__(self) -> str:
        return f"NotInForce: {super().__str__()}"


class NothingDue(SudaError):
    """The obligation owes nothing for the day asked about (a half-year report for a second half)."""


class UnknownProvision(SudaError):
    """An instrument, obligation, article or ground that is not there."""
