"""Files from strangers become plain RGB, or a sentence that says why not."""

from __future__ import annotations

import io
import struct
import sys
import types
import warnings
import zlib

import numpy as np
import pytest
from PIL import Image, ImageCms, ImageFile
from PIL.PngImagePlugin import PngInfo

from facechain_ext.base.errors import InvalidInput, UnreadablePhoto
from facechain_ext.imaging.files import decode, encode_jpeg, encode_png, read_png_text

# Four quadrants that stay apart after JPEG: red, green / blue, white.
QUADRANTS = np.zeros((32, 48, 3), np.uint8)
QUADRANTS[:16, :24], QUADRANTS[:16, 24:] = (255, 0, 0), (0, 255, 0)
QUADRANTS[16:, :24], QUADRANTS[16:, 24:] = (0, 0, 255), (255, 255, 255)


def save(image: Image.Image, kind: str, **options: object) -> bytes:
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def close(pixels, expected):
    assert pixels.dtype == np.uint8
    assert pixels.flags.c_contiguous
    assert pixels.shape == expected.shape
    assert np.abs(pixels.astype(int) - expected).mean() < 6


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_exif_orientation_is_undone(orientation, kind):
    transposed = {
        1: QUADRANTS, 2: QUADRANTS[:, ::-1], 3: QUADRANTS[::-1, ::-1], 4: QUADRANTS[::-1],
        5: QUADRANTS.transpose(1, 0, 2), 6: np.rot90(QUADRANTS), 8: np.rot90(QUADRANTS, -1),
        7: QUADRANTS[::-1, ::-1].transpose(1, 0, 2),
    }[orientation]  # fmt: skip
    exif = Image.Exif()
    exif[0x0112] = orientation
    options = {"quality": 95, "subsampling": 0} if kind == "JPEG" else {}
    data = save(Image.fromarray(np.ascontiguousarray(transposed)), kind, exif=exif, **options)
    close(decode(data, name="a.jpg"), QUADRANTS)


def test_place_and_camera_do_not_survive():
    exif = Image.Exif()
    exif[0x010F] = "SecretCamera"
    exif.get_ifd(0x8825)[1] = "N"
    exif.get_ifd(0x8825)[2] = (48.0, 12.0, 30.0)
    pixels = decode(save(Image.fromarray(QUADRANTS), "JPEG", exif=exif), name="a.jpg")
    for data in (encode_jpeg(pixels), encode_png(pixels)):
        assert b"SecretCamera" not in data
        assert not Image.open(io.BytesIO(data)).getexif()


def test_broken_exif_does_not_cost_the_photo():
    data = save(
        Image.fromarray(QUADRANTS), "JPEG", quality=95, exif=b"Exif\0\0II*\0\xff\xff\xff\x7f"
    )
    close(decode(data, name="a.jpg"), QUADRANTS)


@pytest.mark.parametrize("mode", ["L", "P", "CMYK", "YCbCr", "RGBA", "LA", "1"])
def test_every_common_mode_becomes_rgb(mode):
    grey = Image.fromarray(QUADRANTS).convert("L")
    source = grey if mode in ("L", "LA", "1") else Image.fromarray(QUADRANTS)
    kind = "JPEG" if mode in ("CMYK", "YCbCr") else "PNG"
    options = {"quality": 95} if kind == "JPEG" else {}
    pixels = decode(save(source.convert(mode), kind, **options), name="a")
    expected = np.array(source.convert("1") if mode == "1" else source)
    close(pixels, np.array(Image.fromarray(expected).convert("RGB")))


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P"])
def test_transparency_lies_on_white(mode):
    image = Image.new("RGB", (8, 8), (30, 30, 30))
    if mode == "P":
        palette = image.quantize(4)
        data = save(palette, "PNG", transparency=palette.getpixel((0, 0)))
    else:
        image = image.convert(mode)
        image.putalpha(0)
        data = save(image, "PNG")
    assert (decode(data, name="a.png") == 255).all()


def test_half_transparent_pixels_are_mixed():
    image = Image.new("RGBA", (4, 4), (0, 0, 0, 51))
    assert (decode(save(image, "PNG"), name="a.png") == 204).all()


@pytest.mark.parametrize("top", [65535, 32768])
def test_sixteen_bits_are_scaled_not_cut(top):
    ramp = np.linspace(0, top, 64 * 8).reshape(8, 64).astype(np.uint16)
    pixels = decode(save(Image.fromarray(ramp), "PNG"), name="deep.png")
    assert pixels.shape == (8, 64, 3)
    np.testing.assert_allclose(pixels[..., 1], ramp / 257, atol=0.51)


def test_floating_point_pictures_are_refused():
    data = save(Image.fromarray(np.ones((4, 4), np.float32)), "TIFF")
    with pytest.raises(UnreadablePhoto, match=r"^x\.tif is damaged or incomplete \(floating"):
        decode(data, name="x.tif")


@pytest.mark.parametrize("top", [255, 65535, 2**32 - 1, 2**31 - 1])
def test_thirty_two_bits_are_not_black(top):
    ramp = np.linspace(0, 1, 64 * 8).reshape(8, 64)
    stored = np.rint(ramp * top).astype(np.uint32)
    data = save(Image.fromarray(stored.view(np.int32)), "TIFF")
    unsigned = data.replace(b"\x53\x01\x03\0\x01\0\0\0\x02", b"\x53\x01\x03\0\x01\0\0\0\x01")
    data = data if top == 2**31 - 1 else unsigned
    np.testing.assert_allclose(decode(data, name="a.tif")[..., 0], ramp * 255, atol=0.51)


@pytest.mark.parametrize(("bits", "photometric"), [(12, 1), (16, 0), (16, 1)])
def test_twelve_bits_and_negatives_are_read_as_their_tags_say(bits, photometric):
    ramp = np.linspace(0, 1, 64 * 8).reshape(8, 64)
    stored = np.rint(ramp * (2**bits - 1)).astype("<u2")
    expected = ramp * 255 if photometric else 255 - ramp * 255
    data = grey_tiff(stored if bits == 16 else packed(stored), stored.shape, bits, photometric)
    np.testing.assert_allclose(decode(data, name="a.tif")[..., 2], expected, atol=0.51)


def packed(values: np.ndarray) -> np.ndarray:
    """Lay pairs of 12-bit values into three bytes, the first bits first."""
    first, second = values.reshape(-1, 2).T
    return np.stack(
        [first >> 4, (first & 15) << 4 | second >> 8, second & 255], axis=1
    ).astype(np.uint8)  # fmt: skip


def grey_tiff(values: np.ndarray, shape: tuple[int, int], bits: int, photometric: int) -> bytes:
    tags = {
        256: shape[1], 257: shape[0], 258: bits, 259: 1, 262: photometric, 273: 8, 277: 1,
        278: shape[0], 279: values.nbytes,
    }  # fmt: skip
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags.items())
    directory = struct.pack("<H", len(tags)) + entries + b"\0\0\0\0"
    return b"II*\0" + struct.pack("<I", 8 + values.nbytes) + values.tobytes() + directory


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG"])
def test_of_an_animation_the_first_frame_is_taken(kind):
    frames = [Image.new("RGB", (16, 16), color) for color in ("#d02020", "#2020d0", "#20d020")]
    data = save(frames[0], kind, save_all=True, append_images=frames[1:], duration=50)
    np.testing.assert_allclose(decode(data, name="a")[8, 8], (0xD0, 0x20, 0x20), atol=8)


def test_a_wide_gamut_profile_is_applied():
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
    plain = save(Image.fromarray(QUADRANTS), "PNG")
    mismatched = save(Image.fromarray(QUADRANTS), "PNG", icc_profile=profile)
    np.testing.assert_array_equal(decode(mismatched, name="a"), decode(plain, name="a"))
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    swapped = _swap_red_and_green(srgb)
    decoded = decode(save(Image.fromarray(QUADRANTS), "PNG", icc_profile=swapped), name="a")
    np.testing.assert_allclose(decoded[0, 0], (0, 255, 0), atol=6)
    np.testing.assert_allclose(decoded[0, 40], (255, 0, 0), atol=6)


def _swap_red_and_green(profile: bytes) -> bytes:
    """Make a profile in which the first channel is green: exchange two tags' signatures."""
    swapped = (
        profile.replace(b"rXYZ", b"\0tmp").replace(b"gXYZ", b"rXYZ").replace(b"\0tmp", b"gXYZ")
    )
    return swapped.replace(b"s\0R\0G\0B", b"o\0t\0h\0r")


def png_of(width: int, height: int) -> bytes:
    """A valid header and hardly any data: what a decompression bomb looks like."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return (
            struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        )

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = zlib.compress(b"\0" * 1000)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", body) + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize(
    ("size", "message"),
    [
        ((30000, 30000), "bomb.png has 900 megapixels; at most 80 are accepted."),
        ((70000, 20), "bomb.png is 70000 x 20 pixels; at most 32000 a side are accepted."),
    ],
)
def test_bombs_are_refused_before_they_are_decoded(size, message, monkeypatch):
    monkeypatch.setattr(ImageFile.ImageFile, "load", lambda self: pytest.fail("decoded"))
    with warnings.catch_warnings(), pytest.raises(InvalidInput) as caught:
        warnings.simplefilter("error")
        decode(png_of(*size), name="bomb.png")
    assert str(caught.value) == message
    assert not isinstance(caught.value, UnreadablePhoto)


def test_the_limit_is_the_callers():
    data = save(Image.fromarray(QUADRANTS), "PNG")
    with pytest.raises(InvalidInput, match=r"at most 0\.001 are accepted"):
        decode(data, name="a.png", max_megapixels=0.001)


@pytest.mark.parametrize("tolerant", [True, False])
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_a_truncated_file_is_refused_whatever_the_host_tolerates(kind, tolerant, monkeypatch):
    monkeypatch.setattr(ImageFile, "LOAD_TRUNCATED_IMAGES", tolerant)
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    data = save(Image.fromarray(noise), kind)
    with pytest.raises(UnreadablePhoto, match="cut"):
        decode(data[: len(data) // 2], name="cut.jpg")
    assert ImageFile.LOAD_TRUNCATED_IMAGES is tolerant


def photo(side: int = 256) -> np.ndarray:
    ramp = np.linspace(0, 255, side)
    noise = np.random.default_rng(0).integers(0, 40, (side, side))
    picture = np.stack([np.tile(ramp, (side, 1)), np.tile(ramp, (side, 1)).T, noise], axis=-1)
    return picture.astype(np.uint8)


@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"quality": 95, "subsampling": 0}])
@pytest.mark.parametrize("missing", [1, 2])
def test_a_jpeg_without_its_end_marker_is_whole(options, missing):
    data = save(Image.fromarray(photo()), "JPEG", **options)
    np.testing.assert_array_equal(decode(data[:-missing], name="a"), decode(data, name="a"))


@pytest.mark.parametrize("orientation", [1, 3, 6])
def test_a_jpeg_that_lacks_its_last_rows_is_cut_there(orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = save(Image.fromarray(photo()), "JPEG", exif=exif)
    whole, cut = decode(data, name="a"), decode(data[:-200], name="a")
    height, width = cut.shape[:2]
    assert 7 / 8 * 256 <= min(height, width) < 256
    kept = {1: np.s_[:height], 3: np.s_[-height:], 6: np.s_[:, -width:]}[orientation]
    np.testing.assert_array_equal(cut, whole[kept])


@pytest.mark.parametrize("options", [{}, {"progressive": True}])
def test_a_jpeg_that_lacks_more_is_said_to_be_cut(options):
    data = save(Image.fromarray(photo()), "JPEG", **options)
    with pytest.raises(
        UnreadablePhoto, match=r"^a is damaged or incomplete \(only \d+ % of the pic"
    ):
        decode(data[: len(data) // 3], name="a")


@pytest.mark.parametrize("kind", ["TIFF", "JPEG"])
def test_print_colours_come_out_right(kind):
    data = save(Image.fromarray(QUADRANTS).convert("CMYK"), kind)
    close(decode(data, name="a"), QUADRANTS)


def test_a_heic_photo_says_how_it_can_be_read(monkeypatch):
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    with pytest.raises(UnreadablePhoto, match=r"HEIC photo.* -m pip install pillow-heif, or save"):
        decode(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + b"\0" * 100, name="IMG_1.HEIC")


def test_a_decoder_that_comes_later_is_used(monkeypatch):
    def register() -> None:
        monkeypatch.setitem(Image.OPEN, "HEIF", (lambda *_: Image.new("RGB", (4, 4)), accept))

    def accept(prefix: bytes) -> bool:
        return prefix[4:12] == b"ftypheic"

    monkeypatch.setattr(Image, "ID", [*Image.ID, "HEIF"])
    data = b"\0\0\0\x18ftypheic" + b"\0" * 100
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    with pytest.raises(UnreadablePhoto):
        decode(data, name="a.heic")
    later = types.SimpleNamespace(register_heif_opener=register)
    monkeypatch.setitem(sys.modules, "pillow_heif", later)
    assert decode(data, name="a.heic").shape == (4, 4, 3)


@pytest.mark.parametrize(
    "data",
    [b"", b"hello, I am a text file", b"\xff\xd8\xff", b"%!PS-Adobe-3.0 EPSF-3.0\n", b"\0" * 100],
)
def test_what_is_no_photo_is_said_to_be_none(data):
    with pytest.raises(UnreadablePhoto, match=r"^letter\.jpg is (not a photo|damaged)"):
        decode(data, name="letter.jpg")


def test_formats_that_photos_do_not_come_in_stay_shut():
    data = save(Image.fromarray(QUADRANTS), "PPM")
    with pytest.raises(UnreadablePhoto, match="not a photo in a format"):
        decode(data, name="a.ppm")


@pytest.mark.parametrize("seed", range(40))
def test_damaged_bytes_never_raise_anything_else(seed):
    rng = np.random.default_rng(seed)
    kind = ("JPEG", "PNG", "GIF", "WEBP", "TIFF", "BMP")[seed % 6]
    data = bytearray(save(Image.fromarray(QUADRANTS), kind))
    for place in rng.integers(0, len(data), 12):
        data[place] = rng.integers(256)
    try:
        pixels = decode(bytes(data), name="x", max_megapixels=4)
    except InvalidInput as error:
        assert str(error).startswith("x ")
    else:
        assert pixels.ndim == 3


@pytest.mark.parametrize("text", ["steps: 20, seed: 1", "Größe: 日本", "a\nb"])
def test_png_text_is_read_back(text):
    data = encode_png(QUADRANTS, {"parameters": text, "other": "x"})
    assert read_png_text(data) == {"parameters": text, "other": "x"}
    np.testing.assert_array_equal(decode(data, name="a.png"), QUADRANTS)
    assert Image.open(io.BytesIO(data)).info["parameters"] == text


def test_png_text_after_the_picture_is_found():
    info = PngInfo()
    info.add_text("late", "yes", zip=True)
    data = save(Image.fromarray(QUADRANTS), "PNG", pnginfo=info)
    assert read_png_text(data) == {"late": "yes"}
    with pytest.raises(UnreadablePhoto):
        read_png_text(encode_jpeg(QUADRANTS))
