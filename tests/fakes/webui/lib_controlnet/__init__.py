"""Forge's built-in ControlNet: names and wiring, no net."""
