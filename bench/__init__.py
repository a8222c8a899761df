"""Measurements that take too long for tests; each writes its results beside it."""
