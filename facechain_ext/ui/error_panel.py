"""What the tab shows when it cannot be built: which part is missing and how to get it."""

from __future__ import annotations

from html import escape

import gradio as gr

INSTALL_NAMES = {"cv2": "opencv-python", "PIL": "Pillow", "yaml": "PyYAML"}


def build_error_panel(error: BaseException) -> gr.Blocks:
    """Build a page that explains an error; needs gradio alone."""
    panel = gr.Blocks(analytics_enabled=False)
    with panel:
        gr.HTML(explain(error), elem_id="facechain_error")
    return panel


def explain(error: BaseException) -> str:
    """Return the explanation as HTML."""
    missing = error.name if isinstance(error, ImportError) else None
    what = (
        f"The Python package <code>{escape(_package(missing))}</code> is missing or broken."
        if (missing and not missing.startswith("facechain_ext"))
        else "FaceChain could not start."
    )
    steps = _steps(missing)
    return (
        '<div class="facechain"><div class="fc-section fc-error-panel" role="alert">'
        f"<h3>FaceChain is not ready</h3><p>{what}</p>{steps}"
        f"<details><summary>Details</summary><pre>{escape(_details(error))}</pre></details>"
        "<p>Everything else in the webui works as before.</p></div></div>"
    )


def _package(module: str) -> str:
    top = module.split(".")[0]
    return INSTALL_NAMES.get(top, top)


def _steps(missing: str | None) -> str:
    if not missing or missing.startswith("facechain_ext"):
        return (
            "<p>Update the extension and restart the webui; the details below help in a report.</p>"
        )
    package = escape(_package(missing))
    return (
        "<ol><li>Restart the webui without <code>--skip-install</code>: FaceChain then installs "
        "what is missing and changes nothing that the webui has pinned.</li>"
        f"<li>If that does not help, look for lines with <code>{package}</code> in the console: "
        "they say why it could not be installed.</li></ol>"
    )


def _details(error: BaseException) -> str:
    causes: list[str] = []
    current: BaseException | None = error
    while current is not None and len(causes) < 5:
        causes.append(f"{type(current).__name__}: {current}")
        current = current.__cause__ or current.__context__
    return "\ncaused by ".join(causes)
