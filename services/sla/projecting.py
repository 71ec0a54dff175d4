"""On taking partitions: open duties whose calendar, regulation or ladder changed since are projected anew.

Each row says what it was computed under. One under the same data is not looked at; one under other data is computed
again from itself, and only where something moves is its case read from the journal.
"""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from services.sla.core.projection import keys, projected, why
from services.sla.core.timers import Basis, breach_claim, lead, replaced, row
from services.sla.core.watch import Facts, Key
from services.sla.desk import Desk, entry
from services.sla.memory import facts
from services.sla.store import Store
from services.sla.unprompted import Unprompted
from shared import metrics
from shared.events.deadlines import DeadlineEvent, parse
from shared.journal import Commit
from shared.law import Calendar, Library
from shared.law.due import due
from shared.law.errors import UnknownProvision
from shared.law.obligation import Obligation
from shared.law.operations import Operations
from shared.store import Document


@dataclass
class Projecting:
    """The data now loaded, and how to bring rows under it."""

    law: Library
    calendar: Calendar
    operations: Operations
    desk: Desk
    store: Store
    unprompted: Unprompted

    def basis(self, event: DeadlineEvent, found: Facts, law: str = "") -> Basis:
        """What a row of this event is computed under; `law` names the edition used, and after `~` the one its case is
        bound to, where that is another because this process has not loaded it."""
        if law and found.law_digest and not law.endswith(f"@{found.law_digest}"):
            law += f"~{found.law_digest}"
        return Basis(self.calendar.at(found.division).version, law, self.operations.digest)

    def _now(self, stored: Document) -> Basis:
        """What the row would be computed under today: the edition its case is bound to where that is loaded now, else
        the one used where it is still loaded as it was."""
        law = str(stored.get("basis", {}).get("law", ""))
        name, _, digests = law.partition("@")
        used, _, bound = digests.partition("~")
        if bound and self.law.holds(name, bound):
            law = f"{name}@{bound}"
        elif name and not self.law.holds(name, used):
            law = f"{name}@?"
        return Basis(self.calendar.at(lead(stored).division).version, law, self.operations.digest)

    def changed(self, stored: Document) -> bool:
        """Whether the row was computed under other data."""
        before, now = stored.get("basis", {}), self._now(stored)
        return any(before.get(name, value) != value for name, value in _fields(now).items())

    async def bring(self, rows: list[Document], now: datetime) -> list[Document]:
        """These rows of changed data, as they are to be watched from now on; what moves is published."""
        touched = [stored for stored in rows if self._moves(stored)]
        judged = await self.store.claimed(breach_claim(e := parse(bytes(t["opened"])), e.due_day) for t in touched)
        touched = [t for t in touched if f"{t['_id']}:breach" not in judged]
        gone = await self._publish(touched, now) if touched else set()
        return [stored for stored in rows if stored["_id"] not in gone]

    def _moves(self, stored: Document) -> bool:
        """Whether its due day or its rungs are others now; where that hangs on more than the row, perhaps."""
        event = parse(bytes(stored["opened"]))
        if event.period is not None:
            return False  # a date: no calendar moves it; its ladder is the one it began with
        if event.type != "opened" or stored.get("basis", {}).get("law", "") != self._now(stored).law:
            return True
        try:
            obligation = self.desk.obligation(event)
        except UnknownProvision:
            return False
        return obligation.late_start is not None or self._differs(stored, event, obligation)

    def _differs(self, stored: Document, event: DeadlineEvent, obligation: Obligation) -> bool:
        """Whether its instants or the latest day allowed would be others, or its day no longer provisional."""
        calendar = self.calendar.at(lead(stored).division)
        again = row(event, 0, obligation, self.operations, calendar, lead(stored))
        until = event.due_day if event.type != "opened" else None
        start: date | None = event.start_day
        if obligation.period.unit == "hours":  # no calendar moves these, and where they start is known of an opening
            start = event.at if event.type == "opened" else None
        now = due(obligation, start, calendar, until=until, limit=event.limit) if start else event
        if again["rungs"] != stored["rungs"] or now.provisional != event.provisional:
            return True
        return (now.due_at, now.latest_day) != (event.due_at, event.latest_day)

    async def _publish(self, touched: list[Document], now: datetime) -> set[str]:
        """Their cases read, the events of what moved committed, published and watched; returns the rows replaced."""
        cases: dict[str, dict[Key, Document]] = {}
        for stored in touched:
            cases.setdefault(stored["_id"].split(":")[0], {})[keys([stored["_id"]])[0]] = stored
        await self.desk.load(cases, anew=True)
        commits, gone = list[Commit](), set[str]()
        for case_id, rows in cases.items():
            watched = self.desk.known(case_id)
            if watched is None:
                continue
            calendar = self.calendar.at(watched.facts.division)
            reasons = {key: why(stored["basis"], self._now(stored)) for key, stored in rows.items()}
            moved = [key for key, stored in rows.items() if self._stays_moved(stored)]
            after, events = projected(
                watched, self.desk.instrument(watched), calendar, self.desk.rules, now, reasons, moved
            )
            if events:
                noted = facts(watched, after) | {"projected": now.isoformat()}
                made = tuple(entry(event, None) for event in events)
                commits.append(Commit(case_id, watched.seq, f"~{watched.projections}", made, noted))
                gone |= {name for event in events if (name := replaced(event))}
                for event in events:
                    metrics.REPROJECTED.labels(event.obligation).inc()
        await self.unprompted.commit(commits)
        return gone

    def _stays_moved(self, stored: Document) -> bool:
        event = parse(bytes(stored["opened"]))
        try:
            return self._differs(stored, event, self.desk.obligation(event))
        except UnknownProvision:  # a watch that the operational rules have no longer: it climbs the ladder it has
            return False


def _fields(basis: Basis) -> dict[str, Any]:
    return {"calendar": basis.calendar, "law": basis.law, "operations": basis.operations}
