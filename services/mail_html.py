"""A stored mail's page made fit to be shown: nothing in it loads, runs, leads anywhere or acts in its reader's name.

The frame it is shown in should be sandboxed as well; this page holds without.
"""

import re
from base64 import b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from lxml import etree
from lxml.html import HtmlElement, HTMLParser, document_fromstring

_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; form-action 'none'; base-uri 'none'"
_TAGS = frozenset(
    "html head title style body table thead tbody tfoot tr td th p div span a h1 h2 h3 h4 strong b em i small "
    "br hr ul ol li img center blockquote".split()
)
_ATTRIBUTES = (
    "class style align valign width height cellpadding cellspacing border bgcolor role dir lang alt scope "
    "colspan rowspan aria-hidden data-emails".split()
)
# What stands inside these is no text of the mail; of any other unknown element the text stays.
_WHOLE = frozenset(
    "script noscript iframe frame frameset object applet svg math template form input button select textarea "
    "option audio video source track canvas link meta base xmp plaintext noembed noframes".split()
)
# A backslash spells any of them in another way.
_BAD_CSS = re.compile(r"url\s*\(|image-set|@import|expression|behaviou?r|-moz-binding|\\|<", re.IGNORECASE)
_IMAGE_TYPES = ("image/png", "image/jpeg")


@dataclass(frozen=True, slots=True)
class Inline:
    """An image that travels in the mail itself."""

    media_type: str
    data: bytes

    @property
    def uri(self) -> str:
        """As an address that holds the image; empty for what is none we show."""
        if self.media_type not in _IMAGE_TYPES:
            return ""
        return f"data:{self.media_type};base64,{b64encode(self.data).decode('ascii')}"


def harmless(html: str, images: Mapping[str, Inline], words: Callable[[str], str]) -> str:
    """The page with known elements and attributes alone: links lead nowhere, only ``images`` (by Content-ID, without
    brackets) are shown, and every text has passed ``words``. Empty for an empty page."""
    if not html.strip():
        return ""
    try:
        page = document_fromstring(html, parser=HTMLParser(remove_comments=True, remove_pis=True))
    except (etree.LxmlError, ValueError):
        return ""
    for element in list(page.iter()):
        _mend(element, images, words)
    head = page.find("head")
    if head is None:
        head = etree.Element("head")
        page.insert(0, head)
    for index, attributes in enumerate(
        ({"charset": "utf-8"}, {"http-equiv": "Content-Security-Policy", "content": _POLICY})
    ):
        head.insert(index, etree.Element("meta", attributes))
    return str(etree.tostring(page, method="html", encoding="unicode", doctype="<!DOCTYPE html>"))


def _mend(element: HtmlElement, images: Mapping[str, Inline], words: Callable[[str], str]) -> None:
    if element.tail:
        element.tail = words(element.tail)
    tag = element.tag if isinstance(element.tag, str) else ""
    if tag in _WHOLE or not tag:
        _drop(element)
        return
    if tag == "style":
        if _BAD_CSS.search(element.text or ""):
            element.text = ""
    elif element.text:
        element.text = words(element.text)
    # By name and all at once: broken markup has attributes whose names lxml can neither look up nor take away.
    given = {name: value for name in (*_ATTRIBUTES, "src") if (value := element.get(name)) is not None}
    element.attrib.clear()
    source = given.pop("src", "")
    for name, value in given.items():
        if not (name == "style" and _BAD_CSS.search(value)):
            element.set(name, words(value) if name == "alt" else value)
    if tag == "img":
        shown = images.get(source.removeprefix("cid:"))
        if shown is not None and shown.uri:
            element.set("src", shown.uri)
        else:
            _drop(element)
    elif tag not in _TAGS:
        element.drop_tag()


def _drop(element: HtmlElement) -> None:
    if element.getparent() is not None:
        element.drop_tree()
