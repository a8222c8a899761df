"""What a LoRA's files say of it, and who is believed."""

from __future__ import annotations

import json

import pytest

from facechain_ext.styles.card import (
    LONGEST,
    MOST_WORDS,
    card_of,
    from_civitai,
    from_modelspec,
    from_sidecar,
    from_training,
)

SIDECAR = {
    "description": "described", "sd version": "SDXL", "activation text": "inkwash, paper",
    "preferred weight": 0.6, "negative text": "photo", "notes": "noted",
}  # fmt: skip
CIVITAI = {
    "trainedWords": ["inky, brush", "night"], "baseModel": "SDXL 1.0",
    "description": "<p>A look</p>",
    "model": {"name": "Ink Wash", "allowCommercialUse": ["Image"], "allowNoCredit": False},
    "images": [{"meta": {"prompt": f"x <lora:ink:{w}> <lora:other:2>"}} for w in (0.7, 0.9, 0.8)],
}  # fmt: skip
MODELSPEC = {
    "modelspec.title": "Ink", "modelspec.trigger_phrase": "ms_ink", "modelspec.license": "CC0",
    "modelspec.architecture": "stable-diffusion-xl-v1-base/lora", "modelspec.usage_hint": "softly",
    "modelspec.thumbnail": "data:image/jpeg;base64,AAAA",
}  # fmt: skip
TRAINING = {
    "ss_output_name": "ink-v3", "ss_base_model_version": "sdxl_base_v1-0",
    "ss_tag_frequency": json.dumps({"10_ink": {"ss_ink": 40, "tree": 12}, "5_ink": {"ss_ink": 20}}),
}  # fmt: skip


def test_each_source_is_read() -> None:
    sidecar, civitai = from_sidecar(SIDECAR), from_civitai(CIVITAI)
    modelspec, training = from_modelspec(MODELSPEC), from_training(TRAINING)
    assert sidecar["trigger_words"] == ("inkwash", "paper")
    assert (sidecar["weight"], sidecar["negative_prompt"]) == (0.6, "photo")
    assert (sidecar["base_model"], sidecar["notes"]) == ("SDXL", "noted")
    assert civitai["trigger_words"] == ("inky", "brush", "night")
    assert (civitai["title"], civitai["weight"], civitai["notes"]) == ("Ink Wash", 0.8, "A look")
    assert civitai["licence"] == "commercial use: Image; credit is asked for"
    assert modelspec["trigger_words"] == ("ms_ink",)
    assert (modelspec["licence"], modelspec["notes"]) == ("CC0", "softly")
    assert modelspec["base_model"] == "stable-diffusion-xl-v1-base"
    assert training["trigger_words"] == ("ss_ink",)
    assert (training["title"], training["base_model"]) == ("ink-v3", "sdxl_base_v1-0")


def test_they_are_trusted_in_order_field_by_field() -> None:
    said = [
        ("json", from_sidecar(SIDECAR)),
        ("civitai", from_civitai(CIVITAI)),
        ("modelspec", from_modelspec(MODELSPEC)),
        ("training", from_training(TRAINING)),
    ]
    card = card_of(said)
    assert (card.trigger_words, card.weight) == (("inkwash", "paper"), 0.6)
    assert (card.title, card.licence) == ("Ink Wash", "commercial use: Image; credit is asked for")
    assert card.thumbnail.startswith("data:")
    assert card.sources["trigger_words"] == "json"
    assert card.sources["title"] == "civitai"
    assert card.sources["thumbnail"] == "modelspec"
    assert [card_of(said[n:]).trigger_words[0] for n in range(4)] == [
        "inkwash", "inky", "ms_ink", "ss_ink",
    ]  # fmt: skip
    assert card_of([]) == card_of([("json", from_sidecar({})), ("modelspec", from_modelspec({}))])


def test_nothing_is_what_the_webui_writes_for_nothing() -> None:
    said = from_sidecar({**SIDECAR, "preferred weight": 0, "sd version": "Unknown"})
    assert (said["weight"], said["base_model"]) == (None, "")


@pytest.mark.parametrize("weight", [None, "1", True, float("nan"), -1, [], 10**400])
def test_a_weight_that_is_none_is_left_out(weight: object) -> None:
    assert from_sidecar({"preferred weight": weight})["weight"] is None


def test_a_weight_has_a_bound() -> None:
    assert from_sidecar({"preferred weight": 50})["weight"] == 2.0


def test_networks_and_what_belongs_to_the_person_are_no_trigger_words() -> None:
    text = "<lora:ink:0.7>, 1girl, inkwash, blonde hair, blue eyes，paper\n inkwash"
    assert from_sidecar({"activation text": text})["trigger_words"] == ("inkwash", "paper")


def test_without_tags_the_folders_name_the_trigger() -> None:
    said = from_training({"ss_tag_frequency": '{"10_ink wash": {}, "reg": {}}'})
    assert said["trigger_words"] == ("ink wash",)


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "3", '{"a": 1}', '{"a": {"b": "c"}}', "[" * 99_999]
)
def test_tags_that_cannot_be_read_are_none(text: str) -> None:
    assert from_training({"ss_tag_frequency": text})["trigger_words"] == ()


@pytest.mark.parametrize(
    "record",
    [
        {"trainedWords": "ink", "images": 3, "model": []},
        {"trainedWords": [1, None], "images": [None, {"meta": None}, {"meta": {"prompt": 5}}]},
        {"trainedWords": None, "baseModel": ["x"], "description": None},
    ],
)
def test_a_civitai_file_of_any_shape_says_what_it_can(record: dict[str, object]) -> None:
    said = from_civitai(record)
    assert not any(said.values())


def test_texts_are_bounded_and_can_be_typed() -> None:
    said = from_sidecar({"notes": "a\0b\x1b[31m" + "x" * 9999, "activation text": "w, " * 5000})
    assert said["notes"].startswith("a b [31m")
    assert len(said["notes"]) <= LONGEST
    many = from_sidecar({"activation text": ", ".join(f"w{n}" for n in range(50))})
    assert len(many["trigger_words"]) == MOST_WORDS
