from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from facechain_ext.base.infotext import add_fields, format_infotext
from facechain_ext.config import PortraitConfig
from facechain_ext.portrait.infotext import NOT_FUSED, portrait_fields, read_portrait, source_of

TYPED = st.characters(codec="utf-8", exclude_categories=("Cc", "Cs"), include_characters="\n\r\t")
TEXTS = st.text(TYPED)
NUMBERS = {"lora_weight": 2, "style_lora_weight": 2, "fusion_strength": 1}


@given(
    person=TEXTS.filter(bool),
    prompt=TEXTS,
    negative=TEXTS,
    style=TEXTS.filter(bool),
    numbers=st.fixed_dictionaries(
        {name: st.integers(0, 20 * high).map(lambda n: n / 20) for name, high in NUMBERS.items()}
    ),
    size=st.sampled_from((None, 512, 768, 1024, 2048)),
)
@example(
    person='O\'Neil, "Ana": <lora:x:1>\n2',
    prompt="a (red:1.2) hat,\nNegative prompt: none, Steps: 3",
    negative="512x512",
    style="portrait",
    numbers=dict.fromkeys(NUMBERS, 0.5),
    size=768,
)
def test_a_portrait_is_read_back_as_it_was_set(
    person: str, prompt: str, negative: str, style: str, numbers: dict[str, float], size: int | None
) -> None:
    texts = {"prompt": prompt, "negative_prompt": negative, "style": style}
    config = PortraitConfig(**texts, **numbers, output_size=size)
    drawn = format_infotext("fcsks, a man", "blurry", {"Steps": 9, "CFG scale": 3, "Seed": 5})
    told = read_portrait(add_fields(drawn, portrait_fields(person, config)))
    assert told.pop("person") == person
    assert PortraitConfig(**told) == replace(config, steps=9, guidance_scale=3.0, seed=5)


def test_settings_of_the_host_come_back_too() -> None:
    text = (
        "a man\nNegative prompt: blurry\nSteps: 30, Sampler: DPM++ 2M, Schedule type: Karras, "
        "CFG scale: 7.5, Seed: 12, Face restoration: CodeFormer, Size: 512x768, "
        "Hires upscale: 1.5, FaceChain person: Ana, FaceChain style: business"
    )
    assert PortraitConfig(**{k: v for k, v in read_portrait(text).items() if k != "person"}) == (
        PortraitConfig(
            style="business",
            steps=30,
            sampler_name="DPM++ 2M",
            guidance_scale=7.5,
            seed=12,
            restore_faces=True,
            width=512,
            height=768,
            hires_scale=1.5,
        )
    )


def test_what_cannot_be_is_left_out() -> None:
    told = read_portrait("x\nSteps: 9999, Seed: x, FaceChain output size: 7, FaceChain person: A")
    assert told["output_size"] is None
    assert told.keys().isdisjoint({"steps", "seed"})


def test_what_was_left_automatic_is_so_again() -> None:
    told = read_portrait(f"x\nSteps: 9, {fields_of(PortraitConfig())}")
    assert PortraitConfig(**{k: v for k, v in told.items() if k != "person"}) == (
        PortraitConfig(steps=9)
    )


def test_0_is_read_as_automatic_in_infotexts_from_when_it_stood_for_that() -> None:
    said = "FaceChain style weight: 0, FaceChain output size: 0, FaceChain weight: 0"
    old = read_portrait(f"x\nSteps: 9, FaceChain person: Ana, {said}")
    assert (old["style_lora_weight"], old["output_size"], old["lora_weight"]) == (None, None, None)
    new = read_portrait(f"x\nSteps: 9, {fields_of(PortraitConfig(style_lora_weight=0.0))}")
    assert new["style_lora_weight"] == 0


def fields_of(config: PortraitConfig) -> str:
    return ", ".join(f"{key}: {value}" for key, value in portrait_fields("Ana", config).items())


def test_a_picture_of_another_program_says_nothing() -> None:
    assert read_portrait("a cat\nSteps: 20, Sampler: Euler a, Seed: 1") == {}


@given(st.text())
def test_any_text_is_read_without_an_error(text: str) -> None:
    assert isinstance(read_portrait(text), dict)


@pytest.mark.parametrize(
    ("fields", "source"),
    [
        ({"FaceChain fusion": "0"}, "trainedAlgorithmicMedia"),
        ({"FaceChain fusion": "0.6"}, "compositeWithTrainedAlgorithmicMedia"),
        ({"FaceChain fusion": "0.6", **NOT_FUSED}, "trainedAlgorithmicMedia"),
        ({}, "compositeWithTrainedAlgorithmicMedia"),
    ],
)
def test_the_source_is_told_by_what_was_done(fields: dict[str, str], source: str) -> None:
    drawn = format_infotext("a man", "", {"Steps": 9})
    assert source_of(add_fields(drawn, fields)) == source


def test_what_is_seldom_set_is_told_only_then() -> None:
    assert not {"FaceChain fast", "FaceChain pose", "FaceChain led from"} & {
        *portrait_fields("Ana", PortraitConfig())
    }
    config = PortraitConfig(
        fast=True, pose="[[0.5,0.25],null]", pose_strength=0.8, control_end=0.6, fusion_strength=0.0
    )
    text = add_fields(format_infotext("a", "", {"Steps": 20}), portrait_fields("Ana", config))
    told = read_portrait(text)
    del told["person"]
    assert PortraitConfig(**told) == config
