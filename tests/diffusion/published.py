"""The published layouts of full-size single files, written out key by key.

Shapes as in sd_xl_base_1.0.safetensors: sgm's openaimodel.py and model.py with the values of
sd_xl_base.yaml, Hugging Face's CLIP-L and OpenCLIP's ViT-bigG-14; and as in v2-1_768-ema-pruned:
v2-inference-v.yaml and OpenCLIP's ViT-H-14.
"""

from __future__ import annotations

from collections.abc import Iterator

Shapes = dict[str, tuple[int, ...]]

UNET = "model.diffusion_model."


def sdxl_unet() -> Shapes:
    """List the 1680 tensors of SDXL's UNet."""
    labels = {**_linear("label_emb.0.0", 2816, 1280), **_linear("label_emb.0.2", 1280, 1280)}
    blocks = _blocks((320, 640, 1280), depths=(0, 2, 10), middle=10, context=2048)
    return {UNET + name: shape for name, shape in (labels | blocks).items()}


def sd2_unet() -> Shapes:
    """List the 686 tensors of Stable Diffusion 2.x's UNet."""
    blocks = _blocks((320, 640, 1280, 1280), depths=(1, 1, 1, 0), middle=1, context=1024)
    return {UNET + name: shape for name, shape in blocks.items()}


def _blocks(
    widths: tuple[int, ...], *, depths: tuple[int, ...], middle: int, context: int
) -> Shapes:
    """List openaimodel.py's blocks; depths: transformer blocks at each resolution."""
    last = len(widths) - 1
    shapes = {**_linear("time_embed.0", 320, 1280), **_linear("time_embed.2", 1280, 1280)}
    shapes |= _conv("input_blocks.0.0", 4, 320, 3)
    skips, width, at = [320], 320, 0
    for level, out in enumerate(widths):
        for _ in range(2):
            at += 1
            shapes |= _residual(f"input_blocks.{at}.0", width, out)
            shapes |= _transformer(f"input_blocks.{at}.1", out, depths[level], context)
            width = out
            skips.append(width)
        if level < last:
            at += 1
            shapes |= _conv(f"input_blocks.{at}.0.op", width, width, 3)
            skips.append(width)
    shapes |= _residual("middle_block.0", width, width)
    shapes |= _transformer("middle_block.1", width, middle, context)
    shapes |= _residual("middle_block.2", width, width)
    at = 0
    for level, out in reversed([*enumerate(widths)]):
        for layer in range(3):
            shapes |= _residual(f"output_blocks.{at}.0", width + skips.pop(), out)
            shapes |= _transformer(f"output_blocks.{at}.1", out, depths[level], context)
            width = out
            if level > 0 and layer == 2:
                slot = 2 if depths[level] else 1
                shapes |= _conv(f"output_blocks.{at}.{slot}.conv", width, width, 3)
            at += 1
    return {**shapes, **_norm("out.0", 320), **_conv("out.2", 320, 4, 3)}


def vae() -> Shapes:
    """List the 248 tensors of the autoencoder that all families share."""
    shapes = {**_conv("quant_conv", 8, 8, 1), **_conv("post_quant_conv", 4, 4, 1)}
    shapes |= {**_conv("encoder.conv_in", 3, 128, 3), **_conv("encoder.conv_out", 512, 8, 3)}
    shapes |= {**_conv("decoder.conv_in", 4, 512, 3), **_conv("decoder.conv_out", 128, 3, 3)}
    shapes |= {**_norm("encoder.norm_out", 512), **_norm("decoder.norm_out", 128)}
    for coder in ("encoder", "decoder"):
        shapes |= _residual_vae(f"{coder}.mid.block_1", 512, 512)
        shapes |= _residual_vae(f"{coder}.mid.block_2", 512, 512)
        shapes |= _norm(f"{coder}.mid.attn_1.norm", 512)
        for part in ("q", "k", "v", "proj_out"):
            shapes |= _conv(f"{coder}.mid.attn_1.{part}", 512, 512, 1)
    widths, width = (128, 256, 512, 512), 128
    for level, out in enumerate(widths):
        for block in range(2):
            shapes |= _residual_vae(f"encoder.down.{level}.block.{block}", width, out)
            width = out
        if level < 3:
            shapes |= _conv(f"encoder.down.{level}.downsample.conv", width, width, 3)
    for level, out in reversed([*enumerate(widths)]):
        for block in range(3):
            shapes |= _residual_vae(f"decoder.up.{level}.block.{block}", width, out)
            width = out
        if level > 0:
            shapes |= _conv(f"decoder.up.{level}.upsample.conv", width, width, 3)
    return {"first_stage_model." + name: shape for name, shape in shapes.items()}


def sdxl_text() -> Shapes:
    """List the tensors of SDXL's two text encoders."""
    first = "conditioner.embedders.0.transformer.text_model."
    second = "conditioner.embedders.1.model."
    shapes: Shapes = {
        first + "embeddings.position_ids": (1, 77),
        first + "embeddings.token_embedding.weight": (49408, 768),
        first + "embeddings.position_embedding.weight": (77, 768),
        **_norm(first + "final_layer_norm", 768),
        second + "token_embedding.weight": (49408, 1280),
        second + "positional_embedding": (77, 1280),
        second + "text_projection": (1280, 1280),
        second + "logit_scale": (),
        **_norm(second + "ln_final", 1280),
    }
    for layer in range(12):
        at = f"{first}encoder.layers.{layer}."
        shapes |= {**_norm(at + "layer_norm1", 768), **_norm(at + "layer_norm2", 768)}
        for part in ("q_proj", "k_proj", "v_proj", "out_proj"):
            shapes |= _linear(f"{at}self_attn.{part}", 768, 768)
        shapes |= {**_linear(at + "mlp.fc1", 768, 3072), **_linear(at + "mlp.fc2", 3072, 768)}
    for layer in range(32):
        shapes |= dict(_resblock(f"{second}transformer.resblocks.{layer}.", 1280))
    return shapes


def sd2_text() -> Shapes:
    """List the tensors of Stable Diffusion 2.x's text encoder, whose last layer is not used."""
    start = "cond_stage_model.model."
    shapes: Shapes = {
        start + "token_embedding.weight": (49408, 1024),
        start + "positional_embedding": (77, 1024),
        start + "text_projection": (1024, 1024),
        start + "logit_scale": (),
        **_norm(start + "ln_final", 1024),
    }
    for layer in range(24):
        shapes |= dict(_resblock(f"{start}transformer.resblocks.{layer}.", 1024))
    return shapes


def _resblock(at: str, width: int) -> Iterator[tuple[str, tuple[int, ...]]]:
    yield at + "attn.in_proj_weight", (3 * width, width)
    yield at + "attn.in_proj_bias", (3 * width,)
    for name, size_in, size_out in (
        ("attn.out_proj", width, width),
        ("mlp.c_fc", width, 4 * width),
        ("mlp.c_proj", 4 * width, width),
    ):
        yield from _linear(at + name, size_in, size_out).items()
    for name in ("ln_1", "ln_2"):
        yield from _norm(at + name, width).items()


def _transformer(at: str, width: int, depth: int, cross: int) -> Shapes:
    if not depth:
        return {}
    shapes = {**_norm(f"{at}.norm", width), **_linear(f"{at}.proj_in", width, width)}
    shapes |= _linear(f"{at}.proj_out", width, width)
    for block in range(depth):
        inner = f"{at}.transformer_blocks.{block}."
        for attention, context in (("attn1", width), ("attn2", cross)):
            shapes[f"{inner}{attention}.to_q.weight"] = (width, width)
            shapes[f"{inner}{attention}.to_k.weight"] = (width, context)
            shapes[f"{inner}{attention}.to_v.weight"] = (width, context)
            shapes |= _linear(f"{inner}{attention}.to_out.0", width, width)
        shapes |= _linear(f"{inner}ff.net.0.proj", width, 8 * width)
        shapes |= _linear(f"{inner}ff.net.2", 4 * width, width)
        for norm in ("norm1", "norm2", "norm3"):
            shapes |= _norm(inner + norm, width)
    return shapes


def _residual(at: str, width: int, out: int) -> Shapes:
    return {
        **_norm(f"{at}.in_layers.0", width),
        **_conv(f"{at}.in_layers.2", width, out, 3),
        **_linear(f"{at}.emb_layers.1", 1280, out),
        **_norm(f"{at}.out_layers.0", out),
        **_conv(f"{at}.out_layers.3", out, out, 3),
        **({} if width == out else _conv(f"{at}.skip_connection", width, out, 1)),
    }


def _residual_vae(at: str, width: int, out: int) -> Shapes:
    return {
        **_norm(f"{at}.norm1", width),
        **_conv(f"{at}.conv1", width, out, 3),
        **_norm(f"{at}.norm2", out),
        **_conv(f"{at}.conv2", out, out, 3),
        **({} if width == out else _conv(f"{at}.nin_shortcut", width, out, 1)),
    }


def _linear(at: str, size_in: int, size_out: int) -> Shapes:
    return {f"{at}.weight": (size_out, size_in), f"{at}.bias": (size_out,)}


def _conv(at: str, size_in: int, size_out: int, kernel: int) -> Shapes:
    return {f"{at}.weight": (size_out, size_in, kernel, kernel), f"{at}.bias": (size_out,)}


def _norm(at: str, width: int) -> Shapes:
    return {f"{at}.weight": (width,), f"{at}.bias": (width,)}
