"""One case as one row: the fold of its events, in the order of `seq`. Pure; a row is plain JSON values.

Instants are ISO texts in Asia/Shanghai with microseconds: they sort, and survive a store that keeps milliseconds.
Sealed tokens stay sealed; attachments are counted and stay in the log. What a row holds of data and sealed text is
bounded (ROOM), because a document is: past that an entry says `shortened` and the log keeps the rest. `officers` are
the user names of those complained about, `merged` says that it is handled as one with another case.
"""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import Any

from shared.clock import ZONE
from shared.events.base import Citation, Frozen
from shared.events.cases import Acted, AnyCaseEvent, Dispatched, Opened, Rejected

Row = dict[str, Any]
ROOM = 3_000_000  # characters of up to three bytes; a document ends at 16 MB
DEEPEST = 20
INT64 = 1 << 63

# What an act leaves in the row besides its place in the timeline: act's past tense -> (data field, row field).
_NOTED = {"classified": ("class", "class"), "closed": ("outcome", "outcome"), "refused": ("ground", "ground")}
_MARKS = ("anonymous", "discloses", "wants_answer", "id_index", "phone_index")
_ENDED = ("closed", "refused", "withdrawn", "terminated", "merged")
_HOLDER = {"pending": "administration", "assigned": "agency"}  # by the meaning of the states (shared/law/vocabulary.py)


def apply(row: Row | None, event: AnyCaseEvent) -> Row:
    """The row after `event`, whose seq follows the row's; the given row is not changed."""
    if isinstance(event, Opened):
        return _opened(event)
    if row is None or event.seq != row["seq"] + 1:
        raise ValueError(f"seq {event.seq} does not follow {row and row['seq']}")
    new: Row = row | _CHANGES[type(event)](row, event)
    entry = _entry(event)
    new["seq"], new["state"] = event.seq, event.state
    new["size"] = row["size"] + _bound(entry, ROOM - row["size"])
    new["timeline"] = [*row["timeline"], entry]
    new["last"] = {"at": entry["at"], "what": entry["what"]}
    new["holder"] = _HOLDER.get(event.state, new["holder"])
    new["instrument"] = event.instrument or row["instrument"]
    new["backdated"] = row["backdated"] or event.backdated
    return new


def replay(events: Iterable[AnyCaseEvent]) -> Row | None:
    """The row of one case's events in any order, with any repetitions; events behind a gap are left out."""
    return turn(None, events)[0]


def turn(row: Row | None, events: Iterable[AnyCaseEvent]) -> tuple[Row | None, list[AnyCaseEvent]]:
    """The row after those of `events` that follow it without a gap, and those that lie ahead of one, by seq."""
    ahead: list[AnyCaseEvent] = []
    for event in sorted(events, key=lambda event: event.seq):
        reached = row["seq"] if row else 0
        if event.seq == reached + 1:
            row = apply(row, event)
        elif event.seq > reached and not (ahead and ahead[-1].seq == event.seq):
            ahead.append(event)
    return row, ahead


def instant(at: datetime) -> str:
    """The instant as a text that sorts."""
    return at.astimezone(ZONE).isoformat(timespec="microseconds")


def _opened(event: Opened) -> Row:
    entry = _entry(event)
    row: Row = {
        "_id": event.case_id,
        "seq": event.seq,
        "state": event.state,
        "organisation": None,
        "administration": event.administration,
        "division": event.division,
        "holder": _HOLDER.get(event.state),
        "kind": event.kind,
        "channel": event.channel,
        "door": event.door,
        "received_at": instant(event.received_at),
        "received_on": event.received_on.isoformat(),
        "received_by": event.received_by,
        "accused": _given(event.accused, "organisation", "window"),
        "matter": _given(event.matter, "code", "name"),
        "project_no": event.project_no,
        "urgent": event.urgent,
        "source_reference": event.source_reference,
        "complainant": _given(event.complainant, *_MARKS),
        "key_id": event.key_id,
        "instrument": event.instrument,
        "law_digest": event.law_digest,
        "basis": event.basis,
        "class": None,
        "ground": None,
        "outcome": None,
        "extension": None,
        "backdated": event.backdated,
        "assisting": [],
        "officers": [event.accused.officer] if event.accused.officer else [],
        "bounces": 0,
        "merged": False,
        "recused": [],
        "done": {},
        "last": {"at": entry["at"], "what": "opened"},
        "attachments": sum(map(_attached, event.sealed)),
        "sealed": {name: token for name, token in _plain(event.sealed).items() if not _attached(name)},
    }
    row["size"] = _bound(row, ROOM) + _bound(entry, ROOM)
    row["timeline"] = [entry]
    return row


def _attached(name: str) -> bool:
    return name.startswith("attachment_")


def _dispatched(row: Row, event: Dispatched) -> Row:
    return {
        "organisation": event.accountable,
        "administration": event.administration or row["administration"],
        "holder": event.holder,
    }


def _acted(row: Row, event: Acted) -> Row:
    done, at = event.done, instant(event.at)
    changes: Row = {"done": row["done"] | {done: at}}
    if event.accountable:
        changes["organisation"] = event.accountable
    if done in _NOTED:
        source, target = _NOTED[done]
        changes[target] = _plain(event.data.get(source))
    if done.startswith("extension-"):
        until = _plain(event.data.get("until")) or (row["extension"] or {}).get("until")
        changes["extension"] = {"stage": done.removeprefix("extension-"), "until": until, "at": at}
    if done == "sent-back":  # handled again: what ended it no longer holds, the timeline keeps it
        changes |= {
            "outcome": None,
            "ground": None,
            "done": {k: v for k, v in changes["done"].items() if k not in _ENDED},
        }
    if done == "rebound":
        changes |= {"instrument": event.instrument}
        changes |= {name: _plain(event.data.get(name)) for name in ("law_digest", "basis")}
    if event.assisting is not None:
        changes["assisting"] = list(event.assisting)
    appealed = done == "appealed" and event.by.role != "complainant"
    if officer := event.by.user if appealed else event.data.get("accused"):
        changes["officers"] = sorted({*row["officers"], str(officer)})
    if done == "bounced":
        changes["bounces"] = row["bounces"] + 1
    if done in ("merged", "unmerged"):
        changes["merged"] = done == "merged"
    if done == "recused":
        changes["recused"] = sorted({*row["recused"], *_persons(event)})
    return changes


def _persons(event: Acted) -> set[str]:
    """Whom a recusal names, or else whoever declared it."""
    named = event.data.get("person") or event.by.user
    return {str(named)} if named else set()


_CHANGES: Mapping[type[AnyCaseEvent], Any] = {
    Dispatched: _dispatched,
    Acted: _acted,
    Rejected: lambda row, event: {},
}


def _entry(event: AnyCaseEvent) -> Row:
    entry: Row = {"seq": event.seq, "at": instant(event.at), "what": what(event), "state": event.state}
    entry["cause"] = event.cause
    entry |= _cited(event.citations)
    if event.interpretation:
        entry["interpretation"] = event.interpretation
    if event.backdated:
        entry["backdated"] = True
    if isinstance(event, Dispatched):
        steps = [_given(step, "asked", "principle", "found", "why") | _cited(step.citations) for step in event.steps]
        entry |= {"accountable": event.accountable, "steps": steps, "directory_offset": event.directory_offset}
    elif isinstance(event, Acted | Rejected):
        entry |= {"act": event.act, "by": _given(event.by, "organisation", "role", "user")}
        entry |= _asked(event)
    return entry


def _asked(event: Acted | Rejected) -> Row:
    if isinstance(event, Rejected):
        return {"reason": event.reason, "explanation": event.explanation}
    found: Row = {"data": _plain(event.data), "sealed": _plain(event.sealed), "accountable": event.accountable}
    return {name: value for name, value in found.items() if value}


def what(event: AnyCaseEvent) -> str:
    """`opened`, `dispatched`, `rejected`, or the act's past tense."""
    return event.done if isinstance(event, Acted) else event.type


def _cited(citations: Collection[Citation]) -> Row:
    if not citations:
        return {}
    return {"citations": [_given(citation, "instrument", "article", "item", "title") for citation in citations]}


def _given(value: Frozen, *names: str) -> Row:
    """The fields that are there; by hand, because `model_dump` costs more than the whole fold."""
    return {name: found for name in names if (found := getattr(value, name)) is not None}


def _bound(part: Row, room: int) -> int:
    """How much data and sealed text `part` holds; over `room` it is taken out and the part says so."""
    weight = sum(map(len, part.get("sealed", {}).values())) + (len(str(part["data"])) if "data" in part else 0)
    if weight <= room:
        return weight
    part |= {"sealed": {}, "shortened": True}
    part.pop("data", None)
    return 0


def _plain(value: Any, depth: int = 0) -> Any:
    """JSON that every document store takes: no integer past 64 bits, no NUL in a name, no bottomless nesting."""
    if type(value) is str:
        return value
    if isinstance(value, Mapping):
        if depth > DEEPEST:
            return "…"
        return {name.replace("\0", "�"): _plain(part, depth + 1) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(part, depth + 1) for part in value] if depth <= DEEPEST else "…"
    return str(value) if isinstance(value, int) and not -INT64 <= value < INT64 else value
