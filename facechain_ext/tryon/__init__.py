"""Clothes of one picture on the person of another: cut out, fitted, laid under chin and hair."""
