"""Grey pictures of more than 8 bits: scans, medical and scientific TIFFs, 16-bit PNGs."""

from __future__ import annotations

import numpy as np
from PIL import Image

from facechain_ext.base.records import Pixels

# Tags of TIFF 6.0 that say how grey values are meant.
_BITS_PER_SAMPLE, _PHOTOMETRIC, _SAMPLE_FORMAT = 258, 262, 339
_WHITE_IS_ZERO, _SIGNED = 0, 2


def scaled_grey(image: Image.Image) -> Pixels:
    """Scale grey values of 9 to 32 bits to 8, and lay them out as RGB.

    Programs fill 32 bits with values of 8 or 16 as often as with their own range; the smallest of
    these that holds the brightest pixel counts.
    """
    tags = getattr(image, "tag_v2", {})
    bits, signed = (
        tags.get(_BITS_PER_SAMPLE, (16,))[0],
        tags.get(_SAMPLE_FORMAT, (1,))[0] == _SIGNED,
    )
    values = np.asarray(image)
    if values.dtype == np.int32 and bits == 32 and not signed:
        values = values.view(np.uint32)
    white = 2 ** (bits - signed) - 1
    if bits == 32:
        white = next(top for top in (255, 65535, white) if int(values.max()) <= top)
    grey = np.clip(np.rint(values * (255 / white)), 0, 255).astype(np.uint8)
    if tags.get(_PHOTOMETRIC) == _WHITE_IS_ZERO:
        grey = 255 - grey
    return np.stack([grey] * 3, axis=-1)
