"""Styles trained on pictures of a look."""
