"""Colours as WCAG 2 measures them."""

_DARK_CARD = "#191f25"
"""What links lie on in dark mode."""
READABLE = 4.5
"""The contrast WCAG AA asks of text."""


def luminance(colour: str) -> float:
    """Relative luminance of ``#rrggbb``, 0 (black) to 1 (white)."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """The contrast of two colours, 1 to 21."""
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def lighter(colour: str, than: str = _DARK_CARD, ratio: float = 7.0) -> str:
    """The colour mixed with as much white as it needs to be read on a dark ground."""
    parts = [int(colour[i : i + 2], 16) for i in (1, 3, 5)]
    for share in range(0, 101, 5):
        mixed = "#" + "".join(f"{round(p + (255 - p) * share / 100):02x}" for p in parts)
        if contrast(mixed, than) >= ratio:
            return mixed
    return "#ffffff"
