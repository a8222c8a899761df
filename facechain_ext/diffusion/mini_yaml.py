"""Write the .yaml that the webui wants beside the mini checkpoint.

LDM configs name the text encoder's folder by an absolute path, which only the installed extension
knows: the repository holds a template, resolved at first use.
"""

from pathlib import Path

TEMPLATE = "facechain-mini.yaml.in"
PLACEHOLDER = "@CLIP_FOLDER@"
CLIP_FOLDER = "tokenizer"
"""Holds the tokenizer's files and the text encoder's config.json: one folder serves both."""


def materialise_yaml(folder: Path) -> Path:
    """Write facechain-mini.yaml in the mini's `folder`, with the paths of this installation.

    Nothing is written where the file already says the same. Forward slashes are used on every
    system. Raises OSError where the folder cannot be written.
    """
    clip = (folder / CLIP_FOLDER).resolve().as_posix()
    text = (folder / TEMPLATE).read_text(encoding="utf-8").replace(PLACEHOLDER, clip)
    target = folder / TEMPLATE.removesuffix(".in")
    if not target.is_file() or target.read_text(encoding="utf-8") != text:
        target.write_text(text, encoding="utf-8")
    return target
