"""The stage without any I/O: intake's shapes, routing's decider, sla's fold."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID, uuid5

from services.intake.core.acts import DATA
from services.intake.core.complaint import Complaint
from services.intake.core.event import received
from services.routing.core import decide
from services.routing.core.chain import Decided
from services.routing.core.decide import World
from services.routing.core.merging import follow_up
from services.routing.core.state import Case, fold
from services.sla.core.watch import Watched, advance, changes
from shared.events.base import Actor, digest
from shared.events.cases import Acted, AnyCaseEvent, Rejected
from shared.events.deadlines import DeadlineEvent
from shared.events.intake import ActRequested, ComplainantMarks, IntakeEvent
from shared.law.vocabulary import INTERNAL
from tests.scenarios.play import Seen, Who

_NAMES = UUID("00000000-0000-5000-8000-00000000000a")


class Pure:
    """Every case of one scenario, by name."""

    def __init__(self, world: World, scenario: str = "") -> None:
        self.world, self._scenario = world, scenario
        self.cases: dict[str, Case] = {}
        self.events: dict[str, list[tuple[AnyCaseEvent, bytes]]] = {}
        self.watched: dict[str, Watched] = {}
        self.deadlines: dict[str, list[DeadlineEvent]] = {}
        self.inputs: list[IntakeEvent] = []

    def case_id(self, name: str) -> str:
        return str(uuid5(_NAMES, f"{self._scenario}/{name}"))

    def open(self, name: str, complaint: Mapping[str, Any], received: datetime) -> Seen:
        body = Complaint.model_validate({"content": "……", "kind": "complaint", "channel": "web", **complaint})
        return self._applied(name, decide.open_case(self._received(name, body, received), self.world))

    def _received(self, name: str, body: Complaint, at: datetime) -> Any:
        who, case_id = body.complainant, self.case_id(name)
        marks = ComplainantMarks(anonymous=who.anonymous, discloses=who.discloses, wants_answer=who.wants_answer)
        event = received(
            body, id=case_id, received_at=at, received_on=at.date(), complainant=marks,
            key_id=case_id, sealed={"content": "sm4gcm:x"},
        )  # fmt: skip
        self.inputs.append(event)
        return event

    def act(self, name: str, who: Who, act: str, data: Mapping[str, Any], on: datetime) -> Seen:
        """The act as intake would take it: its data through the shape, free text sealed."""
        clear, sealed = DATA[act].read(data).parts()
        case = self.cases[name]
        request = ActRequested(
            act_id=str(uuid5(_NAMES, f"{case.id}/{case.seq}/{act}")),
            case_id=case.id,
            act=act,
            by=self.actor(who, case),
            received_at=on,
            data=clear,
            sealed={field: f"sm4gcm:{field}" for field in sealed},
        )
        return self.request(name, request)

    def actor(self, who: Who, case: Case) -> Actor:
        """Where the file names no organisation: the one that this role acts for on this case."""
        if who.role == "complainant":
            return Actor(organisation="", role=who.role, case_id=case.id)
        own = case.accountable if who.role in ("officer", "leader") else case.administration
        if who.role == "system":
            own = "suda"
        return Actor(organisation=who.organisation or own or "", role=who.role, user=who.user)

    def request(self, name: str, request: ActRequested) -> Seen:
        before = self.cases[name]
        self.inputs.append(request)
        decided = decide.act(request, before, self.world)
        seen = self._applied(name, decided)
        for event, _ in decided.events:
            further = follow_up(event, request, before, self.world.instrument(before), self.world.calendar)
            other = further and next((key for key, case in self.cases.items() if case.id == further.case_id), None)
            if further and other:
                self.request(other, further)
        assert request.act not in INTERNAL or request.by.role == "system"
        return seen

    def _applied(self, name: str, decided: Decided) -> Seen:
        events = self.events.setdefault(name, [])
        cites: set[str] = set()
        for event, value in decided.events:
            assert event.prev == (digest(events[-1][1]) if events else None)
            events.append((event, value))
            cites |= {c.article + (f"({c.item})" if c.item else "") for c in event.citations}
            self._watch(name, event)
        case = self.cases[name] = decided.case
        assert fold(events) == case and case.seq == len(events)
        last = events[-1][0]
        rejected = last if isinstance(last, Rejected) else None
        assert not isinstance(last, Acted) or last.citations or last.interpretation
        return Seen(
            state=case.state,
            accountable=case.accountable,
            instrument=case.instrument,
            cites=frozenset(cites),
            due={
                key[0] + (f"/{key[1]}" if key[1] > 1 else ""): (one.due_day.isoformat(), one.status)
                for key, one in self.watched[name].emitted.items()
            },
            rejected=rejected.reason if rejected else None,
            said=rejected.explanation if rejected else "",
        )

    def _watch(self, name: str, event: AnyCaseEvent) -> None:
        watched = advance(self.watched.get(name) or Watched(event.case_id), event)
        facts = watched.facts
        law = self.world.law
        instrument = law.get(facts.instrument, facts.law_digest) if facts.instrument else None
        self.watched[name], made = changes(watched, instrument, self.world.calendar, event.at)
        self.deadlines.setdefault(name, []).extend(made)
