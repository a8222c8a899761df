"""The extension sd-webui-controlnet: names and wiring, no net."""
