"""The deadlines of one case: fold its events into duties, and say what changed. Pure; the same history gives the same
deadlines in whatever batches it arrived.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import NamedTuple

from services.sla.core.unwatched import NONE, OPERATIONAL, Watches
from shared.events.cases import Acted, AnyCaseEvent, Dispatched, Opened
from shared.events.deadlines import Change, DeadlineEvent, deadline_id
from shared.law.calendar import Calendar
from shared.law.cited import cited
from shared.law.due import ZONE
from shared.law.happenings import Happening, happenings
from shared.law.history import Duty, Status, duties
from shared.law.instrument import Instrument
from shared.law.obligation import Obligation

Key = tuple[str, int]
JUDGED = ("met", "late")
MERGED = "合并或者撤销合并，期限按最早的起算点重新推算"
PRESUMED = "按查明的起算日推算，不再按推定的起算日"
JUDGED_BEFORE = "逾期已经认定，不因其后载入的日历或者数据而改变"
CHANGED_BY: dict[str, Change] = {"met": "discharged", "late": "discharged", "superseded": "superseded"}


@dataclass(frozen=True, slots=True)
class Facts:
    """What sla must know of a case besides its history; written with each commit, so that nothing else is read."""

    instrument: str | None = None
    law_digest: str | None = None
    received_on: date | None = None
    division: str = ""
    kind: str = ""
    channel: str = ""
    administration: str | None = None
    accountable: str | None = None
    receiver: str | None = None
    urgent: bool = False
    held: bool = False  # by the administration: whoever must answer has not been given the case


@dataclass(frozen=True, slots=True)
class Emitted:
    """One duty as last published. The title and who owes it: for when the rule it came from is there no longer."""

    due_day: date
    due_at: datetime
    status: str
    title: str = field(default="", compare=False)
    owes: str = field(default="", compare=False)

    @classmethod
    def of(cls, event: DeadlineEvent, status: str) -> "Emitted":
        return cls(event.due_day, event.due_at, status, event.title, event.owes)


@dataclass(frozen=True, slots=True)
class Watched:
    """One case: the seq applied last, its facts and history, and what was published of each duty."""

    case_id: str
    seq: int = 0
    facts: Facts = Facts()
    history: tuple[Happening, ...] = ()
    emitted: Mapping[Key, Emitted] = field(default_factory=dict)
    projections: int = 0  # how often it was projected anew under other data
    looked: int = 0  # how much of the history `emitted` follows from


def advance(watched: Watched, event: AnyCaseEvent) -> Watched:
    """The case after `event`, its duties not yet looked at."""
    facts = watched.facts
    if isinstance(event, Opened):
        facts = Facts(
            instrument=event.instrument,
            law_digest=event.law_digest,
            received_on=event.received_on,
            division=event.division,
            kind=event.kind,
            channel=event.channel,
            administration=event.administration,
            receiver=event.received_by,
            urgent=event.urgent,
        )
    elif isinstance(event, Dispatched):
        held = event.holder == "administration"
        facts = replace(facts, accountable=event.accountable, administration=event.administration, held=held)
    elif isinstance(event, Acted):
        held = event.holder == "administration" if event.holder else facts.held
        facts = replace(facts, accountable=event.accountable or facts.accountable, held=held)
        if event.done == "rebound" and event.instrument:
            facts = replace(facts, instrument=event.instrument, law_digest=event.data.get("law_digest"))
    return replace(watched, seq=event.seq, facts=facts, history=watched.history + happenings(event))


def changes(
    watched: Watched, instrument: Instrument | None, calendar: Calendar, at: datetime, rules: Watches = NONE
) -> tuple[Watched, list[DeadlineEvent]]:
    """What is now different from what was published, and the case with that noted; `at`: the event's instant.

    `rules` are the operational watches over cases that no regulation gives a first period (`core/unwatched.py`).
    """
    if watched.seq == 1 and watched.facts.received_on is not None:
        return watched, []  # who must answer is said by the event that is dispatched with it
    now = standing(watched, instrument, calendar, rules)
    found: list[DeadlineEvent] = []
    emitted = dict(watched.emitted)
    earlier: dict[Key, Duty] | None = None
    for key, duty in now.items():
        before = watched.emitted.get(key)
        if before is not None and before.status in JUDGED:
            continue
        moved = None
        if before is not None and before.status == "open" and before.due_at != duty.due.due_at:
            if earlier is None:
                earlier = _earlier(watched, instrument, calendar, rules)
            moved = _moved(earlier.get(key), duty)
            duty = duty if moved.change else _as_published(duty, before)
        for change in _transitions(before, duty, moved):
            event = made(watched, duty, change, duty.ended_at or at, calendar, before)
            found.append(event.model_copy(update=moved.noted(change)) if moved else event)
        named = duty.obligation
        emitted[key] = Emitted(duty.due.due_day, duty.due.due_at, duty.status, named.title, named.owes)
    gone = [key for key, was in watched.emitted.items() if key not in now and was.status == "open"]
    if gone and earlier is None:
        earlier = _earlier(watched, instrument, calendar, rules)
    for key in gone:
        found.append(_gone(watched, _stated(instrument, rules, key[0]), key, at, earlier))
        emitted[key] = replace(emitted[key], status="superseded")
    return replace(watched, emitted=emitted, looked=len(watched.history)), found


def standing(
    watched: Watched, instrument: Instrument | None, calendar: Calendar, rules: Watches = NONE
) -> dict[Key, Duty]:
    """Every duty the history has started, of the regulation and of the operational watches."""
    facts = watched.facts
    found: dict[Key, Duty] = {}
    for source in (instrument, *rules.along(instrument, watched.history, facts.kind, facts.channel)):
        if source is not None:
            found |= duties(source, watched.history, calendar, kind=facts.kind, channel=facts.channel)
    return found


def _earlier(watched: Watched, instrument: Instrument | None, calendar: Calendar, rules: Watches) -> dict[Key, Duty]:
    """The duties as they were before the events that are looked at now."""
    return standing(replace(watched, history=watched.history[: watched.looked]), instrument, calendar, rules)


def _stated(instrument: Instrument | None, rules: Watches, name: str) -> Obligation | None:
    """A duty that was published once, in the regulation or the operational rules; None where it is there no longer."""
    sources = [instrument, rules.all] if instrument is not None else [rules.all]
    return next((each for source in sources for each in source.obligations if each.id == name), None)


class _Move(NamedTuple):
    """What moved a due day: an event of the case, by this change; or (None) only the data that is loaded now."""

    change: Change | None
    why: str | None

    def noted(self, change: Change) -> dict[str, str | None]:
        """What the event of `change` says of it. A day that stands as judged is of no calendar loaded now."""
        if self.change is None:
            return {"why": self.why, "calendar": None}
        return {"why": self.why} if change == self.change else {}


def _moved(earlier: Duty | None, duty: Duty) -> _Move:
    """What the event did; data alone moves what is open by a re-projection (`projection.py`), and nothing judged."""
    if earlier is not None and earlier.due.due_at == duty.due.due_at:
        return _Move(None, JUDGED_BEFORE)
    if earlier is None or earlier.granted != duty.granted:
        return _Move("extended", None)
    return _Move("reprojected", PRESUMED if earlier.presumed and not duty.presumed else MERGED)


def _as_published(duty: Duty, before: Emitted) -> Duty:
    """The duty, due as it was said to be when its breach was declared, and judged by that."""
    due = duty.due.model_copy(update={"due_day": before.due_day, "instant": before.due_at, "days": ()})
    due.__dict__.pop("due_at", None)  # remembered of the day it stands in for
    late = duty.ended_at is not None and duty.ended_at >= before.due_at
    status: Status = duty.status if duty.status not in JUDGED else "late" if late else "met"
    return replace(duty, due=due, status=status)


def _transitions(before: Emitted | None, duty: Duty, moved: _Move | None) -> Iterable[Change]:
    """What was judged, in time or late, stays as it was judged: `changes` does not come here with it."""
    if before is None or (before.status == "superseded" and duty.status != "superseded"):
        yield "opened"
    elif moved is not None and moved.change is not None:
        yield moved.change
    if duty.status != "open" and (before is None or before.status != duty.status):
        yield CHANGED_BY[duty.status]


def made(
    watched: Watched, duty: Duty, change: Change, at: datetime, calendar: Calendar, before: Emitted | None = None
) -> DeadlineEvent:
    """The event of a change; `before` is how the duty was published last."""
    due, cites = duty.due, cited(duty.due.citations)
    return DeadlineEvent(
        id=deadline_id(watched.case_id, duty.id, duty.generation, f"{change}@{watched.seq}"),
        type=change,
        case_id=watched.case_id,
        seq=watched.seq,
        obligation=duty.id,
        generation=duty.generation,
        at=duty.start_at if change == "opened" else at,
        instrument=(watched.facts.instrument or "") if cites else OPERATIONAL,
        title=duty.obligation.title,
        owes=duty.obligation.owes,
        debtor=debtor(watched.facts, duty.obligation.owes),
        start_day=due.start_day,
        due_day=due.due_day,
        due_at=due.due_at,
        latest_day=due.latest_day,
        provisional=due.provisional,
        late_days=late_days(due.due_day, at, calendar) if change == "discharged" and duty.status == "late" else None,
        citations=cites,
        interpretation=due.interpretation if cites else None,
        from_day=before.due_day if before and change in ("extended", "reprojected") else None,
        calendar=calendar.version,
        label=None if cites else duty.obligation.readings[0].reading,
        limit=duty.limit,
    )


def _gone(
    watched: Watched, obligation: Obligation | None, key: Key, at: datetime, earlier: Mapping[Key, Duty] | None
) -> DeadlineEvent:
    """A duty that no longer follows from the history (another class): superseded, on its last published day."""
    name, generation = key
    was, duty = watched.emitted[key], earlier.get(key) if earlier else None
    cites = cited(obligation.citations) if obligation else ()
    owes = obligation.owes if obligation else was.owes
    return DeadlineEvent(
        id=deadline_id(watched.case_id, name, generation, f"superseded@{watched.seq}"),
        type="superseded",
        case_id=watched.case_id,
        seq=watched.seq,
        obligation=name,
        generation=generation,
        at=at,
        instrument=(watched.facts.instrument or "") if cites else OPERATIONAL,
        title=obligation.title if obligation else was.title,
        owes=owes,
        debtor=debtor(watched.facts, owes),
        start_day=duty.due.start_day if duty else was.due_day,
        due_day=was.due_day,
        due_at=was.due_at,
        citations=cites,
        interpretation=obligation.interpretation if obligation and cites else None,
        label=obligation.readings[0].reading if obligation and not cites else None,
    )


def debtor(facts: Facts, owes: str) -> str | None:
    """The code of the organisation that owes a duty of this kind; None where none does, or the directory must tell."""
    if owes in ("agency", "officer"):
        return facts.accountable
    if owes == "receiver":
        return facts.receiver or facts.administration
    return facts.administration if owes == "administration" else None


def late_days(due_day: date, at: datetime, calendar: Calendar) -> int:
    """Working days after the due day up to the day it was done (GB/T 39046 超期天数)."""
    last = at.astimezone(ZONE).date()
    days = (due_day + timedelta(days=n) for n in range(1, (last - due_day).days + 1))
    return sum(calendar.day(day).counts for day in days)
