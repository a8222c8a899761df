"""Face restoration: the chosen restorer's, or the picture as it is."""

from __future__ import annotations

from typing import Any

from modules import shared


def restore_faces(np_image: Any) -> Any:
    for restorer in shared.face_restorers:
        if restorer.name() == shared.opts.face_restoration_model:
            return restorer.restore(np_image)
    return np_image
