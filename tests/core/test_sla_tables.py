"""By when, under all five instruments, where calendars are awkward: worked out by hand from LAW.md and the State
Council's calendars. Each line is one duty of one history: from its start to its last day, and how it was judged.
"""

from datetime import date

import pytest

from services.routing.core.decide import World
from services.sla.core.watch import Facts, Watched, changes
from shared.events.deadlines import DeadlineEvent
from shared.law.happenings import Happening
from tests.core.cases import at

History = tuple[tuple[str, str] | tuple[str, str, dict[str, str]], ...]


def judged(
    world: World, instrument: str, history: History, kind: str = "complaint", channel: str = "web"
) -> dict[str, DeadlineEvent]:
    """The last event of each duty of this history, followed step by step."""
    facts = Facts(instrument=instrument, kind=kind, channel=channel)
    watched = Watched("00000000-0000-5000-8000-000000000001", facts=facts)
    found: dict[str, DeadlineEvent] = {}
    for seq, (word, when, *more) in enumerate(history, 1):
        given = dict(more[0]) if more else {}
        until = date.fromisoformat(given.pop("until")) if "until" in given else None
        happened = Happening(word, at(when), until=until, **given)
        watched = Watched(watched.case_id, seq, watched.facts, (*watched.history, happened), watched.emitted)
        watched, made = changes(watched, world.law.get(instrument), world.calendar, at(when))
        found |= {event.obligation: event for event in made}
    return found


YUNNAN, SUINING, ZAOZHUANG, HENAN, QINGHAI = (
    *("yunnan-2022", "suining-2023", "zaozhuang-2020", "henan-2020", "qinghai-2022"),
)
ADMIN, AGENCY, FIRST, FORWARDED = "received-by-administration", "received-by-agency", "first-contact", "forwarded"

TABLE = [
    # midnight: the day received is the calendar day, whatever the hour
    (YUNNAN, ((ADMIN, "2026-09-17 23:59:59"),), "handover", "2026-09-20", None),  # Sunday the 20th works
    (YUNNAN, ((ADMIN, "2026-09-18 00:00:00"),), "handover", "2026-09-21", None),
    (YUNNAN, ((ADMIN, "2026-09-17 23:59:59"), ("handed-over", "2026-09-20 23:59:59.999999")),
     "handover", "2026-09-20", "met"),
    (YUNNAN, ((ADMIN, "2026-09-17 23:59:59"), ("handed-over", "2026-09-21 00:00")), "handover", "2026-09-20", "late"),
    # make-up weekends of 2026: 4 January, 14 and 28 February, 9 May, 20 September, 10 October
    (YUNNAN, ((ADMIN, "2025-12-31 09:00"),), "handover", "2026-01-05", None),  # 1–3 January off, Sunday the 4th works
    (YUNNAN, ((AGENCY, "2026-02-12 09:00"),), "acceptance", "2026-02-24", None),  # 13, 14, off until the 23rd
    (YUNNAN, ((AGENCY, "2026-02-26 09:00"),), "acceptance", "2026-03-02", None),  # 27th, Saturday the 28th, Monday
    (YUNNAN, ((AGENCY, "2026-04-30 09:00"),), "acceptance", "2026-05-08", None),  # 1–5 May off; 6, 7, 8
    (YUNNAN, ((AGENCY, "2026-05-07 09:00"),), "acceptance", "2026-05-11", None),  # 8th, Saturday the 9th, 11th
    (YUNNAN, ((AGENCY, "2026-09-24 09:00"),), "acceptance", "2026-09-30", None),
    (YUNNAN, ((AGENCY, "2026-09-24 09:00"), ("accepted", "2026-09-28 09:00")), "resolution", "2026-10-16", None),
    (SUINING, ((ADMIN, "2025-09-30 23:59:59"),), "handover", "2025-10-10", None),  # 1–8 October off
    # year end, past the loaded calendar: weekdays, provisional
    (HENAN, ((FORWARDED, "2026-12-30 09:00"),), "resolution", "2027-01-06", "provisional"),
    (HENAN, ((FORWARDED, "2026-12-23 09:00"),), "resolution", "2026-12-30", None),
    # leap days
    (QINGHAI, ((ADMIN, "2024-02-23 09:00"),), "resolution", "2024-03-01", None),  # 26, 27, 28, 29 February, 1 March
    (ZAOZHUANG, ((FIRST, "2024-02-28 09:00"),), "first-response", "2024-02-29", None),
    (ZAOZHUANG, ((FIRST, "2024-02-29 23:59:59"),), "first-response", "2024-03-01", None),
    # Spring Festival
    (ZAOZHUANG, ((FIRST, "2026-02-13 10:00"),), "first-response", "2026-02-14", None),
    (ZAOZHUANG, ((FIRST, "2026-02-14 10:00"),), "first-response", "2026-02-24", None),
    (ZAOZHUANG, ((FIRST, "2026-02-13 10:00"),), "leader-approved", "2026-02-25", None),
    (SUINING, ((AGENCY, "2025-01-27 09:00"),), "acceptance", "2025-02-06", None),  # 28 January – 4 February off
    # late starts: nobody gains by his own lateness
    (YUNNAN, ((AGENCY, "2026-09-21 09:00"), ("accepted", "2026-09-28 09:00")), "resolution", "2026-10-15", None),
    # extensions: within the limit, to a working day
    (YUNNAN, ((AGENCY, "2026-09-24 09:00"), ("accepted", "2026-09-28 09:00"),
              ("extension-approved", "2026-10-12 09:00", {"until": "2026-10-24"})), "resolution", "2026-10-26", None),
    (SUINING, ((AGENCY, "2025-09-29 09:00"), ("extension-approved", "2025-09-30 09:00", {"until": "2025-12-31"})),
     "resolution", "2025-10-27", None),
    (ZAOZHUANG, ((FIRST, "2026-09-24 09:00"), ("extension-approved", "2026-09-28 09:00", {"until": "2026-12-31"})),
     "leader-approved", "2026-10-09", None),
    # inside the others
    (SUINING, ((AGENCY, "2025-09-22 09:00"), ("closed", "2025-09-25 09:00", {"outcome": "partly"})),
     "rectification-filing", "2025-09-28", None),  # the 26th, and Sunday the 28th works
    (SUINING, ((AGENCY, "2025-09-22 09:00"), ("closed", "2025-10-27 09:00", {"outcome": "invalid"})),
     "return-visit", "2025-10-30", None),  # after the text lapsed: still owed
    (HENAN, ((FORWARDED, "2026-09-24 09:00"), ("classified", "2026-09-24 10:00", {"disposal": "complex"})),
     "resolution-complex", "2026-10-22", None),
    (HENAN, ((FORWARDED, "2026-09-24 23:59:59"), ("classified", "2026-09-25 00:00", {"disposal": "unclear"})),
     "contact", "2026-09-28", None),
    (QINGHAI, ((AGENCY, "2026-09-24 09:00"), ("appealed", "2026-09-29 23:59:59")), "appeal", "2026-09-29", "met"),
    (QINGHAI, ((AGENCY, "2026-09-24 09:00"), ("appealed", "2026-09-29 09:00")), "review", "2026-10-12", None),
]  # fmt: skip


@pytest.mark.parametrize(("instrument", "history", "obligation", "day", "what"), TABLE)
def test_the_last_day(
    world: World, instrument: str, history: History, obligation: str, day: str, what: str | None
) -> None:
    event = judged(world, instrument, history)[obligation]
    assert event.due_day.isoformat() == day
    if what in ("met", "late"):
        assert event.type == "discharged" and (event.late_days is not None) == (what == "late")
    else:
        assert event.type in ("opened", "extended") and event.provisional == (what == "provisional")
    assert event.citations and {citation.instrument for citation in event.citations} == {instrument}
