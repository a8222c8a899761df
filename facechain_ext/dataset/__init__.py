"""Photos of a person to verdicts, training pictures and cached latents."""
