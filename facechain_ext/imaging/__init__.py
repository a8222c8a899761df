"""Pixels in, pixels out: geometry, masks, colour, files. No nets, no models, no hosts."""
