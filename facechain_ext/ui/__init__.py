"""The tab, and the same page without a webui; the only importer of gradio."""
