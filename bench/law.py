"""`suda bench law`: what the law costs a case, and loading it, in one process and without I/O.

`us_per_case`: binding plus all deadlines of a case under yunnan-2022, µs of CPU: `Library.bind`, the instrument by its
digest, and `duties` (shared/law/history.py) over the whole life of a case, nine happenings from first contact through
an extension to the close. It is the larger one: `us_opened` is the same for a case just opened and dispatched.
`us_life` is what a life costs altogether, since sla asks anew after every event.
All go over cases of different days, instants and divisions, so that what is remembered between cases (bindings by day
and division, due days by start) is remembered as in a service and no more; `us_first` is with nothing remembered.
`seconds_to_load` is `load()` in a fresh process, without the interpreter's start and imports.
Each is the median of several rounds, with min and max; the collector is left as a service has it.
"""

import statistics
import subprocess
import sys
import time
from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta

from bench import harness
from bench.harness import Figures, Say
from shared import clock
from shared.law import Calendar, Library, load
from shared.law.happenings import Happening
from shared.law.history import duties
from shared.service import seldom_collect
from shared.stack.provide import ROOT

CASES = 5_000
ROUNDS = 5
LOADS = 5
DAYS = 180
DIVISIONS = ("530000", "530102", "530111", "530302", "532901")
SPAN = timedelta(seconds=11)
START = datetime(2026, 3, 2, 9, 0, tzinfo=clock.ZONE)
LOAD = "import time; from shared.law import load; t = time.perf_counter(); load(); print(time.perf_counter() - t)"
# A life: the word, the days after the case came in, the day of the extension.
LIFE: Sequence[tuple[str, float, int | None]] = (
    ("first-contact", 0, None),
    ("received-by-administration", 0, None),
    ("handed-over", 0.2, None),
    ("received-by-agency", 0.2, None),
    ("accepted", 2, None),
    ("extension-requested", 6, None),
    ("extension-approved", 6.1, 20),
    ("answered", 14, None),
    ("closed", 14.1, None),
)

OPENED, WHOLE = (2,), (len(LIFE),)  # how much of a life is looked at

Case = tuple[str, tuple[Happening, ...]]


def run(size: int | None, say: Say) -> Figures:
    """`size` is the number of cases a round."""
    count = size or CASES
    law, calendar, cases = load(), Calendar.load(), [_case(number) for number in range(count)]
    seldom_collect()
    first = [_round(Library(law.editions, law.deployment), Calendar.load(), cases[:50], WHOLE) for _ in range(ROUNDS)]
    opened = [_round(law, calendar, cases, OPENED) for _ in range(ROUNDS)]
    whole = [_round(law, calendar, cases, WHOLE) for _ in range(ROUNDS)]
    say(f"law: {statistics.median(whole):.1f} µs a case")
    life = [_round(law, calendar, cases, range(1, len(LIFE) + 1)) for _ in range(ROUNDS)]
    loads = [_load() for _ in range(LOADS)]
    return {
        "us_per_case": round(statistics.median(whole), 1),
        "case": harness.spread(whole),
        "us_opened": round(statistics.median(opened), 1),
        "opened": harness.spread(opened),
        "us_life": round(statistics.median(life), 1),
        "life": harness.spread(life),
        "us_first": round(statistics.median(first), 1),
        "seconds_to_load": round(statistics.median(loads), 3),
        "load": harness.spread(loads, 3),
        "cases": count,
        "instruments": len(law.instruments),
    }


def _round(law: Library, calendar: Calendar, cases: Sequence[Case], lengths: Iterable[int]) -> float:
    """µs of CPU for each case: other programs on the machine do not count."""
    began = time.process_time()
    for division, history in cases:
        received: date = history[0].at.date()
        bound = law.bind(division=division, venue=None, channel="web", kind="complaint", received=received)
        assert bound.instrument is not None
        instrument = law.get(bound.instrument, bound.digest)
        for length in lengths:
            duties(instrument, history[:length], calendar, kind="complaint", channel="web")
    return (time.process_time() - began) / len(cases) * 1e6


def _case(number: int) -> Case:
    came = START + timedelta(days=number % DAYS) + number * SPAN % timedelta(hours=8)
    events = [
        Happening(on, came + timedelta(days=after), until=came.date() + timedelta(days=until) if until else None)
        for on, after, until in LIFE
    ]
    return DIVISIONS[number % len(DIVISIONS)], tuple(events)


def _load() -> float:
    done = subprocess.run([sys.executable, "-c", LOAD], cwd=ROOT, capture_output=True, text=True, check=True)
    return float(done.stdout)
