"""The shapes of acts: closed, and nothing about a person in what stays in clear."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from services.intake.core.acts import DATA, Data, Refuse
from shared.law.vocabulary import ACTS, INTERNAL

MODELS = sorted(set(DATA.values()), key=lambda model: model.__name__)


def test_every_act_of_the_law_has_a_shape() -> None:
    assert set(DATA) == set(ACTS) - INTERNAL


def _kinds(schema: dict[str, Any]) -> list[dict[str, Any]]:
    if "anyOf" in schema:
        return [kind for part in schema["anyOf"] for kind in _kinds(part)]
    return _kinds(schema["items"]) if schema.get("type") == "array" else [schema]


@pytest.mark.parametrize("model", MODELS)
def test_what_stays_in_clear_is_a_code_a_day_or_a_word_of_a_list(model: type[Data]) -> None:
    for name, schema in model.model_json_schema()["properties"].items():
        for kind in _kinds(schema):
            closed = (
                kind["type"] != "string" or {"pattern", "enum", "const"} & set(kind) or kind.get("format") == "date"
            )
            assert closed or name in model.sealed, f"{model.__name__}.{name} is free text and must be sealed"


@pytest.mark.parametrize("text", ["13812345678", "530102199001010001", "张三", "zhang san", "a" * 30])
def test_a_ground_is_no_place_for_a_person(text: str) -> None:
    with pytest.raises(ValidationError):
        Refuse.read({"ground": text})


@pytest.mark.parametrize("ground", ["repeated", "no-promise", "8(3)", "annex-2", "13"])
def test_a_ground_is_a_name_or_an_article(ground: str) -> None:
    assert Refuse.read({"ground": ground}).parts()[0] == {"ground": ground}


def test_the_class_keeps_its_name() -> None:
    clear, secret = DATA["classify"].read({"class": "on-spot", "reason": "当场"}).parts()
    assert clear == {"class": "on-spot"} and secret == {"reason": "当场"}


@given(
    st.sampled_from(MODELS),
    st.dictionaries(
        st.sampled_from(["to", "ground", "until", "reason", "text", "result", "person", "class", "satisfied"]),
        st.none() | st.booleans() | st.floats() | st.text(max_size=20) | st.lists(st.text(max_size=3), max_size=2),
    ),
)
def test_data_is_read_or_refused_and_free_text_never_stays_in_clear(model: type[Data], data: dict[str, Any]) -> None:
    try:
        clear, _ = model.read(data).parts()
    except ValidationError:
        return
    assert not set(clear) & model.sealed


@pytest.mark.parametrize("act", sorted(DATA))
def test_a_reason_may_be_given_for_any_act_and_is_sealed(act: str) -> None:
    clear, sealed = DATA[act].read({"reason": "因为"}).parts()
    assert (clear, sealed) == ({}, {"reason": "因为"})
