"""Photos in, verdicts and aligned pictures out, with the real nets."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from facechain_ext.base.errors import InvalidInput, UnreadablePhoto
from facechain_ext.base.records import Instance, Photo, Pixels, Reason
from facechain_ext.config import PrepareConfig
from facechain_ext.dataset.background import PLAIN
from facechain_ext.dataset.framing import FACE_CENTER, FACE_SHARE, TIGHTEST_SHARE
from facechain_ext.dataset.prepare import Unreadable, prepare
from facechain_ext.imaging.files import resize
from facechain_ext.imaging.geometry import roll_angle
from facechain_ext.imaging.masks import erode
from facechain_ext.nets import FaceNets

pytestmark = pytest.mark.slow(6)


def rolled(pixels: Pixels, degrees: float) -> Pixels:
    height, width = pixels.shape[:2]
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), degrees, 1.0)
    return np.asarray(cv2.warpAffine(pixels, matrix, (width, height), flags=cv2.INTER_CUBIC))


def beside(left: Pixels, right: Pixels) -> Pixels:
    canvas = np.full((max(len(left), len(right)), left.shape[1] + right.shape[1], 3), 90, np.uint8)
    canvas[: len(left), : left.shape[1]] = left
    canvas[: len(right), left.shape[1] :] = right
    return canvas


def test_a_good_photo_becomes_a_square_upright_portrait(instance: Instance) -> None:
    size = PrepareConfig().size
    assert instance.pixels.shape == (size, size, 3)
    for mask in (instance.valid, instance.person, instance.face_mask):
        assert mask.shape == (size, size)
        assert mask.dtype == np.float32
        assert 0 <= mask.min() <= mask.max() <= 1
    share = max(instance.face.width, instance.face.height) / size
    assert FACE_SHARE - 0.01 <= share <= TIGHTEST_SHARE + 0.01
    assert np.allclose(np.array(instance.face.center) / size, FACE_CENTER, atol=0.01)
    assert abs(roll_angle(instance.face.landmarks)) < 0.5
    assert np.linalg.norm(instance.embedding) == pytest.approx(1, abs=1e-5)
    assert 0.3 < instance.quality <= 1


def test_the_masks_nest(instance: Instance) -> None:
    inside = instance.face_mask > 0.99
    assert instance.person[inside].min() > 0.99
    assert instance.person.mean() > 1.4 * instance.face_mask.mean()
    assert (instance.person <= instance.valid + 1e-6).all()


def test_the_caption_says_what_can_be_seen(instance: Instance) -> None:
    assert instance.caption.startswith("fcsks, portrait photo of a")
    assert "woman" in instance.caption
    assert "smiling" in instance.caption
    assert "gray background" in instance.caption


def test_a_sepia_photo_is_black_and_white_whatever_lies_around_it(judge, astronaut: Pixels) -> None:
    close = cv2.cvtColor(astronaut[40:210, 150:300], cv2.COLOR_RGB2GRAY)[..., None]
    sepia = np.rint(close * np.array([1.0, 0.85, 0.65])).astype(np.uint8)
    assert judge(sepia).instance.caption.endswith("black and white photo")
    assert judge(astronaut).instance.caption.endswith("color photo")


@pytest.mark.parametrize("turns", [1, 2, 3])
def test_photos_lying_on_their_side_are_turned_upright(
    judge, astronaut: Pixels, instance: Instance, turns: int
) -> None:
    turned = judge(np.ascontiguousarray(np.rot90(astronaut, turns))).instance
    difference = np.abs(turned.pixels.astype(int) - instance.pixels.astype(int))
    assert difference.mean() < 3


@pytest.mark.parametrize("degrees", [-25, 12, 25])
def test_a_tilted_head_is_levelled(
    judge, astronaut: Pixels, instance: Instance, degrees: float
) -> None:
    level = judge(rolled(astronaut, degrees)).instance
    assert abs(roll_angle(level.face.landmarks)) < 1.5
    assert level.embedding @ instance.embedding > 0.9
    shapes = [
        (each.face.landmarks - each.face.center) / each.face.height for each in (level, instance)
    ]
    assert np.abs(shapes[0] - shapes[1]).max() < 0.12


def test_what_the_photo_does_not_show_is_flat_and_marked(judge, astronaut: Pixels) -> None:
    close = np.ascontiguousarray(astronaut[40:210, 150:300])
    framed = judge(close, background="keep").instance
    outside = framed.valid == 0
    assert 0.1 < outside.mean() < 0.9
    assert (framed.pixels[outside] == PLAIN).all()
    assert framed.person[outside].max() == 0


def test_photos_that_show_little_are_framed_tighter(judge, astronaut: Pixels) -> None:
    wide = cv2.copyMakeBorder(astronaut, 100, 0, 100, 100, cv2.BORDER_REPLICATE)
    close = np.ascontiguousarray(astronaut[40:210, 150:300])
    shares = [judge(pixels).instance.face.height / 512 for pixels in (wide, close)]
    assert shares == pytest.approx([FACE_SHARE, TIGHTEST_SHARE], abs=0.01)


def test_plain_background_is_one_colour_and_keeps_the_person(
    judge, astronaut: Pixels, instance: Instance
) -> None:
    kept = judge(astronaut, background="keep").instance
    behind, person = instance.person == 0, instance.person > 0.999
    assert behind.mean() > 0.2
    assert (instance.pixels[behind] == PLAIN).all()
    assert np.array_equal(instance.pixels[person], kept.pixels[person])
    assert len(np.unique(kept.pixels[behind], axis=0)) > 1000


def test_blurred_background_has_its_light_but_no_detail(judge, astronaut: Pixels) -> None:
    kept, blurred = (judge(astronaut, background=b).instance for b in ("keep", "blur"))
    behind = erode((kept.person == 0).astype(np.float32), 5) > 0
    assert blurred.pixels[behind].mean() == pytest.approx(kept.pixels[behind].mean(), abs=12)
    details = [cv2.Laplacian(i.pixels, cv2.CV_32F)[behind].std() for i in (blurred, kept)]
    assert details[0] < 0.4 * details[1]


def test_retouch_softens_the_face_alone(judge, astronaut: Pixels, instance: Instance) -> None:
    soft = judge(astronaut, retouch=1.0).instance
    changed = (soft.pixels != instance.pixels).any(axis=2)
    assert changed[instance.face_mask > 0.9].mean() > 0.3
    assert not changed[(instance.face_mask == 0) & (instance.person > 0.999)].any()


def test_options_reach_the_picture(judge, astronaut: Pixels) -> None:
    picture = judge(astronaut, size=256, trigger_word="ohwx").instance
    assert picture.pixels.shape == (256, 256, 3)
    assert picture.caption.startswith("ohwx, ")


def test_no_face(judge, astronaut: Pixels) -> None:
    verdict = judge(np.ascontiguousarray(astronaut[300:, :200]), name="IMG_1.jpg").verdict
    assert verdict.reason is Reason.NO_FACE
    assert "IMG_1.jpg" in verdict.message


def lost_in(canvas: tuple[int, int], pixels: Pixels, width: int, at: tuple[int, int]) -> Pixels:
    """Lay the astronaut, her face `width` pixels wide, into a picture that is grey elsewhere."""
    side = round(512 * width / 90)
    picture = np.full((*canvas, 3), 120, np.uint8)
    picture[at[0] : at[0] + side, at[1] : at[1] + side] = resize(pixels, (side, side))
    return picture


def test_a_face_too_small_to_be_seen_at_once_is_told_as_too_small(judge, astronaut: Pixels) -> None:
    """In the middle, across the borders of tiles, in the corner, in a panorama."""
    for canvas, at in (
        ((3000, 4000), (640, 700)),
        ((900, 9000), (500, 8700)),
        ((1700, 1700), (0, 0)),
    ):
        verdict = judge(lost_in(canvas, astronaut, 30, at)).verdict
        assert verdict.reason is Reason.FACE_TOO_SMALL, verdict
        assert 25 <= int(verdict.message.split(" is ")[1].split()[0]) <= 35


def test_a_face_large_enough_is_found_wherever_it_stands(judge, astronaut: Pixels) -> None:
    accepted = judge(lost_in((700, 9000), astronaut, 100, (60, 7000)))
    assert accepted.verdict.accepted, accepted.verdict


@pytest.mark.parametrize("shape", [(1, 1), (3, 2000), (2000, 3), (64, 64)])
def test_pictures_of_any_shape_are_judged(judge, shape: tuple[int, int]) -> None:
    assert judge(np.zeros((*shape, 3), np.uint8)).verdict.reason is Reason.NO_FACE


def test_several_faces(judge, astronaut: Pixels) -> None:
    verdict = judge(beside(astronaut, astronaut)).verdict
    assert verdict.reason is Reason.SEVERAL_FACES
    assert "2 faces" in verdict.message


def test_a_small_face_in_the_background_does_no_harm(
    judge, astronaut: Pixels, instance: Instance
) -> None:
    small = resize(astronaut, (205, 205))
    pair = beside(astronaut, small)
    assert judge(pair).instance.embedding @ instance.embedding > 0.95
    assert judge(pair, main_face_ratio=10.0).verdict.reason is Reason.SEVERAL_FACES


def test_face_too_small(judge, astronaut: Pixels) -> None:
    preview = resize(astronaut, (256, 256))
    verdict = judge(preview).verdict
    assert verdict.reason is Reason.FACE_TOO_SMALL
    assert "at least 64" in verdict.message
    assert judge(preview, min_face_px=40).verdict.accepted


@pytest.mark.parametrize("cut", [np.s_[:, 225:], np.s_[:, :225], np.s_[:140]])
def test_face_cut_off(judge, astronaut: Pixels, cut: tuple[slice, ...]) -> None:
    assert judge(np.ascontiguousarray(astronaut[cut])).verdict.reason is Reason.FACE_CUT_OFF


@pytest.mark.parametrize(("face_width_over_sigma", "accepted"), [(18, False), (90, True)])
def test_blurred(judge, astronaut: Pixels, face_width_over_sigma: float, accepted: bool) -> None:
    blurred = cv2.GaussianBlur(astronaut, (0, 0), 90 / face_width_over_sigma)
    verdict = judge(blurred).verdict
    assert verdict.reason is (None if accepted else Reason.BLURRED)


def test_upload_errors_become_verdicts(nets: FaceNets) -> None:
    uploads = [
        Unreadable("a.jpg", UnreadablePhoto("a.jpg is damaged.")),
        Unreadable("b.jpg", InvalidInput("b.jpg has 900 megapixels; at most 80 are accepted.")),
        Photo("c.jpg", np.zeros((1200, 1000, 3), np.uint8)),
    ]
    verdicts = [p.verdict for p in prepare(uploads, PrepareConfig(max_megapixels=1.0), nets)]
    assert [v.reason for v in verdicts] == [Reason.UNREADABLE, Reason.TOO_LARGE, Reason.TOO_LARGE]
    assert verdicts[0].message == "a.jpg is damaged."
    assert "900 megapixels" in verdicts[1].message
    assert "at most 1 " in verdicts[2].message


def test_a_failing_photo_does_not_stop_the_batch(
    nets: FaceNets, astronaut: Pixels, monkeypatch: pytest.MonkeyPatch
) -> None:
    detect = nets.detector.detect

    def fail_on_square(pixels: Pixels) -> object:
        if pixels.shape[0] == 333:
            raise cv2.error("out of memory")
        return detect(pixels)

    monkeypatch.setattr(nets.detector, "detect", fail_on_square)
    photos = [Photo("bad", np.zeros((333, 333, 3), np.uint8)), Photo("good", astronaut)]
    bad, good = prepare(photos, PrepareConfig(), nets)
    assert bad.verdict.reason is Reason.UNREADABLE
    assert "bad could not be processed" in bad.verdict.message
    assert good.verdict.accepted


def test_photos_are_taken_one_at_a_time(nets: FaceNets) -> None:
    taken = []

    def uploads():
        for name in "ab":
            taken.append(name)
            yield Photo(name, np.zeros((8, 8, 3), np.uint8))

    judged = prepare(uploads(), PrepareConfig(), nets)
    assert next(judged).name == "a"
    assert taken == ["a"]
