"""Photos and signatures made fit to keep: checked, upright, small, and rid of all that a phone adds.  Pure.

A phone's photo says where and when it was taken, by whose phone; the picture is drawn anew, so nothing of that stays.
"""

from dataclasses import dataclass
from io import BytesIO

from PIL import ExifTags, Image

from server.errors import BadInput

MAX_PICTURE_BYTES = 10 * 1024 * 1024  # a phone's photo at full size
MAX_PIXELS = 60_000_000  # the largest phone cameras have 50 million by default
MAX_EDGE_PX = 2048  # enough to read a door number
JPEG_QUALITY = 85
FORMATS = ("JPEG", "PNG", "WEBP")
# How to turn a picture that was taken in this orientation (EXIF 2.32, tag 274).
_TURNED = {
    2: Image.Transpose.FLIP_LEFT_RIGHT, 3: Image.Transpose.ROTATE_180, 4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE, 6: Image.Transpose.ROTATE_270, 7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}  # fmt: skip


class BadPicture(BadInput):
    """A picture is a JPEG, PNG or WebP of at most 10 MiB and 60 megapixels."""

    code = "bad_picture"


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture as it is kept."""

    data: bytes
    media_type: str
    width_px: int
    height_px: int


def fit_to_keep(data: bytes) -> Picture:
    """The picture in `data`, drawn anew; BadPicture.  Takes a tenth of a second and more: call it in a thread."""
    if len(data) > MAX_PICTURE_BYTES:
        raise BadPicture
    try:
        with Image.open(BytesIO(data), formats=FORMATS) as opened:
            if opened.width * opened.height > MAX_PIXELS:
                raise BadPicture
            opened.draft("RGB", (MAX_EDGE_PX, MAX_EDGE_PX))  # a JPEG can be read at a fraction of its size
            upright = _upright(opened)
            upright.thumbnail((MAX_EDGE_PX, MAX_EDGE_PX))
            return _drawn(upright)
    except BadPicture:
        raise
    except Exception as error:  # bytes of strangers: what they make the decoder trip over has no end
        raise BadPicture from error


def _upright(image: Image.Image) -> Image.Image:
    """The picture as it was seen; ImageOps.exif_transpose would write what else the phone said, and fail at some."""
    turned = _TURNED.get(_orientation(image))
    return image.copy() if turned is None else image.transpose(turned)


def _orientation(image: Image.Image) -> int:
    try:
        return int(image.getexif().get(ExifTags.Base.Orientation, 1))
    except Exception:  # a broken word about the picture does not make the picture bad
        return 1


def _drawn(image: Image.Image) -> Picture:
    # A signature's lines stay sharp, and its paper may be transparent; a photo becomes small.
    is_drawing = image.mode in ("1", "P", "LA", "RGBA", "PA", "L")
    canvas = Image.new("RGBA" if is_drawing else "RGB", image.size)
    canvas.paste(image.convert(canvas.mode))
    out = BytesIO()
    if is_drawing:
        canvas.save(out, "PNG", optimize=True)
    else:
        canvas.save(out, "JPEG", quality=JPEG_QUALITY)
    return Picture(out.getvalue(), "image/png" if is_drawing else "image/jpeg", *canvas.size)
