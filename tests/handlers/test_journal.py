"""The journal's reading: every commit of a case is found by key, however many there are and whoever made them."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from shared.journal import Commit, Entry, Journal
from shared.store import PIECE
from tests.handlers.fakes_routing import FakeCollection

EVENT = Entry(b"{}", {})


def routing(case: str, sizes: list[int]) -> list[Commit]:
    """Commits of so many events each, one after the other."""
    made, seq = list[Commit](), 1
    for size in sizes:
        made.append(Commit(case, seq, f"cause-{seq}", (EVENT,) * size))
        seq += size
    return made


def timed(case: str, runs: list[int], projections: int) -> list[Commit]:
    """As sla commits: runs of events applied, with or without an event of its own, and what was projected anew."""
    made, seq = list[Commit](), 1
    for run in runs:
        made.append(Commit(case, seq, f"cause-{seq}", (EVENT,) * (run % 2), {"upto": seq + run - 1}))
        seq += run
    facts = {"upto": seq - 1, "projected": "2026-01-05T09:00:00+08:00"}
    return made + [Commit(case, seq - 1, f"~{number}", (EVENT,), facts) for number in range(projections)]


async def journal_of(*commits: Commit) -> tuple[Journal, FakeCollection]:
    collection = FakeCollection()
    database: Any = {"journal": collection}
    journal = Journal(database)
    assert await journal.append(commits) == set()
    return journal, collection


@given(
    st.lists(st.integers(1, 3), min_size=1, max_size=40),
    st.lists(st.integers(1, 4), min_size=1, max_size=40),
    st.integers(0, 12),
)
async def test_every_commit_of_a_case_is_found_in_order(sizes: list[int], runs: list[int], projections: int) -> None:
    one, other = routing("one", sizes), timed("other", runs, projections)
    journal, _ = await journal_of(*reversed(one), *other)
    found = await journal.histories(["one", "other", "never-opened"])
    assert found == {"one": one, "other": other}


async def test_what_lies_behind_a_gap_is_not_taken_for_the_case() -> None:
    first, _, third = routing("case", [2, 1, 1])
    journal, _ = await journal_of(first, third)
    assert await journal.histories(["case"]) == {"case": [first]}


async def test_a_batch_of_cases_costs_queries_by_its_size_and_not_one_for_each() -> None:
    cases = [f"case-{number}" for number in range(200)]
    journal, collection = await journal_of(*(commit for case in cases for commit in routing(case, [2, 1, 1])))
    assert len(await journal.histories(cases)) == 200
    assert collection.finds == -(-200 * 9 // PIECE)


async def test_nothing_is_asked_for_no_case() -> None:
    journal, collection = await journal_of()
    assert await journal.histories([]) == {} and collection.finds == 0
