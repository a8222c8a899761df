"""Damage LoRAs, checkpoints and libraries in every way, and see that each ends in a sentence."""
