"""Logos for tests, drawn here."""

from io import BytesIO
from typing import Any

from PIL import Image, ImageDraw


def encoded(image: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    written = BytesIO()
    image.save(written, kind, **options)
    return written.getvalue()


def drawn(
    width: int = 240, height: int = 80, *, mode: str = "RGBA", ink: Any = (20, 60, 120, 255)
) -> Image.Image:
    """An ellipse on a transparent (or empty) ground."""
    image = Image.new(mode, (width, height))
    ImageDraw.Draw(image).ellipse((4, 4, width - 5, height - 5), fill=ink)
    return image


def logo_file(width: int = 240, height: int = 80) -> bytes:
    """A small PNG as an admin would give it."""
    return encoded(drawn(width, height))
