"""The Portraits page."""
