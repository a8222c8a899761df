"""The Settings and Models page."""
