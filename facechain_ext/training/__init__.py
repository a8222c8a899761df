"""A face LoRA from cached latents: objective, batches, optimisation step, loop, selection."""
