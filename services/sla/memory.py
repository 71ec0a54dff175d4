"""A watched case to and from its journal: each commit's facts hold what its events added to the history."""

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import Any

from services.sla.core.watch import Emitted, Facts, Watched
from shared.events import deadlines
from shared.journal import Commit
from shared.law.happenings import Happening, Start


def facts(before: Watched, after: Watched) -> dict[str, Any]:
    """What a commit must hold so that `restored` finds the case again: the seq reached, and what changed."""
    found: dict[str, Any] = {
        "upto": after.seq,
        "history": [_written(happening) for happening in after.history[len(before.history) :]],
    }
    if after.facts != before.facts:
        given = {name: getattr(after.facts, name) for name in Facts.__dataclass_fields__}
        found["case"] = {
            k: v.isoformat() if isinstance(v, date) else v for k, v in given.items() if v is not None and v is not False
        }
    return found


def restored(commits: Iterable[Commit]) -> Watched | None:
    """The case as its commits, in order, left it; None without any."""
    watched: Watched | None = None
    for commit in sorted(commits, key=_place):
        assert commit.facts is not None
        before = watched or Watched(commit.case_id)
        history = before.history + tuple(_read(row) for row in commit.facts["history"])
        watched = Watched(
            case_id=commit.case_id,
            seq=commit.facts["upto"],
            facts=_facts(commit.facts["case"]) if "case" in commit.facts else before.facts,
            history=history,
            emitted=_emitted(before.emitted, commit),
            projections=before.projections + ("projected" in commit.facts),
            looked=len(history),
        )
    return watched


def _place(commit: Commit) -> tuple[int, str]:
    """Events by seq; what was re-projected after them, by when."""
    assert commit.facts is not None
    return commit.facts["upto"], commit.facts.get("projected", "")


def _facts(row: Mapping[str, Any]) -> Facts:
    day = row.get("received_on")
    return Facts(**{**row, "received_on": date.fromisoformat(day) if day else None})


def _emitted(before: Mapping[tuple[str, int], Emitted], commit: Commit) -> dict[tuple[str, int], Emitted]:
    emitted = dict(before)
    for entry in commit.entries:
        event = deadlines.parse(entry.value)
        key = (event.obligation, event.generation)
        if event.type in ("opened", "extended", "reprojected"):
            emitted[key] = Emitted.of(event, "open")
        elif event.type == "superseded":
            emitted[key] = Emitted.of(event, "superseded")
        elif event.type == "discharged":
            emitted[key] = Emitted.of(event, "met" if event.at < event.due_at else "late")
    return emitted


def _written(happening: Happening) -> dict[str, Any]:
    """Instants as ISO text: the store keeps milliseconds only, and a deadline is judged on more."""
    row: dict[str, Any] = {"on": happening.on, "at": happening.at.isoformat()}
    for name in ("outcome", "result", "disposal", "extends"):
        if (value := getattr(happening, name)) is not None:
            row[name] = value
    if happening.until is not None:
        row["until"] = happening.until.isoformat()
    if happening.other is not None:
        starts = [
            [each.obligation, each.day.isoformat(), each.at.isoformat()]
            + ([each.until.isoformat()] if each.until else [])
            for each in happening.starts
        ]
        row |= {"other": happening.other, "other_seq": happening.other_seq, "starts": starts}
    return row


def _read(row: Mapping[str, Any]) -> Happening:
    until = row.get("until")
    return Happening(
        on=row["on"],
        at=datetime.fromisoformat(row["at"]),
        outcome=row.get("outcome"),
        result=row.get("result"),
        disposal=row.get("disposal"),
        extends=row.get("extends"),
        until=date.fromisoformat(until) if until else None,
        other=row.get("other"),
        other_seq=row.get("other_seq", 0),
        starts=tuple(
            Start(name, date.fromisoformat(day), datetime.fromisoformat(at), *map(date.fromisoformat, until))
            for name, day, at, *until in row.get("starts", ())
        ),
    )
