"""Programs killed at every write, and two at once, on one people library."""
