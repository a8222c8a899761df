"""Pictures that people are painted into: those that ship, and the user's own."""
