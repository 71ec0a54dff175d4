"""Scenario files and how one is played: the same file on the pure cores here, over HTTP by another `Stage`.

A file reads like the regulation: complaints, then who does what when, with what, and what comes of it.

    title: …                      people: {agency: CODE, …}       names for organisations, used as `@agency`
    complaint: {…}                or cases: {first: {…}, second: {…}}; `received`, and the body of POST /v1/complaints
    opens: {state, instrument, accountable, due}                  what the opening must show
    steps:
      - at: 2026-09-21 10:00
        who: officer wang of @agency      role, user and organisation; the last two may be left out
        does: hand-over
        with: {to: "@agency"}             the data of POST /v1/cases/{id}/acts
        gives: {state, accountable, cites, due, said}             or rejected: REASON, with cites and said

`due` maps a duty (`resolution`, or `resolution/2` for its second generation) to `DAY STATUS`, or to `none`.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any, Protocol

import yaml

from shared.clock import ZONE

HERE = Path(__file__).parent
INSTRUMENTS = sorted(folder.name for folder in HERE.iterdir() if (folder.is_dir() and "-" in folder.name))
ROLES = ("officer", "leader", "supervisor", "inspector", "province", "system", "complainant", "auditor")
CaseId = Callable[[str], str]  # the name of a case in its file -> its id


@dataclass(frozen=True)
class Scenario:
    """One file."""

    instrument: str
    path: Path
    content: Mapping[str, Any]

    @property
    def name(self) -> str:
        return self.path.stem

    @property
    def title(self) -> str:
        return str(self.content["title"])

    @property
    def cases(self) -> Mapping[str, Any]:
        return self.content.get("cases") or {"case": self.content["complaint"]}

    def __str__(self) -> str:
        return f"{self.instrument}/{self.name}"


@dataclass(frozen=True)
class Who:
    """A role, perhaps of a named organisation, perhaps a named user."""

    role: str
    user: str | None = None
    organisation: str | None = None


@dataclass(frozen=True)
class Seen:
    """What came of one input: articles as `14(2)`, duties as `name` or `name/2` with their day and status."""

    state: str
    accountable: str | None
    instrument: str | None
    cites: frozenset[str]
    due: Mapping[str, tuple[str, str]]
    rejected: str | None = None
    said: str = ""


class Stage(Protocol):
    """Where a scenario is played."""

    def open(self, name: str, complaint: Mapping[str, Any], received: datetime) -> Seen: ...

    def act(self, name: str, who: Who, act: str, data: Mapping[str, Any], on: datetime) -> Seen: ...

    def case_id(self, name: str) -> str: ...


def scenarios() -> Iterator[Scenario]:
    for instrument in INSTRUMENTS:
        for path in sorted((HERE / instrument).glob("*.yaml")):
            yield Scenario(instrument, path, yaml.safe_load(path.read_text(encoding="utf-8")))


def instant(value: Any) -> datetime:
    """`2026-09-21 10:00`, read by YAML as text or as a naive datetime; in Shanghai."""
    found = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
    return found.replace(tzinfo=ZONE)


@dataclass(frozen=True)
class Move:
    """One complaint or one act of a scenario, by its place in the file, and what must come of it."""

    scenario: Scenario
    place: int
    case: str
    at: datetime
    step: Mapping[str, Any]

    @property
    def people(self) -> Mapping[str, str]:
        return self.scenario.content.get("people", {})

    @property
    def does(self) -> str | None:
        """The act; None where the complaint comes in."""
        return self.step.get("does")

    @property
    def who(self) -> Who:
        """Whoever acts."""
        return _who(self.step["who"], self.people)

    def data(self, case_id: CaseId) -> dict[str, Any]:
        """The body of the complaint, or the data of the act, as JSON."""
        return dict(_filled(self.step.get("with", {}), self.people, case_id))

    def hold(self, found: Seen) -> None:
        """Hold what was seen against what the file says; raises AssertionError naming the step."""
        _hold(str(self), self.step, found, self.people)

    def __str__(self) -> str:
        return f"{self.scenario} step {self.place} ({self.does or 'opening'} on {self.at:%m-%d %H:%M})"


def moves(scenario: Scenario) -> Iterator[Move]:
    """Its complaints, then its acts, as they stand in the file: on one case in the order of time."""
    for place, step in enumerate([*_openings(scenario), *scenario.content.get("steps", ())], 1):
        yield Move(scenario, place, step.get("case", next(iter(scenario.cases))), instant(step["at"]), step)


def play(scenario: Scenario, stage: Stage) -> list[tuple[str, Seen]]:
    """Every move on `stage`, in order, each held against what the file says; raises AssertionError naming the step."""
    seen: list[tuple[str, Seen]] = []
    for move in moves(scenario):
        data = move.data(stage.case_id)
        if move.does is None:
            found = stage.open(move.case, data, move.at)
        else:
            found = stage.act(move.case, move.who, move.does, data, move.at)
        move.hold(found)
        seen.append((move.does or "open", found))
    return seen


def _openings(scenario: Scenario) -> list[dict[str, Any]]:
    first = scenario.content.get("opens", {})
    return [
        {
            "case": name,
            "at": body["received"],
            "with": {k: v for k, v in body.items() if k not in ("received", "opens")},
        }
        | {"gives": body.get("opens", first)}
        for name, body in scenario.cases.items()
    ]


def _who(text: str, people: Mapping[str, str]) -> Who:
    person, _, organisation = str(text).partition(" of ")
    role, _, user = person.partition(" ")
    assert role in ROLES, f"{role} is no role"
    return Who(role, user or None, people.get(organisation.removeprefix("@"), organisation) or None)


def _filled(value: Any, people: Mapping[str, str], case_id: CaseId) -> Any:
    """`@agency` becomes its code, `@case:second` that case's id; days become text as in JSON."""
    if isinstance(value, Mapping):
        return {key: _filled(part, people, case_id) for key, part in value.items()}
    if isinstance(value, list):
        return [_filled(part, people, case_id) for part in value]
    if isinstance(value, str) and value.startswith("@case:"):
        return case_id(value.removeprefix("@case:"))
    if isinstance(value, str) and value.startswith("@"):
        return people[value[1:]]
    return value.isoformat() if isinstance(value, date) else value


def _hold(where: str, step: Mapping[str, Any], found: Seen, people: Mapping[str, str]) -> None:
    expected = dict(step.get("gives") or {})
    assert found.rejected == step.get("rejected"), f"{where}: {found.rejected or 'applied'}: {found.said}"
    if "rejected" in step:
        expected |= {key: step[key] for key in ("cites", "said", "due") if key in step}
    unknown = set(expected) - {"state", "accountable", "instrument", "cites", "due", "said"}
    assert not unknown, f"{where}: {unknown} cannot be expected"
    if "state" in expected:
        assert found.state == expected["state"], f"{where}: state {found.state}"
    if "instrument" in expected:
        assert found.instrument == expected["instrument"], f"{where}: instrument {found.instrument}"
    if "accountable" in expected:
        wanted = people.get(str(expected["accountable"]).removeprefix("@"), expected["accountable"])
        assert found.accountable == wanted, f"{where}: accountable {found.accountable}"
    missing = set(map(str, expected.get("cites", ()))) - found.cites
    assert not missing, f"{where}: does not cite {sorted(missing)}, only {sorted(found.cites)}"
    assert str(expected.get("said", "")) in found.said, f"{where}: said {found.said}"
    for duty, wanted in expected.get("due", {}).items():
        got = " ".join(found.due[duty]) if duty in found.due else "none"
        assert got == str(wanted), f"{where}: {duty} is {got}, not {wanted}"
