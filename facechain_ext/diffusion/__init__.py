"""Latent diffusion models: what a checkpoint is, how it is loaded, prompted and sampled."""
