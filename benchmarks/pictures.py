"""The pictures of the mails in the docs: ``make pictures``.

Each kind of mail at the width of a desktop, at that of a phone, and in the dark, of invented companies, by Chromium.
Nothing is loaded: the pages are the mails' own.
"""

import argparse
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

from benchmarks.machine import ROOT

FOLDER = ROOT / "docs" / "images"
BUSINESS = "Northgate Partners"
KINDS = {
    "instant": "instant",
    "digest": "daily",
    "weekly": "weekly",
    "alert": "alert",
    "invitation": "system",
}
WITH_LOGO = ("weekly", "invitation")
_CHROMIUM = "/usr/bin/chromium"
_COLOURS = 64


@dataclass(frozen=True, slots=True)
class View:
    """How a mail is looked at."""

    suffix: str
    width: int
    scale: float
    scheme: str


VIEWS = (View("", 720, 1.25, "light"), View("-phone", 375, 1.5, "light"), View("-dark", 720, 1.25, "dark"))


def main(arguments: Sequence[str]) -> None:
    """Draw them all, or those named, into docs/images."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.pictures", description=__doc__)
    parser.add_argument("kinds", nargs="*", metavar="KIND", help=", ".join(KINDS))
    parser.add_argument("--to", type=Path, default=FOLDER)
    asked = parser.parse_args(arguments)
    for name, data in taken(asked.kinds or list(KINDS)):
        (asked.to / name).write_bytes(data)
        sys.stdout.write(f"{name}: {len(data):,} bytes\n")


def taken(kinds: Sequence[str]) -> Iterator[tuple[str, bytes]]:
    """File names and PNGs."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=_CHROMIUM if Path(_CHROMIUM).exists() else None,
            args=["--no-sandbox", "--disable-dev-shm-usage"],
        )
        for name in kinds:
            html = page_of(name)
            for view in VIEWS:
                yield f"mail-{name}{view.suffix}.png", _shot(browser, html, view)
        browser.close()


def page_of(name: str) -> str:
    """A mail's page, its logo inside."""
    from services.mail_html import Inline
    from services.sample_letter import sample_letter
    from tasks.notify.letter import Look
    from tasks.notify.render import render

    logo = _logo() if name in WITH_LOGO else None
    html = render(sample_letter(KINDS[name], BUSINESS, Look(logo=logo))).html  # type: ignore[arg-type]
    if logo is not None:
        html = html.replace(f"cid:{logo.content_id}", Inline(logo.media_type, logo.data).uri)
    return html


def _shot(browser: Any, html: str, view: View) -> bytes:
    context = browser.new_context(
        viewport={"width": view.width, "height": 400},
        device_scale_factor=view.scale,
        color_scheme=view.scheme,
        java_script_enabled=False,
    )
    context.route("**/*", lambda route: route.abort())
    page = context.new_page()
    page.set_content(html)
    data: bytes = page.screenshot(full_page=True, animations="disabled")
    context.close()
    with Image.open(BytesIO(data)) as image:
        if image.width > view.width * view.scale + 1:
            raise RuntimeError(f"the mail is wider than {view.width} points")
        return _png(_with_few_colours(image.convert("RGB")))


def _with_few_colours(image: Image.Image) -> Image.Image:
    """A screenshot with no more colours than its letters need: the commonest as they are, the rest as near to them as
    can be."""
    dots = np.asarray(image).reshape(-1, 3)
    colours, where, counts = np.unique(dots, axis=0, return_inverse=True, return_counts=True)
    kept = colours[np.argsort(-counts)[:_COLOURS]]
    # Pillow's own search for the nearest is coarse enough to make white grey.
    nearest = ((colours[:, None].astype(int) - kept[None].astype(int)) ** 2).sum(axis=2).argmin(axis=1)
    few = Image.frombytes("P", image.size, nearest[where].astype(np.uint8).tobytes())
    few.putpalette(kept.tobytes())
    return few


def _logo() -> Any:
    """An invented mark: a gate of two posts and a bar, with the name's letters in blocks beside it."""
    from services.logos import read_picture
    from tasks.notify.logo import Logo, shown_size

    image = Image.new("RGBA", (360, 96), (0, 0, 0, 0))
    draw = ImageDraw.Draw(image)
    green, ink = (15, 118, 110, 255), (30, 41, 59, 255)
    draw.rounded_rectangle((4, 8, 84, 88), 18, fill=green)
    for box in ((24, 30, 34, 70), (54, 30, 64, 70), (20, 24, 68, 32)):
        draw.rectangle(box, fill="white")
    draw.text((104, 20), "Northgate", fill=ink, font_size=42)
    picture = read_picture(_png(image))
    width, height = shown_size(picture.width, picture.height)
    return Logo.model_validate(
        {"media_type": picture.media_type, "data": picture.data, "width": width, "height": height}
    )


def _png(image: Image.Image) -> bytes:
    written = BytesIO()
    image.save(written, "PNG", optimize=True)
    return written.getvalue()


if __name__ == "__main__":
    main(sys.argv[1:])
