"""Long work, one piece at a time."""
