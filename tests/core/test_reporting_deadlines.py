"""Deadlines are the fold of their events as a set."""

from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.reporting.core.deadlines import counts, document, fold, statuses
from shared.events.deadlines import DeadlineEvent, deadline_id
from tests.core.test_reporting_samples import case_id, deadline

CASE = case_id()
IN_TIME = datetime(2026, 9, 23, 15, 59, 59, tzinfo=UTC)
TOO_LATE = datetime(2026, 9, 23, 16, tzinfo=UTC)
LONGER: dict[str, Any] = {"due_day": date(2026, 10, 9), "due_at": datetime(2026, 10, 9, 16, tzinfo=UTC)}


def again(seq: int) -> DeadlineEvent:
    """The same duty, opened once more by a later event of the case."""
    return deadline(CASE, "opened", seq=seq, id=deadline_id(CASE, "acceptance", 1, f"opened@{seq}"))


def one(*events: DeadlineEvent) -> dict[str, Any]:
    (found,) = fold([document(event) for event in events])
    return found


@pytest.mark.parametrize(
    ("events", "status"),
    [
        ([deadline(CASE, "opened")], "open"),
        ([deadline(CASE, "opened"), deadline(CASE, "discharged", seq=3, at=IN_TIME)], "met"),
        ([deadline(CASE, "opened"), deadline(CASE, "discharged", seq=3, at=TOO_LATE)], "late"),
        ([deadline(CASE, "opened"), deadline(CASE, "breached", at=TOO_LATE, rung="breach")], "late"),
        ([deadline(CASE, "opened"), deadline(CASE, "superseded", seq=3)], "superseded"),
        ([deadline(CASE, "opened"), deadline(CASE, "breached"), deadline(CASE, "superseded", seq=3)], "late"),
        ([deadline(CASE, "opened", seq=3), deadline(CASE, "superseded", seq=3)], "superseded"),
        ([deadline(CASE, "opened"), deadline(CASE, "superseded", seq=3), again(seq=4)], "open"),
        ([again(seq=4), deadline(CASE, "superseded", seq=5), deadline(CASE, "opened")], "superseded"),
        ([deadline(CASE, "superseded", seq=3), again(seq=4), deadline(CASE, "discharged", seq=5, at=IN_TIME)], "met"),
        (
            [
                deadline(CASE, "opened"),
                deadline(CASE, "breached"),
                deadline(CASE, "discharged", seq=3, at=IN_TIME),
                deadline(CASE, "breach-withdrawn", seq=3),
            ],
            "withdrawn-breach",
        ),
        (  # put off in time, as it turned out, and then missed all the same
            [
                deadline(CASE, "opened"),
                deadline(CASE, "breached", rung="breach"),
                deadline(CASE, "extended", seq=3, **LONGER),
                deadline(CASE, "breach-withdrawn", seq=3),
                deadline(CASE, "breached", id="another", rung="breach", seq=3, **LONGER),
            ],
            "late",
        ),
        (
            [
                deadline(CASE, "opened"),
                deadline(CASE, "extended", seq=3, **LONGER),
                deadline(CASE, "discharged", seq=4, at=TOO_LATE, **LONGER),
            ],
            "met",
        ),
    ],
)
def test_what_became_of_a_deadline(events: list[DeadlineEvent], status: str) -> None:
    assert one(*events)["status"] == status


def test_an_extension_shows_the_new_day_and_the_first_one() -> None:
    found = one(deadline(CASE, "extended", seq=3, **LONGER), deadline(CASE, "opened"))
    assert (found["extended"], found["due_day"], found["first_due_day"]) == (True, "2026-10-09", "2026-09-23")


def test_rungs_say_when_they_were_due_and_when_they_fired() -> None:
    found = one(
        deadline(CASE, "opened"),
        deadline(CASE, "breached", rung="breach", rung_due=TOO_LATE, fired=TOO_LATE, late_days=2),
        deadline(CASE, "warned", rung="warning", rung_due=IN_TIME, fired=TOO_LATE),
    )
    assert [rung["rung"] for rung in found["rungs"]] == ["warning", "breach"]
    assert found["late_days"] == 2
    assert found["rungs"][0]["fired"] == "2026-09-24T00:00:00.000000+08:00"


def test_generations_and_obligations_are_deadlines_of_their_own() -> None:
    events = [
        deadline(CASE, "opened"),
        deadline(CASE, "superseded"),
        deadline(CASE, "opened", generation=2),
        deadline(CASE, "opened", "resolution"),
    ]
    assert [(f["obligation"], f["generation"], f["status"]) for f in fold(map(document, events))] == [
        ("acceptance", 1, "superseded"),
        ("acceptance", 2, "open"),
        ("resolution", 1, "open"),
    ]


def some_events() -> st.SearchStrategy[list[DeadlineEvent]]:
    changes = ("opened", "extended", "discharged", "superseded", "warned", "breached", "breach-withdrawn")
    event = st.builds(
        lambda number, what, obligation, generation, at, seq: deadline(
            *(case_id(number), what, obligation, generation),
            id=deadline_id(case_id(number), obligation, generation, f"{what}@{seq}"),
            seq=seq,
            at=at,
            **(LONGER if what == "extended" else {}),
        ),
        st.integers(1, 2),
        st.sampled_from(changes),
        st.sampled_from(("acceptance", "resolution")),
        st.integers(1, 2),
        st.sampled_from((IN_TIME, TOO_LATE, datetime(2026, 10, 10, tzinfo=UTC))),
        st.integers(1, 5),
    )
    return st.lists(event, max_size=20, unique_by=lambda event: event.id)


@given(some_events(), st.randoms())
def test_order_and_repetition_do_not_matter(events: list[DeadlineEvent], chance: Any) -> None:
    rows = [document(event) for event in events]
    mixed = rows + chance.choices(rows, k=5) if rows else rows
    chance.shuffle(mixed)
    for case in {row["case"] for row in rows}:
        assert fold(row for row in mixed if row["case"] == case) == fold(row for row in rows if row["case"] == case)
    assert statuses(mixed) == statuses(rows)
    assert counts(statuses(mixed)) == counts(statuses(rows))
