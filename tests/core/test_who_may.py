"""Every role × relation × act × state × instrument against who_may.yaml, which was written from the texts."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from services.routing.core import decide
from services.routing.core.decide import World
from services.routing.core.permission import Refusal, allowed
from services.routing.core.relations import relations
from services.routing.core.state import Case
from shared.events.base import Actor
from shared.events.intake import Accused, ActRequested
from shared.law.vocabulary import ACTS, STATES
from tests.core.cases import at, complaint

TABLE: dict[str, dict[str, list[str]]] = yaml.safe_load((Path(__file__).parent / "who_may.yaml").read_text("utf-8"))
INSTRUMENTS = [id for id in TABLE if id != "everywhere"]
ROLES = ("officer", "leader", "supervisor", "inspector", "province", "auditor", "system", "complainant")
MAY_NOT = ("out-of-scope", "not-allowed", "not-in-law", "recused")
STRANGER = "11530103XXXXXXX012"
# Of each place: the division, its administration, the unit that must answer, one that assists, one that received it.
PLACES = {
    "yunnan-2022": ("530102", "11530102XXXXXXX001", "11530102XXXXXXX012", "11530102XXXXXXX013", "11530102XXXXXXX017"),
    "suining-2023": ("510900", "11510900XXXXXXX001", "11510900XXXXXXX013", "11510900XXXXXXX015", "11510900XXXXXXX011"),
    "zaozhuang-2020": (
        "370400",
        "11370400XXXXXXX001",
        "11370400XXXXXXX012",
        "11370400XXXXXXX013",
        "12370400XXXXXXX002",
    ),
    "henan-2020": ("410503", "11410503XXXXXXX001", "11410503XXXXXXX012", "11410503XXXXXXX013", "11410000XXXXXXX003"),
    "qinghai-2022": ("630102", "11630102XXXXXXX001", "11630102XXXXXXX012", "11630103XXXXXXX001", "11630104XXXXXXX001"),
}
ANYANG = "11410500XXXXXXX001"
PLATFORM = "11410000XXXXXXX003"  # Henan's, which the directory knows
ABOVE = {id: f"11{place[0][:2]}0000XXXXXXX001" for id, place in PLACES.items()}  # the province's administration


def case(id: str, world: World) -> Case:
    """A case with somebody in every relation, the person complained about known by name."""
    division, administration, unit, helper, receiver = PLACES[id]
    came = complaint(
        "2024-09-18 10:00", id=id, division=division, received_by=receiver, matter={}, channel="platform",
        accused=Accused(organisation=unit, officer="ma"),
    )  # fmt: skip
    found = decide.open_case(came, world).case
    assert found.instrument == id
    return replace(
        found, accountable=unit, assisting=(helper,), administration=administration, recused=frozenset({"sun"})
    )


def subjects(id: str, one: Case) -> Iterator[tuple[str, Actor]]:
    """Every role in every relation."""
    _, administration, unit, helper, receiver = PLACES[id]
    standing = {
        "accountable": unit, "assisting": helper, "supervising": administration,
        "receiving": receiver, "above": ABOVE[id], "none": STRANGER,
    }  # fmt: skip
    if id == "henan-2020":
        standing["checking"] = ANYANG
    for role in ROLES:
        for relation, organisation in standing.items():
            if role != "complainant":
                theirs = role == "system" and organisation == PLATFORM
                yield "platform" if theirs else relation, Actor(organisation=organisation, role=role, user="lin")
        if role != "complainant":
            yield "accused", Actor(organisation=unit, role=role, user="ma")
            yield "recused", Actor(organisation=unit, role=role, user="sun")
    yield "platform", Actor(organisation="suda", role="system", user="lin")
    yield "none", Actor(organisation="11999999XXXXXXX999", role="system", user="lin")
    yield "complainant", Actor(organisation="", role="complainant", case_id=one.id)
    yield "none", Actor(organisation="", role="complainant", case_id=STRANGER)


def expected(id: str, act: str) -> set[tuple[str, str, str]]:
    """(role, relation, state) that may do the act; whoever checks the replies of a district stands above it."""
    lines = TABLE[id].get(act, TABLE["everywhere"].get(act, []))
    found = set()
    for line in lines:
        roles, standing, states = (part.split("|") for part in line.split())
        found |= {(role, relation, state) for role in roles for relation in standing for state in states}
    above = [each for each in found if each[1] == "above" and each[0] != "province"]
    found |= {(role, "checking", state) for role, _, state in above}
    return found


def may(world: World, one: Case, subject: Actor, act: str) -> Any:
    request = ActRequested(act_id=one.id, case_id=one.id, act=act, by=subject, received_at=at("2024-09-18 11:00"))
    instrument = world.instrument(one)
    found = allowed(request, one, world.rules(act, instrument), instrument, world.directory)
    return found.reason if isinstance(found, Refusal) else "applied"


@pytest.mark.parametrize("id", INSTRUMENTS)
def test_an_act_is_open_to_exactly_those_whom_the_text_names(id: str, world: World) -> None:
    one = case(id, world)
    everybody = list(subjects(id, one))
    wrong = []
    for act in ACTS:
        wanted = expected(id, act)
        for state in STATES:
            standing = replace(one, state=state)
            for relation, subject in everybody:
                reason = may(world, standing, subject, act)
                permitted = reason not in (*MAY_NOT, "wrong-state")
                if permitted != ((subject.role, relation, state) in wanted):
                    wrong.append(f"{act} {subject.role} {relation} {state}: {reason}")
    assert not wrong, "\n".join(wrong[:40])


@pytest.mark.parametrize("id", INSTRUMENTS)
def test_everybody_stands_as_the_table_means(id: str, world: World) -> None:
    one = case(id, world)
    for relation, subject in subjects(id, one):
        if relation == "recused":
            continue
        found = relations(subject, one, world.directory, one.last_at.date(), world.instrument(one))
        meant = {"none": set(), "checking": {"checking", "above"}}.get(relation, {relation})
        if relation == "platform" and subject.organisation == PLATFORM:
            meant = {"platform", "receiving"}
        of_a_province = relation in ("above", "accused") or subject.organisation == PLATFORM
        if subject.role == "province" and not of_a_province:
            meant = set()  # the role of a province's organisation only
        assert found == meant, (subject, found)
