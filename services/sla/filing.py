"""A periodic report is filed: the second commit of its duty, inserted once, published, answered.

The breach is claimed by the process that holds the partition, the filing taken by any. Each writes its own document
first and looks for the other's after: one of the two sees that a filing in time met a breach, and takes that back.
"""

from dataclasses import dataclass, replace
from datetime import datetime

from services.sla.core.timers import breach_claim, prevented, withdrawn
from services.sla.core.watch import Emitted, Watched, late_days
from services.sla.desk import Desk, entry
from services.sla.firing import Firing
from services.sla.memory import facts
from services.sla.store import Store
from services.sla.unprompted import Unprompted
from shared.clock import Clock
from shared.directory.platform import is_platform
from shared.events.deadlines import DeadlineEvent, deadline_id, parse
from shared.journal import Commit
from shared.law import Calendar
from shared.law.due import ZONE
from shared.privacy.tokens import Subject

MAY = ("officer", "leader", "supervisor", "system")


class NotYours(Exception):
    """There is no such duty, or not for the asker: the two are answered alike (DESIGN.md 7)."""


@dataclass(frozen=True, slots=True)
class Filings:
    """What it takes to accept a report as filed."""

    store: Store
    desk: Desk
    unprompted: Unprompted
    firing: Firing
    calendar: Calendar
    clock: Clock

    async def file(self, duty: str, by: Subject) -> DeadlineEvent:
        """The event that discharges the duty; the first one, when it is filed again. Raises NotYours."""
        await self.desk.load([duty], anew=True)
        watched = self.desk.known(duty)
        if watched is None or watched.facts.kind != "periodic" or not self._may(watched, by):
            raise NotYours
        if watched.seq == 1:
            await self.unprompted.commit([self._filed(watched, await self._opened(duty), self.clock.now())])
        await self.unprompted.finish()  # what an attempt before this one may have left
        found = parse((await self.store.journal.get([f"{duty}:2"]))[0].entries[0].value)
        await self.take_back(found)
        return found

    async def take_back(self, moved: DeadlineEvent, before: Emitted | None = None) -> None:
        """What ended a duty in time, or put it off, after its breach was claimed: the breach is withdrawn, once.

        `before` is when the duty was due until then.
        """
        due = prevented(moved, before)
        if due is not None and await self.store.claimed([breach_claim(moved, due.due_day)]):
            name = f"{breach_claim(moved, due.due_day)}-withdrawn"
            partition = self.firing.bus.partition(moved.case_id.encode())
            await self.firing.claim_one(name, withdrawn(moved, due), partition)

    async def _opened(self, duty: str) -> DeadlineEvent:
        return parse((await self.store.journal.get([f"{duty}:1"]))[0].entries[0].value)

    def _filed(self, watched: Watched, opened: DeadlineEvent, now: datetime) -> Commit:
        late = now >= opened.due_at
        calendar = self.calendar.at(watched.facts.division)
        change = {
            "id": deadline_id(opened.case_id, opened.obligation, 1, "discharged@2"),
            "type": "discharged",
            "seq": 2,
            "at": now,
            "late_days": late_days(opened.due_day, now, calendar) if late else None,
        }
        event = opened.model_copy(update=change)
        status = Emitted.of(event, "late" if late else "met")
        after = replace(watched, seq=2, emitted={(event.obligation, event.generation): status})
        return Commit(event.case_id, 2, event.id, (entry(event, None),), facts(watched, after))

    def _may(self, watched: Watched, by: Subject) -> bool:
        """Who files: the organisation that owes it, or its successor; or the platform itself, for an import."""
        if by.role not in MAY or is_platform(by.role, by.organisation):
            return by.role in MAY
        owing, today = watched.facts.accountable, self.clock.now().astimezone(ZONE).date()
        return owing is not None and self.firing.levels.standing(owing, today) == by.organisation
