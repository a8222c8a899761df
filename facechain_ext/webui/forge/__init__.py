"""The host inside Forge."""
