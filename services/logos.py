"""A file that is to be a tenant's logo: really read, within bounds, and written anew.

What is stored is never what was given: no metadata, nothing hidden behind the picture's end, no format but two, and no
more dots than a mail shows.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from io import BytesIO

from PIL import Image, ImageOps

from services.errors import UserError
from tasks.notify.logo import shown_size

MAX_BYTES = 64 * 1024
MAX_DOTS = (600, 200)
_DENSITY = 2
"""Dots a point, on the screens of phones."""
_ENOUGH = 24 * 1024
"""Bytes of a picture that goes out with every mail, beyond which it is written as a photograph."""
_MARGIN = 12
"""Dots of ground around a picture that had none."""
_LIGHT, _DARK = (255, 255, 255), (27, 33, 41)
_PALE = 190
"""Mean brightness, of 255, from which a picture is lost on white."""
_MEND = f"give a PNG or JPEG of at most {MAX_BYTES // 1024} kB and {MAX_DOTS[0]} x {MAX_DOTS[1]} dots"


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture as it is stored and sent."""

    media_type: str
    data: bytes = field(repr=False)
    width: int
    """In dots."""
    height: int


def read_picture(data: bytes) -> Picture:
    """The picture in a file, ready for mails. UserError says what is wrong with it.

    A transparent picture gets a ground on which it can be seen, white unless it is pale itself: mail programs put what
    ground they like behind it, dark ones at night.
    """
    if len(data) > MAX_BYTES:
        raise UserError(f"the file has {len(data) // 1024 + 1} kB", _MEND)
    try:
        image = _read(data)
    except UserError:
        raise
    except Exception:
        # Broken pictures make Pillow raise nearly anything; none of it tells a person more.
        raise UserError("this is no picture that can be read", _MEND) from None
    return _picture(_on_ground(image))


def _read(data: bytes) -> Image.Image:
    """The first frame, upright, in RGBA."""
    with Image.open(BytesIO(data), formats=("PNG", "JPEG")) as opened:
        # Before a single dot is unpacked: this is what the file claims, and all that it gets.
        if opened.width > MAX_DOTS[0] or opened.height > MAX_DOTS[1]:
            raise UserError(f"the picture has {opened.width} x {opened.height} dots", _MEND)
        opened.load()
        upright = ImageOps.exif_transpose(opened)
    if upright.mode.startswith(("I", "F")):
        # 16 bits a dot; convert() would cut them off instead of scaling.
        upright = upright.point(lambda value: value / 256).convert("L")
    return upright.convert("RGBA")


def _on_ground(image: Image.Image) -> Image.Image:
    alpha = image.getchannel("A")
    if alpha.getextrema()[0] == 255:
        return image.convert("RGB")
    seen = alpha.getbbox()
    if seen is None:
        raise UserError("there is nothing to be seen on this picture", "give one that is not all transparent")
    image = image.crop(seen)
    ground = Image.new(
        "RGBA", (image.width + 2 * _MARGIN, image.height + 2 * _MARGIN), (*_ground(image), 255)
    )
    ground.alpha_composite(image, (_MARGIN, _MARGIN))
    return ground.convert("RGB")


def _ground(image: Image.Image) -> tuple[int, int, int]:
    """White, or dark where what is seen of the picture is pale."""
    grey, alpha = image.convert("L").tobytes(), image.getchannel("A").tobytes()
    brightness = sum(one * share for one, share in zip(grey, alpha, strict=True)) / sum(alpha)
    return _DARK if brightness >= _PALE else _LIGHT


def _picture(image: Image.Image) -> Picture:
    points = shown_size(image.width, image.height)
    dots = (min(image.width, points[0] * _DENSITY), min(image.height, points[1] * _DENSITY))
    if dots != image.size:
        image = image.resize(dots, Image.Resampling.LANCZOS)
    media_type, data = _smallest(_written(image))
    return Picture(media_type, data, *dots)


def _written(image: Image.Image) -> Iterable[tuple[str, bytes]]:
    palette = image.quantize(256, dither=Image.Dither.NONE) if image.getcolors(256) else image
    yield "image/png", _bytes(palette, "PNG", optimize=True)
    yield "image/jpeg", _bytes(image, "JPEG", quality=88, optimize=True)


def _smallest(ways: Iterable[tuple[str, bytes]]) -> tuple[str, bytes]:
    """The first that is small enough, else the smallest."""
    tried = []
    for way in ways:
        tried.append(way)
        if len(way[1]) <= _ENOUGH:
            return way
    return min(tried, key=lambda way: len(way[1]))


def _bytes(image: Image.Image, kind: str, **options: object) -> bytes:
    written = BytesIO()
    image.save(written, kind, **options)
    return written.getvalue()
