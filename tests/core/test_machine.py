"""Random lives under every instrument: any act by anybody at any time, and what must hold after each.

A fast run plays few and short lives. `SUDA_LONG=1 python -m pytest -xv tests/core/test_machine.py` plays 10,000 of 100
steps, in blocks of 500 that show how far it is; `SUDA_LONG=1500` plays so many lives instead.
"""

import os
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid5

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from services.routing.core import decide
from services.routing.core.decide import World
from services.routing.core.state import Case, fold
from services.sla.core.watch import Watched, advance, changes
from shared.events.base import Actor, digest
from shared.events.cases import Acted, AnyCaseEvent, Rejected
from shared.events.intake import Accused, ActRequested, ComplainantMarks
from shared.law.history import duties
from shared.law.vocabulary import ACTS, STATES
from tests.core.cases import complaint
from tests.core.test_who_may import ABOVE, PLACES, ROLES, STRANGER
from tests.scenarios.table import world as built

LONG = int(os.environ.get("SUDA_LONG") or 0)
BLOCK = 500
LIVES = (10_000 if LONG == 1 else LONG) or 40
WORLD: list[World] = []  # built once, at the first life
NAMES = UUID("00000000-0000-5000-8000-0000000000ab")
# Where each state may lead: an act by an article, never any other way.
LEADS = {
    "pending": {"assigned", "refused", "withdrawn", "closed", "absorbed"},
    "assigned": {"pending", "accepted", "refused", "withdrawn", "terminated", "absorbed", "closed"},
    "accepted": {"closed", "withdrawn", "terminated", "absorbed"},
    "absorbed": {"pending", "assigned", "accepted", "closed", "withdrawn", "archived"},
    "closed": {"assigned", "archived"},
    "refused": {"archived"},
    "withdrawn": {"archived"},
    "terminated": {"archived"},
    "archived": set(),
}
# What no field takes: intake lets none of it in, and routing must reject it all the same.
JUNK: tuple[Any, ...] = (7, -1.5, True, ["x", 3], {"to": "x"}, "", "2024-13-40", "明天", "x" * 5000, [], None)
RESULTS = {
    "verify": ("confirmed", "refuted", "unverifiable"), "review-reply": ("pass", "fail"),
    "check-quality": ("pass", "fail"),
    "review": ("upheld", "not-counted"), "contact": ("reached", "unreachable", "reminded"), "visit": ("reached",),
}  # fmt: skip


def world() -> World:
    if not WORLD:
        WORLD.append(built())
    return WORLD[0]


class Lives(RuleBasedStateMachine):
    """One case from its opening on."""

    def __init__(self) -> None:
        super().__init__()
        self.events: list[tuple[AnyCaseEvent, bytes]] = []
        self.seen: object = None  # the history whose deadlines were looked at last

    @initialize(
        id=st.sampled_from(list(PLACES)),
        direct=st.booleans(),
        channel=st.sampled_from(["platform", "onsite", "web"]),
        anonymous=st.booleans(),
    )
    def open(self, id: str, direct: bool, channel: str, anonymous: bool) -> None:
        division, _, unit, _, receiver = PLACES[id]
        came = complaint(
            "2024-09-18 10:00", id=f"machine/{id}", division=division, received_by=unit if direct else receiver,
            accused=Accused(organisation=unit, officer="ma"), matter={}, kind="complaint",
            channel="platform" if id == "henan-2020" else channel, complainant=ComplainantMarks(anonymous=anonymous),
        )  # fmt: skip
        self.places = PLACES[id]
        self.now = came.received_at
        opened = decide.open_case(came, world())
        self.case, self.events = opened.case, list(opened.events)
        self.watched = Watched(self.case.id)
        for event, _ in self.events:
            self.watch(event)

    def watch(self, event: AnyCaseEvent) -> None:
        instrument = world().instrument(self.case)
        self.watched, _ = changes(advance(self.watched, event), instrument, world().calendar, event.at)

    def actor(self, role: str, where: int, user: str) -> Actor:
        if role == "complainant":
            return Actor(organisation="", role=role, case_id=self.case.id)
        above = ABOVE[self.case.instrument or ""]
        organisations = (self.case.accountable, self.case.administration, *self.places[1:], STRANGER, above, "suda")
        return Actor(organisation=organisations[where % len(organisations)] or "", role=role, user=user)

    @rule(
        act=st.sampled_from([act for act in ACTS if act != "absorb"]),
        role=st.sampled_from(ROLES),
        where=st.sampled_from([0, 0, 0, 1, 1, 2, 4, 5, 6, 7, 8]),
        user=st.sampled_from(["lin", "lin", "wu", "ma"]),
        hours=st.integers(0, 60),
        pick=st.integers(0, 11),
        left_out=st.sampled_from([None, None, None, "reason", "to", "until", "result"]),
    )
    def somebody(self, act: str, role: str, where: int, user: str, hours: int, pick: int, left_out: str | None) -> None:
        """Anybody asks for anything."""
        data = self.data(act, pick)
        data.pop(left_out or "", None)
        self.apply(act, self.actor(role, where, user), data, hours)

    @rule(pick=st.integers(0, 200), junk=st.sampled_from(range(len(JUNK))))
    def somebody_sends_junk(self, pick: int, junk: int) -> None:
        """By one who may, with one field that is none: rejected, or the field is one that the act does not read."""
        act = ACTS[pick % len(ACTS)]
        data = self.data(act, pick)
        data[sorted(data)[pick % len(data)]] = JUNK[junk]
        self.apply(act, self.actor("supervisor" if pick % 2 else "leader", pick % 2, "wu"), data, 1)

    @rule(hours=st.integers(0, 30), pick=st.integers(0, 60))
    def somebody_who_may(self, hours: int, pick: int) -> None:
        """One of the acts open now, by one who may: lives would otherwise hardly move."""
        instrument = world().instrument(self.case)
        rules = instrument.acts if instrument else ()
        open_now = [
            each for each in rules if self.case.state in each.from_states and each.act not in ("absorb", "note")
        ]
        if not open_now:
            return
        chosen = open_now[pick % len(open_now)]
        by = chosen.by[pick % len(chosen.by)]
        where = 0 if by.relation in ("accountable", "accused") else 1
        user = "ma" if by.relation == "accused" else "wu"
        data = self.data(chosen.act, pick)
        for name, words in chosen.given.items():
            data[name] = words[0]
        self.apply(chosen.act, self.actor(by.role, where, user), data, hours)

    def data(self, act: str, pick: int) -> dict[str, Any]:
        today, later = self.now.date(), self.now.date() + timedelta(days=pick)
        instrument = world().instrument(self.case)
        assert instrument is not None
        classes = [*(each.id for each in instrument.classes), "none"]
        grounds = [*(each.id for each in instrument.grounds), "none"]
        unit, helper = self.places[2], self.places[3]
        results = RESULTS.get(act, ("x",))
        return {
            "to": (unit, helper)[pick % 2], "lead": helper, "organisations": [unit],
            "ground": grounds[pick % len(grounds)],
            "reason": "x", "text": "x", "measures": "x", "purpose": "x", "investigation": "x", "process": "x",
            "signed_by": "wu", "served_by": "phone", "served_on": today.isoformat(), "served_to": "x",
            "referred_to": "12345", "until": later.isoformat(), "complainant_told_on": today.isoformat(),
            "administration_told_on": today.isoformat(), "told_on": today.isoformat(),
            "class": classes[pick % len(classes)], "outcome": "substantiated", "topic": "grave",
            "result": results[pick % len(results)], "person": ("lin", "sun")[pick % 2], "into": str(NAMES),
        }  # fmt: skip

    def apply(self, act: str, by: Actor, data: dict[str, Any], hours: int) -> None:
        self.now += timedelta(hours=hours)
        before = self.case
        request = ActRequested(
            act_id=str(uuid5(NAMES, f"{before.id}/{before.seq}")), case_id=before.id, act=act, by=by,
            received_at=self.now, data=data,
        )  # fmt: skip
        decided = decide.act(request, before, world())
        assert decide.act(request, before, world()).events == decided.events  # nothing but the input decides
        [(event, value)] = decided.events
        assert event.prev == digest(self.events[-1][1])
        self.events.append((event, value))
        self.case = decided.case
        self.watch(event)
        if isinstance(event, Rejected):
            self.unchanged(before, decided.case, event.at)
        else:
            assert isinstance(event, Acted)
            self.lawful(before, event)

    def unchanged(self, before: Case, after: Case, at: datetime) -> None:
        """A rejection adds itself to the record and touches nothing else."""
        kept = {"seq": after.seq, "head": after.head, "last_at": after.last_at, "causes": after.causes}
        assert (
            replace(before, **kept) == after
            and after.seq == before.seq + 1
            and after.last_at == max(before.last_at, at)
        )

    def lawful(self, before: Case, event: Acted) -> None:
        assert event.state == before.state or event.state in LEADS[before.state], (before.state, event.act, event.state)
        assert event.by.user not in before.recused
        assert event.by.user not in before.accused or event.act == "appeal"
        assert event.by.organisation != STRANGER
        assert event.by.organisation != self.case.administration or event.by.role not in ("province", "auditor")
        instrument = world().instrument(before)
        rules = world().rules(event.act, instrument)
        assert any(before.state in each.from_states and each.event == event.done for each in rules)
        assert event.citations or event.interpretation

    @invariant()
    def one_organisation_answers(self) -> None:
        if not self.events:
            return
        assert self.case.accountable and self.case.state in STATES
        assert self.case.accountable not in self.case.assisting

    @invariant()
    def deadlines_are_those_of_the_history(self) -> None:
        if not self.events or self.case.history is self.seen:
            return
        self.seen = self.case.history
        instrument = world().instrument(self.case)
        assert instrument is not None
        opened = self.case.opened
        now = duties(instrument, self.case.history, world().calendar, kind=opened.kind, channel=opened.channel)
        seen = {key: one.status for key, one in self.watched.emitted.items()}
        assert {key: duty.status for key, duty in now.items()}.items() <= seen.items()
        if self.case.state in ("refused", "withdrawn", "terminated"):
            assert all(duty.status != "open" for duty in now.values())

    def teardown(self) -> None:
        assert fold(self.events) == (self.case if self.events else None)


@pytest.mark.timeout(3600)  # a block takes half a minute by itself, and much longer beside other work
@pytest.mark.parametrize("first", range(0, LIVES, BLOCK))
def test_whatever_is_asked_the_law_holds(first: int) -> None:
    run_state_machine_as_test(  # type: ignore[no-untyped-call]
        Lives,
        settings=settings(
            max_examples=min(BLOCK, LIVES - first),
            stateful_step_count=100 if LONG else 30,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
