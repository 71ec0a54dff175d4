"""The YAML beside this file, one a regulation, each row worked out by hand from the text."""

from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml

from shared.law import ActRule, Calendar, Instrument, Library, NothingDue, due, extension_limit

HERE = Path(__file__).parent
CASES: dict[str, dict[str, Any]] = {path.stem: yaml.safe_load(path.read_text()) for path in sorted(HERE.glob("*.yaml"))}


def rows(part: str) -> list[Any]:
    return [
        pytest.param(id, row, id=f"{id}-{'-'.join(str(value) for value in list(row.values())[:4])}")
        for id, cases in CASES.items()
        for row in cases.get(part, ())
    ]


def cited(entry: Any) -> list[str]:
    return [citation.short for citation in entry.citations]


@pytest.mark.parametrize(("id", "row"), rows("due"))
def test_a_duty_is_due_on_the_day_the_text_and_the_calendar_give(
    id: str, row: dict[str, Any], library: Library, calendar: Calendar
) -> None:
    duty = library.get(id, day=row.get("received", row["start"])).obligation(row["duty"])
    if row["due"] == "none":
        with pytest.raises(NothingDue):
            due(duty, row["start"], calendar)
        return
    found = due(duty, row["start"], calendar, until=row.get("until"))
    assert (found.due_day, found.latest_day) == (row["due"], row.get("latest"))
    assert found.provisional is row.get("provisional", False)
    assert row["article"] in [citation.short for citation in found.citations]
    assert extension_limit(duty, row["start"], calendar) == row.get("latest")


@pytest.mark.parametrize(("id", "row"), rows("bind"))
def test_a_case_is_bound_by_place_day_channel_and_kind(id: str, row: dict[str, Any], library: Library) -> None:
    binding = library.bind(
        division=row["division"],
        venue=row.get("venue"),
        channel=row.get("channel", "web"),
        kind=row.get("kind", "complaint"),
        received=row["received"],
        traits=frozenset(row.get("traits", ())),
    )
    assert binding.instrument == (None if row["to"] == "unbound" else row["to"])
    assert binding.basis
    if binding.instrument and binding.digest:
        assert library.holds(binding.instrument, binding.digest)


@pytest.mark.parametrize("id", list(CASES))
def test_the_grounds_are_those_of_the_text_and_no_others(id: str, library: Library) -> None:
    for purpose, expected in CASES[id]["grounds"].items():
        grounds = library.get(id).grounds_for(purpose)
        assert {ground.id: cited(ground)[0] for ground in grounds} == expected


@pytest.mark.parametrize("id", list(CASES))
def test_the_classes_are_those_of_the_text(id: str, library: Library) -> None:
    instrument = library.get(id)
    assert {each.id: cited(each)[0] for each in instrument.classes} == CASES[id]["classes"]
    assert instrument.default_class == CASES[id]["default_class"]


@pytest.mark.parametrize("id", list(CASES))
def test_every_article_is_encoded_or_says_why_not(id: str, library: Library) -> None:
    instrument = library.get(id)
    numbers = [each.number for each in instrument.contents if each.number.isdigit()]
    assert list(dict.fromkeys(numbers)) == [str(number) for number in range(1, instrument.articles_in_text + 1)]
    assert [each.number for each in instrument.contents if each.not_operative] == CASES[id]["not_operative"]


def permitted(instrument: Instrument, row: dict[str, Any]) -> list[ActRule]:
    role, relation = row["by"].split("/")
    return [
        rule
        for rule in instrument.rules(row["act"])
        if rule.allows(role, {relation})
        and row["state"] in rule.from_states
        and (not rule.when_class or row.get("class") in rule.when_class)
        and row.get("class") not in rule.unless_class
        and (not rule.kinds or row.get("kind", "complaint") in rule.kinds)
    ]


@pytest.mark.parametrize(("id", "row"), rows("acts"))
def test_an_act_is_open_to_those_the_text_names_and_to_nobody_else(
    id: str, row: dict[str, Any], library: Library
) -> None:
    found = permitted(library.get(id), row)
    if row["to"] == "nobody":
        assert not found
        return
    assert len(found) == 1
    rule = found[0]
    assert (rule.to or row["state"]) == row["to"]
    assert set(row.get("requires", ())) <= set(rule.requires)
    assert set(row.get("after", rule.after)) == set(rule.after)
    assert tuple(row.get("unless", rule.unless)) == rule.unless
    assert row.get("passed", rule.passed) is rule.passed
    if "article" in row:
        assert row["article"] in cited(rule)
    else:
        assert rule.common and rule.interpretation


@pytest.mark.parametrize("id", list(CASES))
def test_every_threshold_is_as_the_text_puts_it(id: str, library: Library) -> None:
    found = {
        each.id: [each.threshold, each.compare, each.unit, each.window, cited(each)[0]]
        for each in library.get(id).consequences
        if each.threshold is not None
    }
    assert found == CASES[id].get("thresholds", {})


@pytest.mark.parametrize("id", list(CASES))
def test_both_sides_of_every_date_of_validity_are_shown(id: str, library: Library) -> None:
    force = library.get(id).in_force
    days = {row["received"] for row in CASES[id]["bind"]}
    assert force.since in days and date.fromordinal(force.since.toordinal() - 1) in days
    if force.until is not None:
        assert force.until in days and date.fromordinal(force.until.toordinal() + 1) in days
