"""Inside a stable-diffusion-webui: the only package that imports the webui's own modules."""
