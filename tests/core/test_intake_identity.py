"""What makes two submissions one: the canonical body, the ids and the digests."""

import json
from dataclasses import replace
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.intake.core.complaint import Complaint
from services.intake.core.event import marks, secrets
from services.intake.core.identity import act_id, body_digest, by_content, by_key, by_work_order, canonical
from shared.privacy.keys import Keyring
from shared.privacy.tokens import Subject

RING = Keyring({"1": b"m" * 16}, "1", b"i" * 32, b"c" * 32, b"t" * 32, b"d" * 32)
LEAST = {"channel": "web", "kind": "complaint", "division": "530102", "content": "内容"}


def made(**more: object) -> Complaint:
    return Complaint.model_validate_json(json.dumps(LEAST | more))


def test_the_order_of_fields_and_defaults_written_out_change_nothing() -> None:
    whole = made(complainant={"anonymous": False}, urgent=False, attachments=[], title=None)
    assert canonical(whole) == canonical(made()) == canonical(made(title="", complainant={}))
    assert canonical(Complaint.model_validate_json(json.dumps(dict(reversed(LEAST.items()))))) == canonical(made())


@pytest.mark.parametrize(
    "more",
    [
        {"channel": "app"},
        {"source_reference": "X1"},
        {"content": "内容。"},
        {"complainant": {"name": "白"}},
        {"urgent": True},
    ],
)
def test_whatever_differs_in_the_body_is_another_complaint(more: dict[str, object]) -> None:
    assert by_content(RING, canonical(made(**more))) != by_content(RING, canonical(made()))


def test_ids_are_pinned_because_another_value_would_double_every_repeated_submission() -> None:
    assert by_key(RING, "key") == "da92c5a5-0625-52fb-bd7f-f0a10fa59ded"
    assert by_content(RING, canonical(made())) == "93a6de2a-16ff-5456-b10a-359761d48ada"
    assert by_work_order(RING, "A1") == "c338e93a-ffdf-56de-b967-1839228e0985"


def test_one_word_as_key_content_or_work_order_gives_three_ids() -> None:
    assert len({by_key(RING, "x"), by_content(RING, b"x"), by_work_order(RING, "x")}) == 3


def test_without_the_keyring_nothing_can_be_tried_against_an_id_or_digest() -> None:
    other = replace(RING, digest=b"e" * 32)
    assert by_key(RING, "x") != by_key(other, "x") and body_digest(RING, b"x") != body_digest(other, b"x")


def test_an_act_is_one_for_case_key_organisation_and_user() -> None:
    case, by = str(uuid4()), Subject("ORG", "officer", "u1")
    first = act_id(RING, case, "k", by)
    assert first == act_id(RING, case, "k", by) and UUID(first)
    others = [(case, "l", by), (str(uuid4()), "k", by), (case, "k", Subject("ORG", "officer", "u2"))]
    assert all(act_id(RING, *other) != first for other in others)
    assert act_id(RING, case, None, by) != act_id(RING, case, None, by)


def test_two_spellings_of_a_phone_have_one_index() -> None:
    one, two = (marks(made(complainant={"phone": p}), RING) for p in ("199 0000 1000", "+8619900001000"))
    assert one.phone_index == two.phone_index is not None


@given(st.dictionaries(st.sampled_from(["name", "phone", "id_number", "address"]), st.text(max_size=30)))
def test_every_complainant_that_is_read_can_be_indexed_and_sealed(who: dict[str, str]) -> None:
    try:
        complaint = made(complainant=who)
    except ValueError:
        return
    marks(complaint, RING)
    assert all(text for text in secrets(complaint).values())
