"""The pages behind the links of mails: one template, plain language, nothing from elsewhere.

A page says whose setting changes, what happens, and how to undo it. What comes from the world is escaped and cleaned.
"""

from base64 import b64encode
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template
from markupsafe import Markup
from starlette.responses import HTMLResponse

_TEMPLATES = Path(__file__).parent / "templates"


@dataclass(frozen=True, slots=True)
class Button:
    """``value`` is what a POST of the page's own address carries as ``do``."""

    label: str
    value: str
    quiet: bool = False


@dataclass(frozen=True, slots=True)
class Row:
    """One thing that can be on or off, and the button that changes it."""

    name: str
    state: str
    button: Button | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """What a page says, in the order it says it."""

    title: str
    about: tuple[str, ...] = ()
    """What it is about, set off; the first line is its name."""
    lead: tuple[str, ...] = ()
    rows: tuple[Row, ...] = ()
    buttons: tuple[Button, ...] = ()
    """The first is the one meant."""
    note: str = ""
    business: str = ""
    whose: str = ""
    """The masked address of whose mail it was."""


@dataclass(frozen=True, slots=True)
class Field:
    """One thing a form asks for. ``kind`` and ``autocomplete`` are HTML's; ``options`` makes it a choice."""

    name: str
    label: str
    kind: str = "text"
    value: str = ""
    autocomplete: str = ""
    hint: str = ""
    options: tuple[str, ...] = ()
    is_fixed: bool = False


@dataclass(frozen=True, slots=True)
class Aside:
    """Another way to go on, below the form: a button that posts to ``target``."""

    words: str
    label: str
    target: str


@dataclass(frozen=True, slots=True)
class FormPage:
    """A page that asks for something. Its form posts to its own address, or to ``target``."""

    title: str
    lead: tuple[str, ...] = ()
    done: str = ""
    """What was done before."""
    error: tuple[str, ...] = ()
    """What was wrong with what was sent, and how to mend it."""
    fields: tuple[Field, ...] = ()
    hidden: tuple[tuple[str, str], ...] = ()
    buttons: tuple[Button, ...] = ()
    target: str = ""
    links: tuple[tuple[str, str], ...] = ()
    """Words and address."""
    asides: tuple[Aside, ...] = ()
    note: str = ""
    business: str = ""

    @property
    def focus(self) -> int:
        """The first field that is still to be filled in."""
        wanted = (number for number, one in enumerate(self.fields) if not (one.value or one.is_fixed))
        return next(wanted, -1)


GONE = Page(
    title="This link does not work",
    lead=(
        "It may have expired, or it was not copied whole. Nothing was changed.",
        "Open the link from the newest mail you have, or ask whoever looks after Client Monitor where you work.",
    ),
)


def answer(page: Page, status: int = 200) -> HTMLResponse:
    """The page as a response."""
    return _written("page.html", page, status)


def ask(page: "FormPage", status: int = 200) -> HTMLResponse:
    """A page with a form as a response."""
    response = _written("form.html", page, status)
    # With no referrer at all, browsers say of a form that they do not know where it comes from.
    response.headers["Referrer-Policy"] = "same-origin"
    return response


def gone() -> HTMLResponse:
    """The same for every link that does not hold, so that nobody learns which ones once did."""
    return answer(GONE, 404)


@cache
def style() -> str:
    """The style sheet that stands in every page."""
    return (_TEMPLATES / "page.css").read_text(encoding="utf-8")


@cache
def style_hash() -> str:
    """What the Content-Security-Policy knows the style sheet by."""
    return f"sha256-{b64encode(sha256(style().encode()).digest()).decode()}"


def _written(template: str, page: Page | FormPage, status: int) -> HTMLResponse:
    html = _template(template).render(page=page, style=Markup(style()))  # noqa: S704  our own file
    return HTMLResponse(html, status_code=status)


@cache
def _template(name: str) -> Template:
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    return environment.get_template(name)
