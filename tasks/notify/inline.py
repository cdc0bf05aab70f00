"""Loads mail templates with their CSS already inlined: once a process, so that a mail costs no inlining.

`emails` (premailer, lxml) rewrites the template's source, in which every Jinja expression is a token of
plain letters, and the expressions are put back afterwards. So lxml never sees a value from the world, and
what autoescape wrote is what goes out. It holds as long as an expression stands in text or within an
attribute's quotes; one that makes up a tag or an attribute's name is refused.
"""

import re
from collections.abc import Callable, Mapping
from pathlib import Path

from emails.message import Message
from jinja2 import BaseLoader, Environment, TemplateNotFound

# The title goes with the expressions: what emails 1.1.3 means to cut is an empty <title/>, what it cuts is
# everything from any title to the next "/>".
_EXPRESSION = re.compile(r"<title>.*?</title>|\{\{.*?\}\}|\{%.*?%\}|\{#.*?#\}", re.DOTALL)
_TAG = re.compile(r"<!--.*?-->|<[a-z/!][^>]*>", re.DOTALL | re.IGNORECASE)
_TOKEN = re.compile(r"<!--jinja(\d+)x-->|jinja(\d+)x")
_QUOTED = re.compile(r'"[^"]*"')
_EMPTY = re.compile(r"<(?!(?:area|br|col|hr|img|input|link|meta|wbr)\b)([a-z][a-z0-9]*)([^<>]*?)\s*/>")
_CUT = "<!--cut-->"
_DOCTYPE = "<!DOCTYPE html>"


class InliningLoader(BaseLoader):
    """Templates of one folder; ``*.html`` get ``css_file``'s rules as style attributes.

    A page keeps the ``<style data-emails="ignore">`` it has (dark mode, phone widths). A template that does
    not start with a doctype is a fragment: it must hold whole elements.
    """

    def __init__(self, folder: Path, css_file: str, colours: Mapping[str, str] | None = None) -> None:
        """``colours`` are taken in place of those the files name."""
        self._folder = folder
        self._css_file = css_file
        self._colours = colours or {}

    def get_source(
        self,
        environment: Environment,
        template: str,
    ) -> tuple[str, str | None, Callable[[], bool] | None]:
        path = self._folder / template
        if path.parent != self._folder or not path.is_file():
            raise TemplateNotFound(template)
        source = path.read_text(encoding="utf-8")
        if template.endswith(".html"):
            css = (self._folder / self._css_file).read_text(encoding="utf-8")
            for own, taken in self._colours.items():
                source, css = source.replace(own, taken), css.replace(own, taken)
            source = inline_css(source, css)
        # No file name: line numbers of the inlined source would mislead.
        return source, None, None


def inline_css(source: str, css: str) -> str:
    """Jinja HTML ``source`` with ``css`` as style attributes, its expressions untouched. Fetches nothing."""
    expressions: list[str] = []

    def token(match: re.Match[str]) -> str:
        expressions.append(match.group())
        return f"jinja{len(expressions) - 1}x"

    tokened = _EXPRESSION.sub(token, source)
    page = _mark_text(tokened)
    style = f"<style>{css}</style>"
    whole = page.lstrip().lower().startswith("<!doctype")
    if whole:
        page = page.replace("</head>", f"{style}</head>", 1)
    else:
        page = f"<html><head>{style}</head><body>{_CUT}{page}{_CUT}</body></html>"
    message = Message(html=page)
    message.transform(
        css_inline=True,
        load_images=False,
        remove_unsafe_tags=False,
        set_content_type_meta=False,
        disable_validation=True,
    )
    # The transformer writes XML, in which an empty cell closes itself; to a browser that is an open tag.
    html = _EMPTY.sub(r"<\1\2></\1>", message.html)
    html = f"{_DOCTYPE}\n{html}" if whole else html.split(_CUT)[1]
    back = _TOKEN.sub(lambda match: expressions[int(match.group(1) or match.group(2))], html)
    if len(_TOKEN.findall(html)) != len(expressions):
        raise ValueError("inlining lost a Jinja expression: it stands where HTML allows no comment")
    return back


def _mark_text(source: str) -> str:
    """``source`` with each token outside tags as a comment, which HTML allows between table rows too."""
    parts: list[str] = []
    end = 0
    for tag in _TAG.finditer(source):
        if _TOKEN.search(_QUOTED.sub("", tag.group())) and not tag.group().startswith("<!--"):
            raise ValueError(f"a Jinja expression must stand within quotes: {tag.group()}")
        parts += [_TOKEN.sub(r"<!--\g<0>-->", source[end : tag.start()]), tag.group()]
        end = tag.end()
    parts.append(_TOKEN.sub(r"<!--\g<0>-->", source[end:]))
    return "".join(parts)
