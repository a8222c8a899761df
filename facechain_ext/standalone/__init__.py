"""The product without a webui: diffusers draws and trains, folders hold the results."""
