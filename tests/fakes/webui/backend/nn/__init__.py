"""Forge's nets."""
