"""FaceChain for stable-diffusion-webui: face LoRA training and portraits on any diffusion host."""

__version__ = "0.1.0"
