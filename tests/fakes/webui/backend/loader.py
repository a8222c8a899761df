"""Where Forge's own configs of components would lie beside this file: in huggingface/."""
