"""The regulations as data: what an instrument is, which day counts, by when, and which text binds a case.

`load()` gives the `Library`; `Library.bind` the instrument of a case; `due` the last day of a duty. docs/law.md says
how to add or amend an instrument.
"""

from shared.law.acts import Actor, ActRule
from shared.law.binding import Binding
from shared.law.calendar import Calendar, DayInfo
from shared.law.citation import Citation, Interpretation
from shared.law.due import CountedDay, Due, due, extension_limit
from shared.law.errors import LawError, LawErrors, NothingDue, NotInForce, UnknownProvision
from shared.law.instrument import Instrument
from shared.law.library import Library, load
from shared.law.obligation import Extension, Obligation, Period, Trigger
from shared.law.operations import Operations, Rung, RungInstant, load_operations, rung_instants
from shared.law.provisions import DisposalClass, Ground

__all__ = [
    "ActRule",
    "Actor",
    "Binding",
    "Calendar",
    "Citation",
    "CountedDay",
    "DayInfo",
    "DisposalClass",
    "Due",
    "Extension",
    "Ground",
    "Instrument",
    "Interpretation",
    "LawError",
    "LawErrors",
    "Library",
    "NotInForce",
    "NothingDue",
    "Obligation",
    "Operations",
    "Period",
    "Rung",
    "RungInstant",
    "Trigger",
    "UnknownProvision",
    "due",
    "extension_limit",
    "load",
    "load_operations",
    "rung_instants",
]
