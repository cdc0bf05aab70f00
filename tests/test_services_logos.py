"""Files that are to be a logo: two formats, within bounds, really read, and never stored as they came."""

import struct
import zlib
from io import BytesIO

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pictures import drawn, encoded, logo_file
from PIL import Image, PngImagePlugin

from services.errors import UserError
from services.logos import MAX_BYTES, Picture, read_picture
from tasks.notify.colour import luminance
from tasks.notify.logo import MAX_SHOWN, shown_size


def opened(picture: Picture) -> Image.Image:
    image = Image.open(BytesIO(picture.data))
    assert image.size == (picture.width, picture.height)
    assert f"image/{(image.format or '').lower()}" == picture.media_type
    return image.convert("RGB")


def chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def png_of(width: int, height: int, body: bytes) -> bytes:
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 6, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", body) + chunk(b"IEND", b"")


def with_text(key: str, value: str) -> bytes:
    told = PngImagePlugin.PngInfo()
    told.add_text(key, value)
    return encoded(drawn(), pnginfo=told)


SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
REFUSED = {
    "empty": b"",
    "text": b"logo",
    "svg": SVG,
    "svg named png": b"\x89PNG\r\n\x1a\n" + SVG,
    "gif": encoded(drawn(mode="P", ink=1), "GIF"),
    "webp": encoded(drawn(), "WEBP"),
    "ico": encoded(drawn(), "ICO"),
    "tiff": encoded(drawn(), "TIFF"),
    "bmp": encoded(drawn(mode="RGB", ink="red"), "BMP"),
    "postscript": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n",
    "cut off": logo_file()[:-60],
    "cut off jpeg": encoded(drawn(mode="RGB", ink="red"), "JPEG")[:200],
    "too wide": encoded(drawn(601, 40)),
    "too high": encoded(drawn(40, 201)),
    "bomb": png_of(60_000, 60_000, zlib.compress(b"\x00" * 1_000_000)),
    "bomb of text": with_text("x", "A" * 5_000_000)[:MAX_BYTES],
    "too large": logo_file() + b"x" * MAX_BYTES,
    "nothing to be seen": encoded(Image.new("RGBA", (40, 40))),
    "no dots": b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 0, 0, 8, 6, 0, 0, 0)),
    "dots that are not there": png_of(200, 100, zlib.compress(b"\x00" * 10)),
    "broken stream": png_of(200, 100, b"\x00" * 100),
}


@pytest.mark.parametrize("data", REFUSED.values(), ids=REFUSED)
def test_what_is_no_logo_is_refused_with_a_way_out(data: bytes) -> None:
    with pytest.raises(UserError) as caught:
        read_picture(data)
    assert caught.value.mend


@pytest.mark.parametrize(
    "image",
    [
        drawn(),
        drawn(mode="RGB", ink="red"),
        drawn(mode="L", ink=200),
        drawn(mode="LA", ink=(20, 255)),
        drawn(mode="P", ink=3),
        drawn(mode="1", ink=1),
        Image.new("I;16", (100, 40), 30_000),
    ],
    ids=lambda image: image.mode,
)
def test_every_kind_of_png_is_read(image: Image.Image) -> None:
    opened(read_picture(encoded(image)))


@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
def test_every_kind_of_jpeg_is_read(mode: str) -> None:
    assert read_picture(encoded(Image.new(mode, (120, 40)), "JPEG")).width == 120


def test_sixteen_bits_a_dot_are_scaled_not_cut() -> None:
    picture = opened(read_picture(encoded(Image.new("I;16", (60, 28), 30_000))))
    assert picture.getpixel((10, 10)) == (117, 117, 117)


def test_nothing_is_kept_but_the_picture() -> None:
    exif = Image.Exif()
    exif[0x010E] = "taken at the office"
    hidden = [
        with_text("Author", "maria@example.com"),
        logo_file() + b"<script>alert(1)</script>PK\x03\x04",
        encoded(drawn(mode="RGB", ink="red"), "JPEG", exif=exif, comment=b"maria@example.com"),
        encoded(drawn(mode="RGB", ink="red"), "JPEG") + SVG,
    ]
    for data in hidden:
        stored = read_picture(data).data
        for secret in (b"maria", b"office", b"<script", b"<svg", b"PK\x03\x04", b"Exif"):
            assert secret not in stored


def test_only_the_first_frame_of_a_moving_picture() -> None:
    frames = [drawn(ink=(200, 0, 0, 255)), drawn(ink=(0, 0, 200, 255))]
    moving = encoded(frames[0], save_all=True, append_images=frames[1:], duration=100)
    picture = read_picture(moving)
    assert b"acTL" not in picture.data
    red, _, blue = opened(picture).getpixel((picture.height // 2, picture.height // 2))  # type: ignore[misc]
    assert red > blue


def test_a_picture_that_was_turned_stands_upright() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    lying = Image.new("RGB", (40, 160), "red")
    picture = read_picture(encoded(lying, "JPEG", exif=exif))
    assert picture.width > picture.height


@pytest.mark.parametrize(
    ("ink", "ground"),
    [
        ((20, 60, 120, 255), "light"),
        ((200, 30, 30, 255), "light"),
        ((255, 255, 255, 255), "dark"),
        ((240, 230, 140, 255), "dark"),
    ],
)
def test_a_transparent_picture_gets_a_ground_it_can_be_seen_on(
    ink: tuple[int, int, int, int], ground: str
) -> None:
    picture = opened(read_picture(encoded(drawn(ink=ink))))
    corner = "#{:02x}{:02x}{:02x}".format(*picture.getpixel((0, 0)))  # type: ignore[misc]
    assert (luminance(corner) > 0.5) == (ground == "light")


def test_an_opaque_picture_is_left_as_it_is() -> None:
    image = drawn(120, 40, mode="RGB", ink="red")
    assert opened(read_picture(encoded(image))).tobytes() == image.tobytes()


def test_no_more_dots_than_a_mail_shows_and_few_bytes() -> None:
    picture = read_picture(encoded(Image.effect_noise((600, 200), 90).convert("RGB"), "JPEG", quality=40))
    assert (picture.width, picture.height) == (288, 96)
    assert picture.media_type == "image/jpeg"
    assert len(picture.data) < 32 * 1024


@given(st.integers(1, 600), st.integers(1, 200))
def test_any_picture_is_shown_within_bounds_and_in_its_proportions(width: int, height: int) -> None:
    wide, high = shown_size(width, height)
    assert 1 <= wide <= MAX_SHOWN[0]
    assert 1 <= high <= MAX_SHOWN[1]
    assert abs(wide * height - high * width) <= width + height
    stored = min(width, 2 * wide), min(height, 2 * high)
    again = shown_size(*stored)
    assert abs(again[0] - wide) <= 2
    assert abs(again[1] - high) <= 2


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_damaged_files_are_read_or_refused_and_nothing_else(data: st.DataObject) -> None:
    whole = bytearray(
        data.draw(st.sampled_from([logo_file(), encoded(drawn(mode="RGB", ink="red"), "JPEG")]))
    )
    for place, value in data.draw(
        st.lists(st.tuples(st.integers(0, len(whole) - 1), st.integers(0, 255)), max_size=8)
    ):
        whole[place] = value
    end = data.draw(st.integers(0, len(whole)))
    try:
        picture = read_picture(bytes(whole[:end] if data.draw(st.booleans()) else whole))
    except UserError:
        return
    opened(picture)
