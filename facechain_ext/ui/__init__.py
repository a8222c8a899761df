"""The Gradio pages, in the webui and on their own: the only package that imports gradio."""
