"""Make facechain_ext/portrait/mean_face.json: the mean of many face meshes, frontal, symmetric.

python -m tools.mean_face PORTRAITS [--count 600]: a folder of pictures with one face each.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from facechain_ext.base.errors import InvalidInput
from facechain_ext.imaging.files import list_photos, read_photo
from facechain_ext.imaging.geometry import crop_matrix, roll_angle, warp
from facechain_ext.nets.detector import Detector
from facechain_ext.nets.network import Network, to_blob

Solid = NDArray[np.float64]

TARGET = Path(__file__).parents[1] / "facechain_ext" / "portrait" / "mean_face.json"
UNIT = "eye distance (33 to 263), its middle at 0; x right, y down, z away from the viewer"
EYES = (33, 263)
# Points of the mesh that lie mirrored to each other; enough to find all other pairs.
MIRRORED = ((33, 263), (61, 291), (133, 362), (234, 454), (58, 288), (70, 300), (105, 334))
MIDDLE = (10, 152, 1, 168)
SIDE, MARGIN, ROUNDS = 256, 1.5, 6


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("portraits", type=Path)
    parser.add_argument("--count", type=int, default=600)
    arguments = parser.parse_args()
    mean = symmetric(mean_shape(list(meshes(arguments.portraits, arguments.count))))
    rows = ",\n  ".join(json.dumps([round(float(v), 3) + 0.0 for v in point]) for point in mean)
    text = f'{{"unit": "{UNIT}",\n "points": [\n  {rows}\n ]}}\n'
    TARGET.write_text(text, encoding="utf-8")


def meshes(folder: Path, count: int) -> Iterator[Solid]:
    """Yield the meshes (478, 3) of pictures spread evenly over a folder."""
    detector, network = Detector(), Network("face_landmarks_detector.onnx")
    paths = list_photos(folder)
    for path in paths[:: max(1, len(paths) // count)]:
        try:
            pixels = read_photo(path, max_megapixels=80).pixels
        except InvalidInput:
            continue
        faces = detector.detect(pixels)
        if len(faces) == 1:
            side = max(faces[0].width, faces[0].height) * MARGIN
            angle = roll_angle(faces[0].landmarks)
            matrix = crop_matrix(faces[0].center, side, size=SIDE, angle=angle)
            crop = warp(pixels, matrix, (SIDE, SIDE))
            mesh = network.run(to_blob(crop, scale=1 / 255))["mesh"]
            yield mesh.reshape(478, 3).astype(np.float64)


def mean_shape(shapes: list[Solid]) -> Solid:
    """Average after aligning every shape to the mean (generalised Procrustes analysis)."""
    mean = shapes[0]
    for _ in range(ROUNDS):
        mean = np.mean([aligned(shape, shape, mean) for shape in shapes], axis=0)
    return mean


def symmetric(shape: Solid) -> Solid:
    """Average a face with its mirror image, turn it to the front and scale it to its eyes."""
    reflected = shape * np.array([-1.0, 1.0, 1.0])
    left, right = (list(side) for side in zip(*MIRRORED, strict=True))
    ours, theirs = [*left, *right, *MIDDLE], [*right, *left, *MIDDLE]
    mirror = _nearest(aligned(reflected, reflected[ours], shape[theirs]), shape)
    if not np.array_equal(mirror[mirror], np.arange(len(shape))):
        raise SystemExit("The points could not be paired; use more portraits.")
    even = (shape + aligned(reflected, reflected, shape[mirror])[mirror]) / 2
    across = _unit(even[EYES[1]] - even[EYES[0]])
    down = np.array([0.0, 1.0, 0.0])
    down = _unit(down - across * float(down @ across))
    turned = even @ np.stack([across, down, np.cross(across, down)]).T
    turned -= turned[[*EYES]].mean(axis=0)
    return np.asarray(turned / np.linalg.norm(turned[EYES[1]] - turned[EYES[0]]))


def aligned(shape: Solid, source: Solid, target: Solid) -> Solid:
    """Move a shape by the similarity in space that brings source to target (Umeyama 1991)."""
    mean_s, mean_t = source.mean(axis=0), target.mean(axis=0)
    u, d, vt = np.linalg.svd((target - mean_t).T @ (source - mean_s))
    sign = np.array([1.0, 1.0, np.sign(np.linalg.det(u @ vt))])
    scale = float((d * sign).sum() / ((source - mean_s) ** 2).sum())
    return np.asarray(scale * (shape - mean_s) @ ((u * sign) @ vt).T + mean_t)


def _nearest(points: Solid, among: Solid) -> NDArray[np.intp]:
    return np.asarray(((points[:, None] - among[None]) ** 2).sum(axis=-1).argmin(axis=1))


def _unit(vector: Iterable[float]) -> Solid:
    array = np.asarray(vector, np.float64)
    return np.asarray(array / np.linalg.norm(array))


if __name__ == "__main__":
    main()
