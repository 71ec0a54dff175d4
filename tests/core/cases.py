"""Short ways to write complaints, acts and whole cases in tests."""

from datetime import datetime
from typing import Any
from uuid import UUID, uuid5

from services.routing.core import decide
from services.routing.core.chain import Decided
from services.routing.core.decide import World
from services.routing.core.state import Case
from shared.clock import ZONE
from shared.events.base import Actor
from shared.events.cases import Acted, AnyCaseEvent, Rejected
from shared.events.intake import Accused, ActRequested, ComplaintReceived, MatterNamed

WUHUA = "530102"
ADMINISTRATION = "11530102XXXXXXX001"
MARKET = "昆明市五华区市场监督管理局"
_NAMES = UUID("00000000-0000-5000-8000-000000000000")


def at(text: str) -> datetime:
    """`2026-09-18 10:00` in Shanghai."""
    return datetime.fromisoformat(text).replace(tzinfo=ZONE)


def complaint(received: str = "2026-09-18 10:00", *, id: str = "a", **fields: Any) -> ComplaintReceived:
    """A complaint about a market-supervision matter in Wuhua, unless said otherwise."""
    case_id = str(uuid5(_NAMES, id))
    when = at(received)
    given: dict[str, Any] = {
        "division": WUHUA, "channel": "web", "kind": "complaint", "key_id": "key",
        "accused": Accused(organisation=MARKET), "matter": MatterNamed(code="YL31001"),
        "sealed": {"content": "sm4gcm:x"},
    }  # fmt: skip
    return ComplaintReceived(
        complaint_id=case_id, case_id=case_id, received_at=when, received_on=when.date(), **(given | fields)
    )


class Story:
    """One case, driven act by act through the real core."""

    def __init__(self, world: World, came: ComplaintReceived | None = None) -> None:
        self.world = world
        self.decided: Decided = decide.open_case(came or complaint(), world)
        self.events: list[AnyCaseEvent] = [event for event, _ in self.decided.events]
        self.values: list[bytes] = [value for _, value in self.decided.events]

    @property
    def case(self) -> Case:
        return self.decided.case

    def act(
        self, act: str, when: str, role: str = "officer", organisation: str | None = None, /, **data: Any
    ) -> AnyCaseEvent:
        """The event the act makes; `by` the accountable organisation, or the administration for a supervisor."""
        own = self.case.administration if role == "supervisor" else self.case.accountable
        sealed = {name: f"sm4gcm:{name}" for name in ("reason", "text", "measures") if name in data}
        plain = {name.rstrip("_"): value for name, value in data.items() if name not in sealed}
        request = ActRequested(
            act_id=str(uuid5(_NAMES, f"{self.case.id}{len(self.events)}{act}")),
            case_id=self.case.id,
            act=act,
            by=Actor(
                organisation=organisation or own or "",
                role=role,
                case_id=self.case.id if role == "complainant" else None,
            ),
            received_at=at(when),
            data=plain,
            sealed=sealed,
        )
        self.decided = decide.act(request, self.case, self.world)
        self.events += [event for event, _ in self.decided.events]
        self.values += [value for _, value in self.decided.events]
        return self.events[-1]

    def applied(self, *args: Any, **data: Any) -> Acted:
        event = self.act(*args, **data)
        assert isinstance(event, Acted), event
        return event

    def rejected(self, *args: Any, **data: Any) -> Rejected:
        event = self.act(*args, **data)
        assert isinstance(event, Rejected), event
        return event

    def handed_over(self, when: str = "2026-09-21 10:00") -> "Story":
        self.applied("hand-over", when, "supervisor", to=self.case.accountable)
        return self

    def accepted(self, when: str = "2026-09-22 10:00") -> "Story":
        self.applied("accept", when, served_by="phone", served_on=when[:10])
        return self


def articles(event: AnyCaseEvent) -> set[str]:
    """The articles an event cites, as `12` or `12(2)`."""
    return {c.article + (f"({c.item})" if c.item else "") for c in event.citations}
