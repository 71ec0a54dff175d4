"""Random lives of a case under each of the five instruments, lived through the real core of routing."""

from datetime import datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID, uuid5

from services.routing.core.decide import World
from services.routing.core.relations import checker
from services.routing.core.state import Case
from shared.law import Instrument
from tests.core.cases import Story, complaint

ACCUSED = {"51": {"organisation": "11510900XXXXXXX013"}, "37": {"organisation": "11370400XXXXXXX013"}}
BARE: dict[str, Any] = {"matter": {}, "accused": {}}
PLACES: dict[str, dict[str, Any]] = {
    "yunnan-2022": {"received": "2026-09-18 10:00"},
    "suining-2023": BARE | {"received": "2025-09-22 10:00", "division": "510900", "accused": ACCUSED["51"]},
    "zaozhuang-2020": BARE | {"received": "2026-09-18 10:00", "division": "370400", "accused": ACCUSED["37"]},
    "henan-2020": BARE | {"received": "2026-09-18 10:00", "division": "410503", "channel": "platform"},
    "qinghai-2022": BARE | {"received": "2026-09-18 10:00", "division": "630102", "kind": "bad-review"},
}  # fmt: skip
AGENCIES = {
    "yunnan-2022": "11530102XXXXXXX012", "suining-2023": "11510900XXXXXXX013", "zaozhuang-2020": "11370400XXXXXXX013",
    "henan-2020": "11410503XXXXXXX012", "qinghai-2022": "11630102XXXXXXX012",
}  # fmt: skip
OTHERS = [str(uuid5(UUID(int=0), name)) for name in "xyz"]
RESULTS = {
    "verify": ("confirmed", "confirmed", "refuted"), "contact": ("reached", "unreachable"), "review": ("upheld",),
    "visit": ("reached", "unreachable"), "review-reply": ("pass", "pass", "fail"), "check-quality": ("pass", "fail"),
}  # fmt: skip
SELDOM = ("note", "supplement", "unmask", "recuse", "report", "withdraw", "terminate", "refuse", "archive")


def play(world: World, place: str, seed: int, steps: int) -> Story:
    """A life: each act some hours after the one before; most are what the text allows now, others anything else."""
    chance = Random(seed)
    story = Story(world, complaint(**PLACES[place]))
    now, law = story.events[0].at, world.law.get(place)
    for _ in range(steps):
        now += timedelta(hours=chance.choice([0, 1, 1, 5, 5, 20, 30, 70, 200]))
        open_now = [rule for rule in law.acts if story.case.state in rule.from_states]
        rules = open_now if open_now and chance.random() < 0.85 else list(law.acts)
        often = [rule for rule in rules if rule.act not in SELDOM]
        rule = chance.choice(often if often and chance.random() < 0.9 else rules)
        actor = chance.choice(rule.by)
        data = said(chance, law, place, now) | {name: chance.choice(words) for name, words in rule.given.items()}
        data["result"] = chance.choice(RESULTS.get(rule.act, ("pass",)))
        if rule.act == "absorb":
            data = absorbed(chance, law, now)
        by = organisation(world, law, story.case, actor.relation)
        story.act(rule.act, now.strftime("%Y-%m-%d %H:%M"), actor.role, by, **data)
    return story


BEGIN = {
    "yunnan-2022": ("hand-over", "accept"), "suining-2023": ("hand-over",), "zaozhuang-2020": ("hand-over",),
    "qinghai-2022": ("verify", "hand-over"),
}  # fmt: skip
EXTENDING = (*("request-extension", "approve-extension") * 4, "refuse-extension", "classify", "note")


def extending(world: World, place: str, seed: int, steps: int) -> Story:
    """A life in which hardly anything is done but asking for more time, and granting it."""
    chance, story = Random(seed), Story(world, complaint(**PLACES[place]))
    now, law = story.events[0].at, world.law.get(place)
    acts = [*BEGIN[place], *(chance.choice(EXTENDING) for _ in range(steps))]
    for act in acts:
        actor = chance.choice(chance.choice(law.rules(act)).by)
        by = organisation(world, law, story.case, actor.relation)
        data = said(chance, law, place, now) | {"result": "confirmed"}
        story.act(act, now.strftime("%Y-%m-%d %H:%M"), actor.role, by, **data)
        now += timedelta(hours=chance.choice([1, 1, 3, 8, 20]))
    return story


def organisation(world: World, law: Instrument, case: Case, relation: str) -> str | None:
    """Somebody who stands so to the case."""
    if relation == "checking":
        return checker(case.accountable, law, world.directory, case.last_at.date())
    if relation == "any":
        return world.directory.administrations(case.opened.division, case.last_at.date())[-1]
    return case.administration if relation == "supervising" else case.accountable


def said(chance: Random, law: Instrument, place: str, now: datetime) -> dict[str, Any]:
    """Whatever an act may ask for."""
    today = now.date()
    return {
        "to": AGENCIES[place],
        "lead": AGENCIES[place],
        "into": OTHERS[0],
        "served_by": "phone",
        "served_on": today.isoformat(),
        "told_on": today.isoformat(),
        "ground": chance.choice([*law.grounds, law.classes[0]]).id,
        "class_": chance.choice(law.classes).id,
        "until": (today + timedelta(days=chance.choice([0, 1, 2, 3, 4, 6, 9, 14, 25]))).isoformat(),
        "complainant_told_on": today.isoformat(),
        "administration_told_on": today.isoformat(),
        "outcome": chance.choice(["substantiated", "partly", "unsubstantiated", "invalid"]),
        "satisfied": chance.choice(["yes", "no"]),
        **dict.fromkeys(("reason", "text", "measures", "investigation", "process", "signed_by", "purpose"), "x"),
    }


def absorbed(chance: Random, law: Instrument, now: datetime) -> dict[str, Any]:
    """Another case comes in with running clocks that began some days earlier, or goes again."""
    data: dict[str, Any] = {"absorbed": chance.choice(OTHERS), "seq": int(now.timestamp())}
    if chance.random() < 0.3:
        return data
    began = now - timedelta(days=chance.randrange(0, 12))
    clocks = chance.sample([duty.id for duty in law.case_obligations], 2)
    return data | {"starts": {name: {"day": began.date().isoformat(), "at": began.isoformat()} for name in clocks}}
