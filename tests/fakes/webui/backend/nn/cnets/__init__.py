"""Forge's ControlNets."""
