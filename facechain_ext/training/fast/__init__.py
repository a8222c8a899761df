"""Train a frozen denoiser's LoRA at the chip's speed: fused layers that stand in for its own."""
