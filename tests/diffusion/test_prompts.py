from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from facechain_ext.base.errors import InvalidInput
from facechain_ext.diffusion.diffusers_model import DiffusersModel
from facechain_ext.diffusion.prompts import (
    CHUNK,
    STRONGEST,
    emphasise,
    encode_text,
    parse_emphasis,
    split_chunks,
)


@pytest.mark.parametrize(
    ("prompt", "expected"),
    [
        ("plain text", [("plain text", 1.0)]),
        ("an (important) word", [("an ", 1.0), ("important", 1.1), (" word", 1.0)]),
        ("(open", [("open", 1.1)]),
        ("closed)", [("closed)", 1.0)]),
        ("[less]", [("less", 1 / 1.1)]),
        ("(red hair:1.3)", [("red hair", 1.3)]),
        ("(a: .5 )", [("a", 0.5)]),
        ("(a:b)", [("a:b", 1.1)]),
        ("(ratio 1:2) x", [("ratio 1", 2.0), (" x", 1.0)]),
        (r"\(as written\] \\", [("(as written] \\", 1.0)]),
        ("(one)(two)", [("onetwo", 1.1)]),
        ("12:30", [("12:30", 1.0)]),
        ("", []),
        (
            "a (((house:1.3)) [on] a (hill:0.5), sun, (((sky))).",
            [
                ("a ", 1.0),
                ("house", 1.573),
                (" ", 1.1),
                ("on", 1.0),
                (" a ", 1.1),
                ("hill", 0.55),
                (", sun, ", 1.1),
                ("sky", 1.4641),
                (".", 1.1),
            ],
        ),
    ],
)
def test_emphasis(prompt: str, expected: list[tuple[str, float]]) -> None:
    fragments = parse_emphasis(prompt)
    assert [fragment.text for fragment in fragments] == [text for text, _ in expected]
    weights = [weight for _, weight in expected]
    assert [fragment.weight for fragment in fragments] == pytest.approx(weights)


@given(st.text(alphabet="ab ()[]:.1\\", max_size=40))
def test_any_text_is_read(prompt: str) -> None:
    assert "".join(f.text for f in parse_emphasis(prompt)).count("a") == prompt.count("a")


@given(st.text(max_size=40).filter(lambda text: not set(text) & set("()[]:\\")))
def test_text_without_brackets_is_kept(prompt: str) -> None:
    assert parse_emphasis(prompt) == ([(prompt, 1.0)] if prompt else [])


@pytest.mark.parametrize(
    "prompt", [f"(a:{'9' * 400})", "(" * 9000 + "a", "((a:999999):999999)", f"[(a:{'9' * 60})]"]
)
def test_weights_that_leave_the_numbers_are_bounded(
    tiny_model: DiffusersModel, prompt: str
) -> None:
    assert all(0 < abs(fragment.weight) <= STRONGEST for fragment in parse_emphasis(prompt))
    embeds = encode_text([prompt], tiny_model.tokenizer, tiny_model.text_encoder)
    assert embeds.isfinite().all()


def lengths(prompt: str, model: DiffusersModel) -> list[int]:
    return [len(chunk) for chunk in split_chunks(prompt, model.tokenizer)]


@pytest.mark.parametrize(
    ("prompt", "expected"),
    [
        ("", [0]),
        ("a " * 75, [75]),
        ("a " * 76, [75, 1]),
        ("a " * 160, [75, 75, 10]),
        ("a BREAK b b", [1, 2]),
        ("a BREAK", [1]),
        ("BREAK a", [0, 1]),
        ("a BREAK BREAK b", [1, 0, 1]),
        ("a, BREAK, b, BREAK, c", [2, 3, 2]),
        ("a " * 60 + "," + " a" * 30, [61, 30]),
        ("a " * 50 + "," + " a" * 30, [75, 6]),
        ("a " * 75 + ", a", [75, 2]),
    ],
)
def test_chunks(tiny_model: DiffusersModel, prompt: str, expected: list[int]) -> None:
    assert lengths(prompt, tiny_model) == expected


def test_weights_follow_their_tokens(tiny_model: DiffusersModel) -> None:
    (chunk,) = split_chunks("a (b:1.5) [c]", tiny_model.tokenizer)
    assert [token.weight for token in chunk] == pytest.approx([1.0, 1.5, 1 / 1.1])


def test_prompts_are_padded_to_the_longest(tiny_model: DiffusersModel) -> None:
    texts = ["a photo of fcsks", "a " * (CHUNK + 1)]
    both = encode_text(texts, tiny_model.tokenizer, tiny_model.text_encoder)
    short = encode_text(texts[:1], tiny_model.tokenizer, tiny_model.text_encoder)
    assert both.shape == (2, 154, 32)
    assert short.shape == (1, 77, 32)
    torch.testing.assert_close(both[:1, :77], short)


def test_a_plain_prompt_is_what_the_text_model_says(tiny_model: DiffusersModel) -> None:
    tokenizer = tiny_model.tokenizer
    ids = tokenizer("a photo, 25", padding="max_length", max_length=77, return_tensors="pt")
    expected = tiny_model.text_encoder(ids.input_ids).last_hidden_state
    found = encode_text(["a photo, 25"], tokenizer, tiny_model.text_encoder)
    assert torch.equal(found, expected)


def test_clip_skip_takes_an_earlier_layer_and_norms_it(tiny_model: DiffusersModel) -> None:
    tokenizer, encoder = tiny_model.tokenizer, tiny_model.text_encoder
    ids = torch.tensor([[tokenizer.bos_token_id, *[tokenizer.eos_token_id] * 76]])
    states = encoder(ids, output_hidden_states=True).hidden_states
    norm = getattr(encoder, "text_model", encoder).final_layer_norm
    found = encode_text([""], tokenizer, encoder, skip=2)
    assert torch.equal(found, norm(states[-2]))
    assert not torch.equal(found, encode_text([""], tokenizer, encoder))
    assert torch.equal(replace(tiny_model, clip_skip=2).encode_prompts([""]).prompt_embeds, found)


def test_a_clip_skip_that_leaves_nothing_is_a_sentence(tiny_model: DiffusersModel) -> None:
    with pytest.raises(InvalidInput, match="Clip skip is 12 "):
        encode_text([""], tiny_model.tokenizer, tiny_model.text_encoder, skip=12)


def test_emphasis_scales_the_word_and_keeps_the_mean() -> None:
    hidden = torch.rand(2, 5, 3) + 0.5
    weights = torch.ones(2, 5)
    weights[0, 2] = 1.5
    result = emphasise(hidden, weights)
    ratio = result / hidden
    torch.testing.assert_close(result.mean(dim=(1, 2)), hidden.mean(dim=(1, 2)))
    torch.testing.assert_close(ratio[0, 2] / ratio[0, 1], torch.full((3,), 1.5))
    torch.testing.assert_close(result[1], hidden[1])


def test_emphasis_of_states_without_a_mean_stays_in_bounds() -> None:
    hidden = torch.tensor([[[1.0, -1.0], [2.0, -2.0], [3.0, -3.0 + 1e-6]]])
    for weights in ([[1.0, 1.3, 1.0]], [[1.0, 0.8, 1.0]], [[1.0, 0.0, 1.0]]):
        result = emphasise(hidden, torch.tensor(weights))
        assert result.isfinite().all()
        assert result.abs().max() <= hidden.abs().max() * 1.3


def test_emphasis_changes_the_embedding(tiny_model: DiffusersModel) -> None:
    plain, loud = tiny_model.encode_prompts(["a photo b", "a (photo:1.4) b"]).prompt_embeds
    assert (plain - loud).abs().max() > 0.1
