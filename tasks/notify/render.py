"""Writes a mail: from a letter to its subject, its page and its plain text. No clock, no network.

Every string of the letter passes `clean` and every address `safe_url` before a template sees it (`page`); the
templates escape what is left. CSS is inlined in the templates' source when they are first loaded, so one
mail costs one Jinja rendering.
"""

import re
import textwrap
from functools import lru_cache
from pathlib import Path

from jinja2 import Environment, StrictUndefined, Template, select_autoescape
from pydantic import BaseModel, ConfigDict

from tasks.notify.colour import lighter
from tasks.notify.inline import InliningLoader
from tasks.notify.letter import ACCENT, BACKGROUND, Letter
from tasks.notify.logo import Logo
from tasks.notify.page import in_short, page_of

_TEMPLATES = Path(__file__).parent / "templates"
_WIDTH = 74
_ACCENT_IN_DARK = "#8fc3f7"
MAX_HTML = 100_000
"""Bytes: Gmail cuts a page at 102 kB, footer and all. One that is longer is written again, in less room."""
_ROOM = (
    *((1, 999, 999), (2, 999, 999), (1, 10, 999), (2, 10, 999), (4, 10, 999), (4, 0, 999)),
    *((4, 0, 50), (4, 0, 25), (4, 0, 10)),
)
"""How much of each text there is room for (all, a half, a quarter), how many stories stand in full, and how many more
in a line. The plain text has them all."""


class Rendered(BaseModel):
    """A mail's words, ready for `build_mime`. ``subject`` and ``preheader`` are single plain lines."""

    model_config = ConfigDict(frozen=True)

    subject: str
    preheader: str
    html: str
    text: str
    logo: Logo | None = None
    """The picture the page calls by its content id."""


def render(letter: Letter) -> Rendered:
    """The mail's words. The same letter gives the same result, character for character."""
    name = "notice.html" if letter.kind in {"alert", "system"} else "digest.html"
    template = _template(name, letter.look.accent, letter.look.background)
    for share, full, lines in _ROOM:
        page = page_of(letter, share)
        html = _tidy_html(template.render(page=in_short(page, full, lines)))
        if len(html.encode()) <= MAX_HTML:
            break
    return Rendered(
        subject=page.subject,
        preheader=page.preheader,
        html=html,
        text=_tidy_text(_template("mail.txt", ACCENT, BACKGROUND).render(page=page)),
        logo=page.logo,
    )


@lru_cache(maxsize=64)
def _environment(accent: str, background: str) -> Environment:
    colours = {} if accent == ACCENT else {ACCENT: accent, _ACCENT_IN_DARK: lighter(accent)}
    if background != BACKGROUND:
        colours[BACKGROUND] = background
    environment = Environment(
        loader=InliningLoader(_TEMPLATES, "mail.css", colours),
        autoescape=select_autoescape(disabled_extensions=("txt",), default=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    environment.filters["wrap"] = _wrap
    return environment


def _template(name: str, accent: str, background: str) -> Template:
    return _environment(accent, background).get_template(name)


def _wrap(text: str, first: str = "", rest: str = "") -> str:
    """Lines of at most 74 characters, except where one word is longer."""
    return textwrap.fill(
        text,
        _WIDTH,
        initial_indent=first,
        subsequent_indent=rest,
        break_long_words=False,
        break_on_hyphens=False,
    )


def _tidy_html(html: str) -> str:
    """Without the blank lines that template statements leave; every value is one line already."""
    return re.sub(r"\n\s*\n+", "\n", html).strip() + "\n"


def _tidy_text(text: str) -> str:
    # "-- " with its blank is how mail programs know a signature.
    lines = [line if line == "-- " else line.rstrip() for line in text.split("\n")]
    return re.sub(r"\n{4,}", "\n\n\n", "\n".join(lines)).strip() + "\n"
