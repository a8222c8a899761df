"""Every kind of change that files hold, against formulas written out element by element."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from safetensors.torch import save_file
from torch import Tensor

from facechain_ext.base.errors import InvalidInput
from facechain_ext.diffusion.diffusers_model import DiffusersModel
from facechain_ext.lora.checkpoint import describe, read_lora
from facechain_ext.lora.family import family_of_lora
from facechain_ext.lora.merge import Strength, merged
from facechain_ext.lora.state import LoraState

pytestmark = pytest.mark.slow(7)

Array = NDArray[np.float64]
Parts = dict[str, Tensor]
LINEAR = "lora_unet_mid_block_attentions_0_transformer_blocks_0_attn1_to_q"
CONV = "lora_unet_down_blocks_0_resnets_0_conv1"
NORM = "lora_unet_mid_block_resnets_0_norm1"
GENERATOR = torch.Generator().manual_seed(5)


def draw(*shape: int) -> Tensor:
    return torch.randn(shape, generator=GENERATOR) * 0.1


def numbers(tensor: Tensor) -> Array:
    return tensor.detach().double().numpy()


def tucker(core: Array, a: Array, b: Array) -> Array:
    """a: (rank, out), b: (rank, in)."""
    made = np.zeros((a.shape[1], b.shape[1], *core.shape[2:]))
    for p in range(len(a)):
        for q in range(len(b)):
            made += np.multiply.outer(np.outer(a[p], b[q]), core[p, q])
    return made


def loha(p: dict[str, Array], w: Array) -> Array:
    return (p["hada_w1_a"] @ p["hada_w1_b"]) * (p["hada_w2_a"] @ p["hada_w2_b"])


def dora(p: dict[str, Array], w: Array, change: Array) -> Array:
    total = w + change
    per_input = p["dora_scale"].shape[0] == 1
    axes = tuple(axis for axis in range(w.ndim) if axis != (1 if per_input else 0))
    norms = np.sqrt((total**2).sum(axis=axes, keepdims=True))
    return total * p["dora_scale"] / norms - w


def lora(p: dict[str, Array], w: Array) -> Array:
    up, down = p["lora_up.weight"], p["lora_down.weight"]
    return np.tensordot(up.reshape(len(up), -1), down, axes=1).reshape(w.shape)


ONE = torch.tensor(1.0)
PAIR = {"lora_up.weight": draw(128, 2), "lora_down.weight": draw(2, 128)}
HADA = {f"hada_w{n}_{s}": draw(*shape) for n in "12" for s, shape in
        (("a", (128, 2)), ("b", (2, 128)))}  # fmt: skip
CASES: dict[str, tuple[str, Parts, Callable[[dict[str, Array], Array], Array]]] = {
    "lora": (LINEAR, {**PAIR, "alpha": ONE}, lambda p, w: 0.5 * lora(p, w)),
    "scale": (LINEAR, {**PAIR, "scale": ONE * 3, "alpha": ONE}, lambda p, w: 3 * lora(p, w)),
    "peft parts": (
        LINEAR,
        {"lora_B.weight": draw(128, 2), "lora_A.weight": draw(2, 128)},
        lambda p, w: p["lora_B.weight"] @ p["lora_A.weight"],
    ),
    "third factor": (
        CONV,
        {
            "lora_up.weight": draw(32, 2, 1, 1),
            "lora_mid.weight": draw(2, 3, 3, 3),
            "lora_down.weight": draw(3, 32, 1, 1),
            "alpha": ONE,
        },
        lambda p, w: tucker(
            p["lora_mid.weight"],
            p["lora_up.weight"].reshape(32, 2).T,
            p["lora_down.weight"].reshape(3, 32),
        ) / 3,
    ),
    "loha": (LINEAR, {**HADA, "alpha": ONE}, lambda p, w: 0.5 * loha(p, w)),
    "loha of a kernel": (
        CONV,
        {f"hada_w{n}_{s}": draw(2, 32) for n in "12" for s in "ab"}
        | {f"hada_t{n}": 10 * draw(2, 2, 3, 3) for n in "12"},
        lambda p, w: tucker(p["hada_t1"], p["hada_w1_a"], p["hada_w1_b"])
        * tucker(p["hada_t2"], p["hada_w2_a"], p["hada_w2_b"]),
    ),
    "lokr whole": (
        LINEAR,
        {"lokr_w1": draw(4, 8), "lokr_w2": draw(32, 16), "alpha": ONE * 7},
        lambda p, w: np.kron(p["lokr_w1"], p["lokr_w2"]),
    ),
    "lokr factors": (
        LINEAR,
        {"lokr_w1": draw(4, 8), "lokr_w2_a": draw(32, 2), "lokr_w2_b": draw(2, 16), "alpha": ONE},
        lambda p, w: 0.5 * np.kron(p["lokr_w1"], p["lokr_w2_a"] @ p["lokr_w2_b"]),
    ),
    "lokr of a kernel": (
        CONV,
        {"lokr_w1_a": draw(4, 2), "lokr_w1_b": draw(2, 4), "lokr_w2": draw(8, 8, 3, 3)},
        lambda p, w: np.stack(
            [np.kron(p["lokr_w1_a"] @ p["lokr_w1_b"], p["lokr_w2"][..., y, x])
             for y in range(3) for x in range(3)], -1,
        ).reshape(32, 32, 3, 3),
    ),
    "full": (CONV, {"diff": draw(32, 32, 3, 3)}, lambda p, w: p["diff"]),
    "norm": (NORM, {"w_norm": draw(128), "b_norm": draw(128)}, lambda p, w: p["w_norm"]),
    "glora as the webui reads it": (
        LINEAR,
        {
            "a1.weight": draw(2, 128), "a2.weight": draw(128, 2),
            "b1.weight": draw(2, 128), "b2.weight": draw(128, 2), "alpha": ONE,
        },
        lambda p, w: p["b2.weight"] @ p["b1.weight"] + w @ p["a2.weight"] @ p["a1.weight"],
    ),
    "glora of today": (
        LINEAR,
        {
            "a1.weight": draw(128, 2), "a2.weight": draw(2, 128),
            "b1.weight": draw(128, 2), "b2.weight": draw(2, 128), "alpha": ONE,
        },
        lambda p, w: (
            p["b1.weight"] @ p["b2.weight"] + w @ p["a1.weight"] @ p["a2.weight"]
        ) / 2,
    ),
    "ia3 of outputs": (
        LINEAR, {"weight": draw(128), "on_input": torch.tensor(0)},
        lambda p, w: w * p["weight"][:, None],
    ),
    "ia3 of inputs": (
        CONV, {"weight": draw(32), "on_input": torch.tensor(True)},
        lambda p, w: w * p["weight"][None, :, None, None],
    ),
    "dora of inputs": (
        LINEAR, {**PAIR, "dora_scale": 1 + draw(1, 128)},
        lambda p, w: dora(p, w, lora(p, w)),
    ),
    "dora of outputs": (
        LINEAR, {**HADA, "dora_scale": 1 + draw(128, 1)},
        lambda p, w: dora(p, w, loha(p, w)),
    ),
}  # fmt: skip


def write(folder: Path, tensors: Parts, metadata: dict[str, str] | None = None) -> Path:
    path = folder / "style.safetensors"
    save_file({key: tensor.contiguous() for key, tensor in tensors.items()}, path, metadata)
    return path


def of_layer(layer: str, parts: Parts) -> Parts:
    return {f"{layer}.{part}": tensor for part, tensor in parts.items()}


@pytest.mark.parametrize("kind", CASES)
def test_a_layer_is_changed_as_its_formula_says(
    tiny_model: DiffusersModel, tmp_path: Path, kind: str
) -> None:
    layer, parts, formula = CASES[kind]
    state, _ = read_lora(write(tmp_path, of_layer(layer, parts)))
    module = tiny_model.lora_layers()[layer]
    before = numbers(module.weight)
    wanted = formula({part: numbers(tensor) for part, tensor in parts.items()}, before)
    with merged(tiny_model, [(state, 0.7)]) as unmatched:
        change = numbers(module.weight) - before
    np.testing.assert_allclose(change, 0.7 * wanted, atol=2e-6)
    assert unmatched == 0
    assert np.abs(wanted).max() > 1e-3
    np.testing.assert_array_equal(numbers(module.weight), before)


@pytest.mark.parametrize(
    ("layer", "parts"),
    [
        (CONV, {"diff": draw(32, 32, 3, 3), "diff_b": draw(32)}),
        (CONV, {"lora_up.weight": draw(32, 2), "lora_down.weight": draw(2, 288),
                "diff_b": draw(32)}),
        (CONV, {"diff_b": draw(32)}),
        (NORM, {"w_norm": draw(128), "b_norm": draw(128)}),
        (LINEAR, {"diff": draw(128, 128), "diff_b": draw(128)}),
    ],
)  # fmt: skip
def test_a_bias_beside_it_is_added_and_taken_back(
    tiny_model: DiffusersModel, tmp_path: Path, layer: str, parts: Parts
) -> None:
    state, _ = read_lora(write(tmp_path, of_layer(layer, parts)))
    module = tiny_model.lora_layers()[layer]
    before = None if module.bias is None else module.bias.detach().clone()
    wanted = 0.5 * parts.get("diff_b", parts.get("b_norm"))  # type: ignore[operator]
    with merged(tiny_model, [(state, 0.5)]):
        start = torch.zeros_like(wanted) if before is None else before
        torch.testing.assert_close(module.bias.detach() - start, wanted)
    assert module.bias is None if before is None else torch.equal(module.bias, before)


def test_unet_and_text_encoder_have_strengths_of_their_own(
    tiny_model: DiffusersModel, tmp_path: Path
) -> None:
    text = "lora_te_text_model_encoder_layers_0_mlp_fc1"
    tensors = of_layer(LINEAR, {"diff": torch.ones(128, 128)})
    tensors |= of_layer(text, {"diff": torch.ones(64, 32)})
    state, _ = read_lora(write(tmp_path, tensors))
    layers = tiny_model.lora_layers()
    before = {name: layers[name].weight.detach().clone() for name in (LINEAR, text)}
    with merged(tiny_model, [(state, Strength(unet=0.25, text=2.0))]):
        changes = {name: layers[name].weight.detach() - before[name] for name in before}
    torch.testing.assert_close(changes[LINEAR], torch.full((128, 128), 0.25))
    torch.testing.assert_close(changes[text], torch.full((64, 32), 2.0))


Q = "mid_block.attentions.0.transformer_blocks.0.attn1"
TEXT = "text_encoder.text_model.encoder.layers.0.self_attn"
TEXT_Q = "lora_te_text_model_encoder_layers_0_self_attn_q_proj"
TEXT_OUT = "lora_te_text_model_encoder_layers_0_self_attn_out_proj"
OUT = "lora_unet_mid_block_attentions_0_transformer_blocks_0_attn1_to_out_0"


@pytest.mark.parametrize(
    ("stem", "down", "up", "layer", "side"),
    [
        (f"unet.{Q}.to_q", "lora_A.weight", "lora_B.weight", LINEAR, 128),
        (f"unet.{Q}.to_q", "lora_A.default.weight", "lora_B.default.weight", LINEAR, 128),
        (f"unet.{Q}.to_q", "lora.down.weight", "lora.up.weight", LINEAR, 128),
        (f"unet.{Q}.to_out.0", "lora_A.weight", "lora_B.weight", OUT, 128),
        (f"unet.{Q}.processor.to_q_lora", "down.weight", "up.weight", LINEAR, 128),
        (f"{Q}.processor.to_out_lora", "down.weight", "up.weight", OUT, 128),
        (f"{TEXT}.q_proj", "lora_A.weight", "lora_B.weight", TEXT_Q, 32),
        (f"{TEXT}.q_proj", "lora_linear_layer.down.weight", "lora_linear_layer.up.weight",
         TEXT_Q, 32),
        (f"{TEXT}.to_q_lora", "down.weight", "up.weight", TEXT_Q, 32),
        (f"{TEXT}.to_out_lora", "down.weight", "up.weight", TEXT_OUT, 32),
        (f"{TEXT.replace('.text_model', '')}.q_proj", "lora_A.weight", "lora_B.weight",
         TEXT_Q, 32),
        (TEXT_Q.replace("te_", "te1_"), "lora_down.weight", "lora_up.weight", TEXT_Q, 32),
        ("lora_unet_middle_block_1_transformer_blocks_0_attn1_to_q", "lora_down.weight",
         "lora_up.weight", LINEAR, 128),
    ],
)  # fmt: skip
def test_other_programs_names_reach_their_layer(
    tiny_model: DiffusersModel, tmp_path: Path, stem: str, down: str, up: str, layer: str, side: int
) -> None:
    tensors = {f"{stem}.{down}": torch.ones(2, side), f"{stem}.{up}": torch.ones(side, 2)}
    metadata = {"ss_base_model_version": "sd_v1"}
    state, _ = read_lora(write(tmp_path, tensors, metadata))
    weight = tiny_model.lora_layers()[layer].weight
    before = weight.detach().clone()
    with merged(tiny_model, [(state, 1.0)]) as unmatched:
        torch.testing.assert_close(weight.detach() - before, torch.full_like(before, 2.0))
    assert unmatched == 0


@pytest.mark.parametrize(
    ("settings", "strength"),
    [
        ({"unet.r": 4, "unet.lora_alpha": 8}, 2.0),
        ({"unet.lora_alpha": 8, "unet.use_rslora": True}, 4.0),
        ({"unet.lora_alpha": 8, "unet.alpha_pattern": {"attn1.to_q": 1}}, 0.25),
        ({"text_encoder.lora_alpha": 8}, 1.0),
    ],
)
def test_diffusers_tells_alpha_in_the_metadata(
    tmp_path: Path, settings: dict[str, object], strength: float
) -> None:
    tensors = {
        f"unet.{Q}.to_q.lora_A.weight": torch.ones(4, 128),
        f"unet.{Q}.to_q.lora_B.weight": torch.ones(128, 4),
    }
    path = write(tmp_path, tensors, {"lora_adapter_metadata": json.dumps(settings)})
    state, _ = read_lora(path)
    assert float(state.get(f"{LINEAR}.alpha", torch.tensor(4.0))) == 4 * strength


@pytest.mark.parametrize(
    ("tensors", "reason"),
    [
        ({"oft_blocks": draw(4, 8, 8)}, r"an OFT"),
        ({**PAIR, "oft_diag": draw(4, 8)}, r"beside a LoRA: \S+\.oft_diag \(an OFT\)"),
        ({**PAIR, "diff": draw(128, 128)}, r"beside a LoRA: \S+\.diff"),
        ({**PAIR, "mystery": draw(2)}, r"beside a LoRA: \S+\.mystery"),
        ({**PAIR, "dora_scale": draw(7, 1)}, None),
        ({"dora_scale": draw(1, 128)}, "a DoRA without factors"),
        ({k: v for k, v in HADA.items() if k != "hada_w2_b"}, "a LoHa without hada_w2_b"),
        ({"lokr_w1": draw(4, 8)}, "a LoKr without lokr_w2 or lokr_w2_a and lokr_w2_b"),
        ({**PAIR, "alpha": torch.ones(2)}, "alpha holds 2 numbers"),
        ({**PAIR, "alpha": torch.tensor(1e6)}, "strength"),
        ({**PAIR, "alpha": torch.tensor(float("inf"))}, "no numbers"),
        ({**PAIR, "lora_up.weight": torch.full((128, 2), float("nan"))}, r"no numbers \(NaN\)"),
        ({**PAIR, "lora_up.weight": torch.tensor(1.0)}, r"shape \(\)"),
        ({**PAIR, "lora_up.weight": draw(128)}, "not a matrix"),
        ({"lora_up.weight": torch.ones(128, 0), "lora_down.weight": torch.ones(0, 128)}, "shape"),
        ({**PAIR, "lora_up.weight": torch.ones(128, 2, dtype=torch.int8)}, "int8 numbers"),
    ],
)
def test_what_cannot_be_applied_whole_is_refused_by_name(
    tiny_model: DiffusersModel, tmp_path: Path, tensors: Parts, reason: str | None
) -> None:
    path = write(tmp_path, of_layer(LINEAR, tensors))
    with pytest.raises(InvalidInput, match=rf"^style\.safetensors .*{reason or 'another size'}"):  # noqa: SIM117
        with merged(tiny_model, [(read_lora(path)[0], 1.0)]):
            pass


def test_a_bundled_embedding_is_refused_by_name(tmp_path: Path) -> None:
    more = {"bundle_emb.mood.string_to_param.*": draw(2, 32)}
    path = write(tmp_path, {**of_layer(LINEAR, PAIR), **more})
    with pytest.raises(InvalidInput, match=r"an embedding of its own \(bundle_emb\.mood"):
        read_lora(path)


@pytest.mark.parametrize(
    ("key", "family"),
    [
        ("lora_unet_double_blocks_0_img_attn_qkv.lora_down.weight", "Flux"),
        ("lora_unet_joint_blocks_0_x_block_attn_qkv.lora_down.weight", "Stable Diffusion 3"),
        ("transformer.blocks.0.attn.to_q.lora_A.weight", "a model that is no UNet"),
    ],
)
def test_a_lora_for_another_world_is_named(tmp_path: Path, key: str, family: str) -> None:
    with pytest.raises(InvalidInput, match=f"is a LoRA for {family}"):
        read_lora(write(tmp_path, {key: draw(2, 4)}))


TE1 = "lora_te1_text_model_encoder_layers_0_mlp_fc1"
CROSS = "lora_unet_{}_transformer_blocks_0_attn2_to_k"


@pytest.mark.parametrize(
    ("layer", "width", "told", "family"),
    [
        (TE1, 768, None, None),
        (TE1, 768, "sd1", "sd1"),
        (TE1, 768, "sdxl", "sdxl"),
        (CROSS.format("input_blocks_1_1"), 768, None, "sd1"),
        (CROSS.format("input_blocks_4_1"), 1024, "sdxl", "sd2"),
        (CROSS.format("input_blocks_4_1"), 2048, "sd1", "sdxl"),
        (CROSS.format("input_blocks_1_1"), 32, None, None),
        (CROSS.format("input_blocks_4_1"), 32, None, "sdxl"),
        ("lora_te2_text_model_encoder_layers_0_mlp_fc1", 1280, "sd1", "sdxl"),
    ],
)
def test_the_family_is_told_by_widths_then_names_then_metadata(
    layer: str, width: int, told: str | None, family: str | None
) -> None:
    tensors = of_layer(layer, {"lora_down.weight": draw(2, width), "lora_up.weight": draw(8, 2)})
    state = LoraState(tensors, name="x", told=told)  # type: ignore[arg-type]
    assert family_of_lora(state) == family


@pytest.mark.parametrize("text", ["strong", "nan", ""])
def test_a_weight_that_is_no_number_is_refused(tmp_path: Path, text: str) -> None:
    path = write(tmp_path, of_layer(LINEAR, PAIR), {"facechain.weight": text})
    with pytest.raises(InvalidInput, match=r"style\.safetensors is damaged: it gives"):
        describe(path)
