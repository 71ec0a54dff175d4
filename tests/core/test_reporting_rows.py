"""The row of a case, and what is counted and checked of rows."""

from itertools import chain

import bson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.reporting.core import check, statistics
from services.reporting.core.deadlines import document
from services.reporting.core.row import ROOM, Row, apply, replay, turn
from shared.errors import BadInput
from shared.events import cases
from shared.events.cases import AnyCaseEvent
from tests.core.test_reporting_samples import (
    AGENCY,
    OTHER,
    acted,
    batches,
    case_id,
    deadline,
    dispatched,
    life,
    opened,
    rejected,
)

CASE = case_id()


def folded(events: list[AnyCaseEvent]) -> Row:
    row = replay(events)
    assert row is not None
    return row


def test_a_life_leaves_a_row_with_everything_in_its_timeline() -> None:
    row = folded(life(CASE))
    assert (row["_id"], row["seq"], row["state"], row["organisation"]) == (CASE, 8, "closed", AGENCY)
    assert (row["outcome"], row["holder"], row["instrument"]) == ("substantiated", "agency", "yunnan-2022")
    assert row["extension"]["until"] == "2026-10-30"
    assert [entry["what"] for entry in row["timeline"]][:4] == ["opened", "dispatched", "handed-over", "accepted"]
    assert [entry["seq"] for entry in row["timeline"]] == list(range(1, 9))
    assert row["timeline"][1]["steps"][0]["citations"][0]["article"] == "8"
    assert row["timeline"][5]["reason"] == "not-answered"
    assert row["last"] == {"at": row["timeline"][-1]["at"], "what": "closed"}


def test_instants_are_texts_that_sort_and_keep_their_microseconds() -> None:
    row = folded(life(CASE))
    assert row["received_at"] == "2026-09-18T09:30:00.000000+08:00"
    assert row["timeline"][1]["at"] == "2026-09-18T11:30:00.000007+08:00"


def test_a_rejected_act_changes_nothing_but_the_timeline() -> None:
    before = folded(life(CASE)[:5])
    after = apply(before, rejected(CASE, 6))
    changed = {name for name in after if after[name] != before[name]}
    assert changed == {"seq", "timeline", "last"}


def test_apply_leaves_the_row_it_was_given_alone() -> None:
    before = folded(life(CASE)[:3])
    copy = bson.decode(bson.encode(before))
    apply(before, life(CASE)[3])
    assert before == copy


def test_apply_refuses_an_event_that_does_not_follow() -> None:
    with pytest.raises(ValueError, match="does not follow"):
        apply(folded(life(CASE)[:2]), life(CASE)[3])


def test_a_transfer_moves_the_case_to_another_organisation() -> None:
    moved = acted(CASE, 4, "transfer", "transferred", "assigned", accountable=OTHER)
    assert folded([*life(CASE)[:3], moved])["organisation"] == OTHER


def test_a_case_sent_back_has_no_outcome_any_more_but_its_timeline_keeps_it() -> None:
    row = folded([*life(CASE), acted(CASE, 9, "send-back", "sent-back", "accepted")])
    assert (row["outcome"], "closed" in row["done"], row["timeline"][7]["data"]) == (
        None,
        False,
        {"outcome": "substantiated"},
    )


def test_an_unbound_case_is_bound_when_a_later_event_names_the_instrument() -> None:
    first = opened(CASE, instrument=None, law_digest=None, citations=())
    bound = acted(CASE, 3, "note", "rebound", "pending", instrument="yunnan-2022")
    assert folded([first, dispatched(CASE)])["instrument"] is None
    assert folded([first, dispatched(CASE), bound])["instrument"] == "yunnan-2022"


def test_attachments_are_counted_and_stay_in_the_log() -> None:
    row = folded(life(CASE))
    assert row["attachments"] == 1
    assert "attachment_1" not in row["sealed"]


@pytest.mark.parametrize("event", [opened(CASE, seq=2), dispatched(CASE, 1), dispatched(CASE, 0), opened(CASE, seq=-1)])
def test_only_an_opening_can_be_the_first_event_and_it_can_be_nothing_else(event: AnyCaseEvent) -> None:
    with pytest.raises(BadInput):
        cases.parse(event.to_bytes())


def test_a_row_never_outgrows_a_document_however_much_is_said() -> None:
    many = [acted(CASE, seq, "note", "noted", "pending", sealed={"text": "x" * 500_000}) for seq in range(3, 60)]
    row = folded([opened(CASE), dispatched(CASE), *many])
    assert row["seq"] == 59
    assert row["size"] <= ROOM
    assert row["timeline"][-1]["shortened"]
    assert len(bson.encode(row)) < 16_000_000


def test_data_that_no_store_takes_is_made_storable() -> None:
    deep: object = 1
    for _ in range(300):
        deep = {"a": [deep]}
    row = folded(
        [
            opened(CASE),
            dispatched(CASE),
            acted(CASE, 3, "note", "noted", "pending", data={"big": 10**40, "a\0b": 1, "deep": deep}),
        ]
    )
    bson.encode(row)
    assert row["timeline"][2]["data"]["big"] == str(10**40)


@given(batches(cases=1))
def test_any_order_and_any_repetition_give_the_row_of_the_replay_in_order(found: list[list[AnyCaseEvent]]) -> None:
    events = list(chain.from_iterable(found))
    row: Row | None = None
    waiting: list[AnyCaseEvent] = []
    for batch in found:
        row, waiting = turn(row, [*waiting, *batch])
    assert waiting == []
    in_order: Row | None = None
    for event in sorted({event.seq: event for event in events}.values(), key=lambda event: event.seq):
        in_order = apply(in_order, event)
    assert row == in_order == replay(events)


@given(st.sets(st.integers(1, 8)), st.integers(0, 8))
def test_events_behind_a_gap_are_applied_and_those_ahead_wait(present: set[int], reached: int) -> None:
    history = life(CASE)
    row, ahead = turn(replay(history[:reached]), [history[seq - 1] for seq in present])
    end = reached
    while end + 1 in present:
        end += 1
    assert (row["seq"] if row else 0) == end
    assert [event.seq for event in ahead] == sorted(seq for seq in present if seq > end)


def test_check_finds_no_difference_where_there_is_none_and_names_each_one_there_is() -> None:
    events = [event for number in (1, 2, 3) for event in life(case_id(number))]
    rows = [row | {"partition": 4} for row in check.rebuild(events * 2).values()]
    assert check.case_differences(reversed(events), rows) == []
    rows[1] = rows[1] | {"state": "accepted"}
    found = check.case_differences(events, [*rows[1:], rows[0] | {"_id": "x"}])
    assert [line.split(" ", 2)[2] for line in found] == [
        "is in the log and has no row",
        "has a row and is not in the log",
        "differs from its events in state",
    ]


def test_statistics_are_what_the_rows_count() -> None:
    refusal = acted(case_id(4), 3, "refuse", "refused", "refused", data={"ground": "no-respondent"})
    events = [event for number in (1, 2) for event in life(case_id(number))] + life(case_id(3))[:4]
    events += [opened(case_id(4)), dispatched(case_id(4)), refusal]
    rows = list(check.rebuild(events).values())
    table = statistics.tabulate(statistics.groups(rows), {("acceptance", "met"): 3, ("acceptance", "open"): 1})
    assert {name: table[name] for name in ("received", "open", "closed", "refused", "other")} == {
        "received": 4,
        "open": 1,
        "closed": 2,
        "refused": 1,
        "other": 0,
    }
    assert table["organisations"][0]["outcomes"] == {"substantiated": 2}
    assert table["deadlines"] == [{"obligation": "acceptance", "met": 3, "open": 1}]


def test_a_merged_complaint_is_received_and_never_counted_as_handled_a_second_time() -> None:
    one, other = case_id(1), case_id(2)
    closing = acted(other, 5, "close", "closed", "closed", data={"outcome": "substantiated"})
    merged = [*life(other)[:3], acted(other, 4, "merge", "merged", "absorbed", data={"into": one}), closing]
    table = statistics.tabulate(statistics.groups(check.rebuild(life(one) + merged).values()), {})
    assert (table["received"], table["closed"], table["merged"]) == (2, 1, 1)
    [line] = table["organisations"]
    assert (line["received"], line["merged"], line["outcomes"]) == (2, 1, {"substantiated": 1})

    undone = acted(other, 5, "unmerge", "unmerged", "assigned", data={})
    table = statistics.tabulate(statistics.groups(check.rebuild(life(one) + merged[:-1] + [undone]).values()), {})
    assert (table["received"], table["closed"], table["open"], table["merged"]) == (2, 1, 1, 0)


def test_an_archived_case_counts_as_what_it_was_before() -> None:
    assert [
        statistics.fate("archived", "partly", None),
        statistics.fate("archived", None, "no-respondent"),
        statistics.fate("withdrawn", None, None),
    ] == ["closed", "refused", "other"]


def test_check_compares_statistics_and_deadline_events_too() -> None:
    rows = list(check.rebuild(life(CASE)).values())
    events = [deadline(CASE, "opened"), deadline(CASE, "discharged")]
    documents = [document(event) | {"partition": 1} for event in events]
    stated = statistics.tabulate(statistics.groups(rows), {("acceptance", "met"): 1})
    assert check.deadline_differences(events, documents) == []
    assert check.statistics_differences(rows, documents, stated) == []
    assert check.statistics_differences(rows, documents[:1], stated) == [
        "statistics: deadlines is not what the rows count"
    ]
    assert len(check.deadline_differences(events, documents[:1])) == 1
