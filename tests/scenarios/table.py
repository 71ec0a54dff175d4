"""Which article is shown by which scenario: `python -m tests.scenarios.table` writes docs/scenarios.md.

What counts is what happened, not what a file claims: an article is shown where an event or a deadline cites it.
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from services.routing.core.decide import World
from shared.directory.files import read
from shared.directory.tree import Directory
from shared.events.cases import Acted, Rejected
from shared.law import Calendar, Instrument, load
from shared.law.entry import Entry
from tests.scenarios.play import Scenario, play, scenarios
from tests.scenarios.pure import Pure

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "scenarios.md"
# Rules that a case meets. The other sections are read by people, or told by reporting.
SECTIONS = ("acts", "obligations", "grounds", "classes", "merging", "leads", "recusals", "visits", "checks")


@dataclass
class Shown:
    """What the scenarios of one instrument made happen."""

    articles: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))  # `14(2)` -> scenario names
    applied: set[str] = field(default_factory=set)
    rejected: set[str] = field(default_factory=set)
    duties: set[tuple[str, str]] = field(default_factory=set)  # duty, change


def world() -> World:
    """The built-in law over the sample directory."""
    directory = Directory()
    for offset, record in enumerate(read(ROOT / "deploy" / "samples" / "directory.yaml")):
        directory.apply(record, offset)
    return World(load(), directory, Calendar.load())


def run(under: World) -> dict[str, Shown]:
    """Every scenario played, by instrument."""
    found: dict[str, Shown] = defaultdict(Shown)
    for scenario in scenarios():
        stage = Pure(under, str(scenario))
        play(scenario, stage)
        _note(scenario, stage, found[scenario.instrument])
    return found


def _note(scenario: Scenario, stage: Pure, shown: Shown) -> None:
    for event in (event for events in stage.events.values() for event, _ in events):
        for citation in event.citations:
            shown.articles[citation.article].add(scenario.name)
            if citation.item:
                shown.articles[f"{citation.article}({citation.item})"].add(scenario.name)
        if isinstance(event, Acted):
            shown.applied.add(event.act)
        elif isinstance(event, Rejected):
            shown.rejected.add(event.act)
    for deadline in (event for events in stage.deadlines.values() for event in events):
        shown.duties.add((deadline.obligation, deadline.type))
        for citation in deadline.citations:
            shown.articles[citation.article].add(scenario.name)
            if citation.item:
                shown.articles[f"{citation.article}({citation.item})"].add(scenario.name)


def met_by_cases(instrument: Instrument) -> Iterator[tuple[str, Entry]]:
    """The rules that a case can meet, each with its section."""
    for section in SECTIONS:
        for entry in getattr(instrument, section):
            if not getattr(entry, "common", False) and getattr(entry, "per", "case") == "case":
                yield section, entry


def page(under: World) -> str:
    """docs/scenarios.md."""
    lines = [
        "# Which scenario shows which article",
        "",
        "Written by `python -m tests.scenarios.table`; a test fails when it is out of date. An article stands beside",
        "every scenario of `tests/scenarios/` in which an event or a deadline cites it. Where there is none, the last",
        "column says what the article holds: what people do, what reporting tells, or nothing to carry out.",
        "",
        "Every file is played twice and held against the same lines: on the pure cores",
        "(`tests/core/test_scenarios.py`) and over HTTP on the real parts (`tests/connected/test_scenarios.py`): all",
        "together, by one clock that is stepped from the earliest complaint to the last act, rungs firing on the way,",
        "and `suda verify` at the end. A duty is `open`, `met`, `late` or `superseded` as sla judged it; reporting",
        "must show the same day and status, and `late` for every duty whose time was over before it ended.",
        "",
    ]
    for id, shown in run(under).items():
        instrument = under.law.get(id)
        lines += [f"## {id} {instrument.title}", "", "| article | about | scenarios |", "|---|---|---|"]
        for article in instrument.contents:
            names = sorted(shown.articles.get(article.number, ()))
            told = ", ".join(f"[{name}](../tests/scenarios/{id}/{name}.yaml)" for name in names)
            lines.append(f"| {article.number} | {article.heading} | {told or _otherwise(instrument, article.number)} |")
        lines.append("")
    return "\n".join(lines)


def _otherwise(instrument: Instrument, number: str) -> str:
    """What an article holds that no case meets."""
    article = next(each for each in instrument.contents if each.number == number)
    if article.not_operative:
        return f"— {article.not_operative}"
    words = {
        "duties": "duties of people", "principles": "principles", "definitions": "definitions", "scope": "scope",
        "channels": "channels (intake)",
        "materials": "materials (intake)", "confidentiality": "confidentiality",
        "statistics": "statistics (reporting)",
        "consequences": "consequences (reporting)", "forms": "forms (reporting)",
        "obligations": "periodic reports (sla, reporting)", "diagrams": "a diagram",
    }  # fmt: skip
    held = [
        word
        for section, word in words.items()
        if any(each.citations and each.citations[0].article == number for each in getattr(instrument, section))
    ]
    return f"— {'; '.join(held)}"


if __name__ == "__main__":
    PAGE.write_text(page(world()), encoding="utf-8")
