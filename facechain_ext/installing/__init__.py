"""Packages added to a webui's environment: nothing of what is there is changed or broken."""
