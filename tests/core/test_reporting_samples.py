"""Events to test reporting with: a case's whole life, and a strategy for batches that are out of order and repeated."""

import uuid
from datetime import UTC, date, datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from shared.events.base import Actor, Citation, event_id
from shared.events.cases import Acted, AnyCaseEvent, Dispatched, Opened, Rejected, Step, parse
from shared.events.deadlines import DeadlineEvent, deadline_id
from shared.events.intake import ComplainantMarks, MatterNamed

START = datetime(2026, 9, 18, 1, 30, tzinfo=UTC)
AGENCY, OTHER = "11530100MB0000001A", "11530100MB0000002B"
ADMINISTRATION = "11530100MB0000003C"
ARTICLE = Citation(instrument="yunnan-2022", article="8", item="1", title="《办法》第八条第（一）项")
OFFICER = Actor(organisation=AGENCY, role="officer", user="officer.a")


def case_id(number: int = 1) -> str:
    return str(uuid.UUID(int=number, version=4))


def head(case: str, seq: int) -> dict[str, Any]:
    at = START + timedelta(hours=seq, microseconds=7)
    return {"event_id": event_id(case, seq), "case_id": case, "seq": seq, "at": at, "cause": f"input-{seq}"}


def opened(case: str, **more: Any) -> Opened:
    fields: dict[str, Any] = head(case, 1) | {
        "received_at": START,
        "received_on": date(2026, 9, 18),
        "channel": "web",
        "kind": "complaint",
        "division": "530102",
        "matter": MatterNamed(code="530102001", name="a name as typed"),
        "complainant": ComplainantMarks(phone_index="ab" * 32),
        "key_id": "key-1",
        "sealed": {"title": "sm4gcm:t", "content": "sm4gcm:c", "attachment_1": "sm4gcm:" + "z" * 50},
        "instrument": "yunnan-2022",
        "law_digest": "d" * 64,
        "basis": "division 530102, received 2026-09-18",
        "administration": ADMINISTRATION,
        "citations": (ARTICLE,),
        "state": "pending",
    }
    return Opened(**(fields | more))


def dispatched(case: str, seq: int = 2, **more: Any) -> Dispatched:
    step = Step(
        asked="the matter", principle="谁审批谁负责", found=AGENCY, why="it is assigned to it", citations=(ARTICLE,)
    )
    fields = head(case, seq) | {"accountable": AGENCY, "administration": ADMINISTRATION, "holder": "administration"}
    return Dispatched(**(fields | {"steps": (step,), "directory_offset": 12, "state": "pending"} | more))


def acted(case: str, seq: int, act: str, done: str, state: str, **more: Any) -> Acted:
    return Acted(**(head(case, seq) | {"act": act, "done": done, "by": OFFICER, "state": state} | more))


def rejected(case: str, seq: int, state: str = "accepted") -> Rejected:
    said = {"act": "close", "by": OFFICER, "reason": "not-answered", "explanation": "an answer is needed first"}
    return Rejected(**(head(case, seq) | said | {"state": state, "citations": (ARTICLE,)}))


def life(case: str) -> list[AnyCaseEvent]:
    """Eight events: opened, dispatched, handed over, accepted, an extension, a rejected close, answered, closed."""
    return [
        opened(case),
        dispatched(case),
        acted(case, 3, "hand-over", "handed-over", "assigned", accountable=AGENCY, data={"to": AGENCY}),
        acted(case, 4, "accept", "accepted", "accepted", data={"served_on": "2026-09-21"}),
        acted(case, 5, "request-extension", "extension-requested", "accepted", data={"until": "2026-10-30"}),
        rejected(case, 6),
        acted(case, 7, "answer", "answered", "accepted", sealed={"text": "sm4gcm:a"}),
        acted(case, 8, "close", "closed", "closed", data={"outcome": "substantiated"}),
    ]


def deadline(case: str, what: str, obligation: str = "acceptance", generation: int = 1, **more: Any) -> DeadlineEvent:
    due = {"due_day": date(2026, 9, 23), "due_at": datetime(2026, 9, 23, 16, tzinfo=UTC)}
    fields: dict[str, Any] = {
        "id": deadline_id(case, obligation, generation, what),
        "type": what,
        "case_id": case,
        "seq": 2,
        "obligation": obligation,
        "generation": generation,
        "at": START,
        "instrument": "yunnan-2022",
        "title": "受理",
        "owes": "agency",
        "debtor": AGENCY,
        "start_day": date(2026, 9, 18),
        "citations": (ARTICLE,),
    }
    return DeadlineEvent(**(fields | due | more))


@st.composite
def batches(draw: st.DrawFn, cases: int = 3) -> list[list[AnyCaseEvent]]:
    """Every event of some cases at least once, in any order, any of them repeated, cut into batches anywhere."""
    whole = [event for number in range(1, cases + 1) for event in life(case_id(number))[: draw(st.integers(1, 8))]]
    repeated = draw(st.lists(st.sampled_from(whole), max_size=10))
    order = draw(st.permutations(whole + repeated))
    cuts = sorted(draw(st.lists(st.integers(0, len(order)), max_size=6)))
    return [order[start:end] for start, end in zip([0, *cuts], [*cuts, len(order)], strict=True)]


def test_the_samples_are_what_the_contract_reads() -> None:
    assert [parse(event.to_bytes()) for event in life(case_id())] == life(case_id())
