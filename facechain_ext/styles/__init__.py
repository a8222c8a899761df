"""Styles: the words around a person."""

from facechain_ext.styles.catalog import Styles, find_style, load_styles, read_styles
from facechain_ext.styles.style import PERSON, Style, parse_style

__all__ = ["PERSON", "Style", "Styles", "find_style", "load_styles", "parse_style", "read_styles"]
