"""Whether the duty of a stored row still stands, without reading its case's journal from the beginning.

A row says up to which seq its case had been followed (`upto`), and how often it had been projected anew. The `_id`s of
the commits that would come next are known: `case:upto+1` and `case:~n`. Where neither is there, nothing has happened
since. Where one is, it says what, and which comes next. So a rung costs a look-up by `_id` that mostly finds nothing,
the row may come from memory, and no cache, however old, can make a duty fire that was done.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from services.sla.core.timers import ENDS, LEADS, SETS, lead, still_open, was_late, was_superseded
from services.sla.core.watch import Facts
from services.sla.desk import Desk
from shared.events import deadlines
from shared.events.deadlines import DeadlineEvent
from shared.journal import Commit, Journal


@dataclass(slots=True)
class Standing:
    """A row as its case stands now."""

    opened: DeadlineEvent
    facts: Facts
    seq: int
    projections: int
    open: bool = True
    late: bool = False  # over, but too late: its breach is still to be declared
    replaced: bool = False  # by a row of other data, which may have the same id: not ours to fire, nor to drop
    moved: tuple[DeadlineEvent, ...] = ()  # what ended it, or put it off, since the row was written

    @property
    def following(self) -> tuple[str, str]:
        """The ids that whatever happens to the case next will have."""
        case_id = self.opened.case_id
        return f"{case_id}:{self.seq + 1}", f"{case_id}:~{self.projections}"

    def fires(self, kind: str) -> bool:
        """Whether a rung of this kind fires: all while the duty is open, the breach also where it was over too late."""
        return not self.replaced and (self.open or (self.late and kind == "breach"))

    def over(self, kind: str) -> bool:
        """Whether nothing more comes of the row once its rung of this kind was reached."""
        return not self.open and not (self.late and kind == "warning")


async def standing(stored: Iterable[Mapping[str, Any]], desk: Desk, journal: Journal) -> dict[str, Standing]:
    """Every row, by id, as the journal says it stands."""
    found = {row["_id"]: _from_row(row, desk) for row in stored}
    following = dict(found)
    while following:
        wanted = {name for one in following.values() for name in one.following}
        commits = {commit.id: commit for commit in await journal.get(wanted)}
        further = {}
        for name, one in following.items():
            for commit in [commits[id] for id in one.following if id in commits]:
                _follow(one, commit)
                further[name] = one
        following = further
    return found


def _from_row(row: Mapping[str, Any], desk: Desk) -> Standing:
    """From the row; or from the case in hand, where that is further on and knows when the duty ended."""
    opened = deadlines.parse(bytes(row["opened"]))
    known = desk.known(opened.case_id)
    if row.get("ended"):
        return Standing(opened, lead(row), row["upto"], row.get("projections", 0), open=False, late=True)
    if known is not None and known.seq >= row["upto"] and not was_superseded(known, opened):
        stands, late = still_open(known, opened), was_late(known, opened)
        return Standing(opened, known.facts, known.seq, known.projections, stands, late)
    return Standing(opened, lead(row), row["upto"], row.get("projections", 0))


def _follow(one: Standing, commit: Commit) -> None:
    """What a later commit did to this duty and to whom it falls."""
    assert commit.facts is not None
    if commit.unasked:
        one.projections += 1
    else:
        one.seq = commit.facts["upto"]
    case = commit.facts.get("case")
    if case is not None:
        one.facts = replace(one.facts, **{name: case.get(name) or getattr(Facts(), name) for name in LEADS})
    for entry in commit.entries:
        event = deadlines.parse(entry.value)
        if (event.obligation, event.generation) != (one.opened.obligation, one.opened.generation):
            continue
        if event.type == "reprojected":
            one.replaced = True
        if event.type in (*SETS, *ENDS):
            one.moved += (event,)
        if event.type in SETS:
            one.open = event.due_day == one.opened.due_day
        elif event.type in ENDS:
            one.open = False
        on_that_day = event.due_day == one.opened.due_day
        one.late = event.type in ENDS and on_that_day and event.at >= event.due_at
