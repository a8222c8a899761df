"""Draw the templates that ship, by the mini alone, and note where their faces are.

    python -m tools.shipped_templates [TITLE ...]

A wide canvas comes first, enlarged by SPAN (`facechain models download span`); then every face is
painted anew at the size that the mini draws best, which on the canvas it has not. Look at each.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass

import numpy as np

from facechain_ext.base.host import GenerationRequest, Unavailable
from facechain_ext.base.records import Face, Pixels
from facechain_ext.base.repainting import RepaintRequest
from facechain_ext.imaging.encode import encode_jpeg
from facechain_ext.imaging.files import resize
from facechain_ext.imaging.masks import erode, feather
from facechain_ext.imaging.still import read_still
from facechain_ext.nets import FaceNets
from facechain_ext.portrait.head_mask import head_mask
from facechain_ext.portrait.numbered import number_faces
from facechain_ext.portrait.place import Place
from facechain_ext.portrait.regions import face_height
from facechain_ext.standalone.diffusers_host import DiffusersHost, default_data_dir
from facechain_ext.templates.gallery import SHIPPED, Gallery

HEIGHT, QUALITY, STRENGTH, TRIES = 448, 80, 0.4, 3
STEPS = 24


@dataclass(frozen=True)
class Recipe:
    """What a template is drawn from. face: how each face is painted anew, empty for as drawn."""

    title: str
    tags: tuple[str, ...]
    words: str
    seed: int
    width: int
    face: str = ""


_WOMAN = "portrait photo of a young woman, smiling, color photo"

RECIPES = (
    Recipe(
        "Three friends in a garden",
        ("friends", "women", "garden", "outdoors", "color"),
        "photo of three young people, smiling, green background, color photo",
        14,
        416,
        _WOMAN,
    ),
    Recipe(
        "Couple in autumn",
        ("couple", "family", "autumn", "outdoors", "color"),
        "photo of a man and a woman, smiling, brown background, color photo",
        11,
        320,
        "portrait photo of a middle aged person, smiling, color photo",
    ),
    Recipe(
        "Two sisters long ago",
        ("sisters", "women", "studio", "old photo", "black and white"),
        "photo of two young women, smiling, light background, color photo",
        13,
        320,
        "portrait photo of a young woman, smiling, black and white photo",
    ),
    Recipe(
        "Two brothers",
        ("brothers", "men", "studio", "color"),
        "photo of a young man and a young man, smiling, gray background, color photo",
        42,
        320,
        "portrait photo of a young man, smiling, color photo",
    ),
    Recipe(
        "An afternoon outdoors",
        ("friends", "women", "park", "outdoors", "color"),
        "photo of four young women, smiling, green background, color photo",
        41,
        544,
        _WOMAN,
    ),
    Recipe(
        "Woman in a studio",
        ("woman", "portrait", "studio", "color"),
        "portrait photo of a middle aged woman, smiling, gray background, color photo",
        34,
        192,
    ),
    Recipe(
        "Man in a studio",
        ("man", "portrait", "studio", "color"),
        "portrait photo of a middle aged man, gray background, color photo",
        35,
        192,
    ),
)


def main() -> None:
    host, nets = DiffusersHost(default_data_dir()), FaceNets()
    for recipe in (each for each in RECIPES if each.title in (sys.argv[1:] or [each.title])):
        pixels = _enlarged(host, _drawn(host, recipe))
        if recipe.face:
            pixels = _with_new_faces(host, nets, pixels, recipe)
        _keep(recipe, pixels, nets)


def _drawn(host: DiffusersHost, recipe: Recipe) -> Pixels:
    request = GenerationRequest(
        recipe.words, seeds=(recipe.seed,), width=recipe.width, height=192, steps=STEPS
    )
    (image,) = host.generate(request)
    return image.pixels


def _enlarged(host: DiffusersHost, pixels: Pixels) -> Pixels:
    width = round(pixels.shape[1] * HEIGHT / pixels.shape[0])
    large = host.upscale(pixels, max(width, HEIGHT))
    if isinstance(large, Unavailable):
        raise SystemExit(large.reason)
    return resize(large, (width, HEIGHT))


def _with_new_faces(host: DiffusersHost, nets: FaceNets, pixels: Pixels, recipe: Recipe) -> Pixels:
    whole: Pixels = pixels.copy()
    for face in nets.detector.detect(pixels):
        place = Place.around(face, pixels, nets.landmarker)
        mask = head_mask("face", place.landmarks, np.zeros(place.pixels.shape[:2], np.float32))
        drawing = GenerationRequest(
            recipe.face, seeds=tuple(range(recipe.seed, recipe.seed + TRIES)), steps=STEPS
        )
        blend = round(0.06 * face_height(place.landmarks))
        request = RepaintRequest(drawing, place.pixels, mask, STRENGTH, blend)
        painted = [image.pixels for image in host.repaint(request)]
        best = max(painted, key=lambda square: _score(nets, square, place.face))
        soft = feather(erode(mask, 2 * blend), 2 * blend)
        place.lay_into(whole, best, np.minimum(soft, mask), ())
    return whole


def _score(nets: FaceNets, square: Pixels, face: Face) -> float:
    found = nets.detector.detect(square)
    return max((each.score for each in found), default=0.0)


def _keep(recipe: Recipe, pixels: Pixels, nets: FaceNets) -> None:
    gallery = Gallery(SHIPPED, SHIPPED / "none")
    for name, earlier in gallery.now().items():
        if earlier.title == recipe.title:
            gallery.remove(name)
    content = encode_jpeg(pixels, quality=QUALITY)
    template = gallery.add(content, ".jpg", recipe.title, recipe.tags)
    faces = [each.face for each in number_faces(read_still(template.picture), nets)]
    gallery.remember(template, faces)
    print(template.name, len(content), [round(face.width) for face in faces])


if __name__ == "__main__":
    main()
