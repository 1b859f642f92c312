"""Pictures are checked, upright, small, and say nothing of the phone that took them."""

import struct
from contextlib import suppress
from io import BytesIO
from random import Random

import pytest
from PIL import Image, ImageChops, ImageOps

from server.orders import pictures
from server.orders.pictures import MAX_EDGE_PX, BadPicture, fit_to_keep

GPS_IFD, MAKE, ORIENTATION = 0x8825, 0x010F, 0x0112


def a_photo(width_px=640, height_px=480, *, form="JPEG", mode="RGB", exif=None, **saving):
    out = BytesIO()
    image = Image.new(mode, (width_px, height_px), "red" if mode == "RGB" else 0)
    image.save(out, form, **({"exif": exif} if exif else {}), **saving)
    return out.getvalue()


def a_phones_exif():
    exif = Image.Exif()
    exif[MAKE] = "SECRETPHONE"
    exif[ORIENTATION] = 6  # held upright: the long edge lies on its side
    exif.get_ifd(GPS_IFD)[2] = (60.0, 10.0, 14.5)
    return exif


def opened(picture):
    return Image.open(BytesIO(picture.data))


def test_nothing_of_the_phone_stays_in_a_photo():
    photo = a_photo(exif=a_phones_exif())
    assert b"SECRETPHONE" in photo
    kept = fit_to_keep(photo)
    assert b"SECRETPHONE" not in kept.data
    assert b"Exif" not in kept.data
    assert dict(opened(kept).getexif()) == {}


def test_a_comment_hidden_in_a_png_is_dropped():
    from PIL.PngImagePlugin import PngInfo

    info = PngInfo()
    info.add_text("Location", "SECRETPLACE")
    kept = fit_to_keep(a_photo(form="PNG", mode="RGBA", pnginfo=info))
    assert b"SECRETPLACE" not in kept.data
    assert kept.media_type == "image/png"


def test_a_photo_is_turned_upright():
    assert opened(fit_to_keep(a_photo(640, 480, exif=a_phones_exif()))).size == (480, 640)


def test_a_large_photo_becomes_smaller():
    kept = fit_to_keep(a_photo(4000, 3000))
    assert (kept.width_px, kept.height_px) == (MAX_EDGE_PX, MAX_EDGE_PX * 3 // 4)
    assert kept.media_type == "image/jpeg"
    assert opened(kept).size == (kept.width_px, kept.height_px)


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP"])
def test_phones_formats_are_taken(form):
    assert opened(fit_to_keep(a_photo(form=form))).size == (640, 480)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"no picture",
        a_photo()[:200],
        a_photo(form="GIF", mode="P"),
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
    ],
    ids=["empty", "text", "cut off", "gif", "svg"],
)
def test_what_is_no_picture_is_refused(data):
    with pytest.raises(BadPicture):
        fit_to_keep(data)


def test_a_picture_of_too_many_pixels_is_refused_unopened(monkeypatch):
    monkeypatch.setattr(pictures, "MAX_PIXELS", 640 * 480 - 1)
    with pytest.raises(BadPicture):
        fit_to_keep(a_photo())


def test_a_file_that_is_too_large_is_refused(monkeypatch):
    monkeypatch.setattr(pictures, "MAX_PICTURE_BYTES", 10)
    with pytest.raises(BadPicture):
        fit_to_keep(a_photo())


@pytest.mark.parametrize("orientation", range(10))
def test_every_orientation_is_turned_as_pillow_turns_it(orientation):
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    lamp = Image.radial_gradient("L").crop((0, 20, 256, 200)).convert("RGB")
    out = BytesIO()
    lamp.save(out, "PNG", exif=exif)
    turned = ImageOps.exif_transpose(Image.open(BytesIO(out.getvalue())))
    kept = opened(fit_to_keep(out.getvalue()))
    assert kept.size == turned.size
    assert ImageChops.difference(kept.convert("RGB"), turned).getextrema()[0][1] < 40  # JPEG is not exact


def test_a_phone_that_says_nonsense_of_a_good_photo_brings_it_all_the_same():
    """Here its resolution is a word."""
    entries = struct.pack("<HHHIIHHI4s", 2, ORIENTATION, 3, 1, 6, 282, 2, 4, b"abc\0")
    exif = b"Exif\0\0II*\0" + struct.pack("<I", 8) + entries + struct.pack("<I", 0)
    assert opened(fit_to_keep(a_photo(640, 480, exif=exif))).size == (480, 640)


@pytest.mark.filterwarnings("ignore::UserWarning")  # Pillow's, of what it could not read
def test_bytes_changed_anywhere_are_a_picture_or_refused():
    random = Random(7)
    photos = [a_photo(64, 48, form=form, exif=a_phones_exif()) for form in ("JPEG", "PNG", "WEBP")]
    for _ in range(3000):
        data = bytearray(random.choice(photos))
        for _ in range(random.choice((1, 2, 8))):
            data[random.randrange(min(len(data), 300))] = random.randrange(256)
        with suppress(BadPicture):
            assert fit_to_keep(bytes(data)).data
