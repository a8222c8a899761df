"""The host inside AUTOMATIC1111."""
