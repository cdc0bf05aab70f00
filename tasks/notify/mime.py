"""Puts a rendered mail into the bytes that are stored and sent: the same words give the same bytes, always.

Written here rather than by `emails`, which draws its boundaries at random, nests multipart/alternative in
related in mixed, and writes every body in base64: a retry could not send the bytes of the first attempt
(`emails` inlines the CSS, see `inline`). And not by the standard library's `EmailMessage`, which folds a word
longer than a line into encoded words: a List-Unsubscribe address too, which no mail program would read back.
"""

import re
from base64 import encodebytes
from binascii import b2a_qp
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from email.header import Header
from email.utils import format_datetime, parseaddr
from hashlib import sha256

from tasks.notify.logo import Logo
from tasks.notify.render import Rendered
from tasks.notify.safe import clean
from tasks.notify.subject import MAX_SUBJECT

_LINE = 76
_LONGEST_LINE = 990
"""RFC 5322 allows 998 characters a line."""
_LONGEST_VALUE = 4000
_TOKEN = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,60}")
_ADDRESS = re.compile(
    r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*"
    r"@[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)*"
)
_MESSAGE_ID = re.compile(r"<[!#-;=?A-Z^-~]{1,200}@[!#-;=?A-Z^-~]{1,200}>")
_PLAIN_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~ -]*")
_OURS = frozenset(
    "from to cc bcc reply-to subject date message-id mime-version auto-submitted x-auto-response-suppress".split()
)


def build_mime(
    rendered: Rendered,
    *,
    mail_from: str,
    mail_to: str,
    to_name: str = "",
    message_id: str,
    date: datetime,
    reply_to: str = "",
    headers: Mapping[str, str] | None = None,
) -> bytes:
    """The message as it goes to the server: CRLF, ASCII, multipart/alternative with the text first; a logo stands with
    the page, as its multipart/related.

    ``mail_from`` and ``reply_to`` are "Name <a@x>" or "a@x", ``mail_to`` one bare address, ``message_id`` with its
    angle brackets, ``headers`` further ones such as List-Unsubscribe. Raises ValueError for an address, id or
    header name that could not be written as it stands; text (names, subject, header values) is made one line.
    """
    if not _MESSAGE_ID.fullmatch(message_id):
        raise ValueError(f"not a Message-ID: {message_id!r}; it reads <left@right>")
    if date.tzinfo is None:
        raise ValueError("a mail's date needs a time zone")
    sender_name, sender = _mailbox(mail_from)
    fields = {
        "From": _with_name(sender_name, sender),
        "To": _with_name(to_name, _address(mail_to)),
        **({"Reply-To": _with_name(*_mailbox(reply_to))} if reply_to else {}),
        "Subject": _encoded("Subject", clean(rendered.subject, MAX_SUBJECT) or "Client Monitor"),
        "Date": format_datetime(date.astimezone(UTC)),
        "Message-ID": message_id,
        # RFC 3834: no out-of-office note answers us.
        "Auto-Submitted": "auto-generated",
        # Exchange goes by a header of its own. Not "All": that would suppress reports of failed delivery as well.
        "X-Auto-Response-Suppress": "OOF, AutoReply",
    }
    for name, value in (headers or {}).items():
        if not _TOKEN.fullmatch(name) or name.lower() in _OURS or name.lower().startswith("content-"):
            raise ValueError(f"not a header that may be added: {name!r}")
        if name.lower() in {key.lower() for key in fields}:
            raise ValueError(f"header given twice: {name!r}")
        fields[name] = _value(name, value)
    html = _part(rendered.html, "html")
    if rendered.logo is not None:
        # Below the text's alternative: who reads text gets no picture, and none is shown as an attachment.
        html = _multipart("related", f"{message_id} related", [html, _image(rendered.logo)], type="text/html")
    body = _multipart("alternative", message_id, [_part(rendered.text, "plain"), html])
    return _head({**fields, "MIME-Version": "1.0"}) + body


def _multipart(subtype: str, seed: str, parts: Sequence[bytes], **parameters: str) -> bytes:
    """Parts as one, with the header that says so; ``seed`` tells its boundary from every other."""
    # Made of the Message-ID, so that it is the same again; "=_" stands in neither encoding of a body.
    boundary = f"=_{sha256(seed.encode()).hexdigest()[:32]}"
    told = "".join(f'; {name}="{value}"' for name, value in {**parameters, "boundary": boundary}.items())
    line = f"--{boundary}".encode("ascii")
    inside = b"".join(line + b"\r\n" + part + b"\r\n" for part in parts)
    return _head({"Content-Type": f"multipart/{subtype}{told}"}) + b"\r\n" + inside + line + b"--\r\n"


def _image(logo: Logo) -> bytes:
    fields = {
        "Content-Type": f'{logo.media_type}; name="{logo.file_name}"',
        "Content-Transfer-Encoding": "base64",
        "Content-ID": f"<{logo.content_id}>",
        "Content-Disposition": f'inline; filename="{logo.file_name}"',
    }
    return _head(fields) + b"\r\n" + _base64(logo.data)


def _head(fields: Mapping[str, str]) -> bytes:
    return "".join(f"{_fold(name, value)}\r\n" for name, value in fields.items()).encode("ascii")


def _part(text: str, subtype: str) -> bytes:
    """One body with its header, in the shorter of the two encodings that survive every relay."""
    raw = re.sub(r"\r\n?|\n", "\r\n", text).encode("utf-8", "replace")
    quoted, plain = _quoted(raw), _base64(raw)
    named, body = ("quoted-printable", quoted) if len(quoted) <= len(plain) else ("base64", plain)
    fields = {"Content-Type": f'text/{subtype}; charset="utf-8"', "Content-Transfer-Encoding": named}
    return _head(fields) + b"\r\n" + body


def _quoted(raw: bytes) -> bytes:
    # In C, and unlike email.quoprimime it leaves the line ends that are there.
    return b2a_qp(raw, istext=True)


def _base64(raw: bytes) -> bytes:
    return encodebytes(raw).replace(b"\n", b"\r\n")


def _address(text: str) -> str:
    """One bare address in ASCII; a domain in another script becomes its ``xn--`` form."""
    local, at, domain = text.strip(" ").rpartition("@")
    try:
        address = f"{local}{at}{domain.encode('idna').decode('ascii') if not domain.isascii() else domain}"
    except UnicodeError:
        address = ""
    if not _ADDRESS.fullmatch(address) or len(address) > 254 or len(local) > 64:
        raise ValueError(f"not one mail address we can write to: {text!r}")
    return address


def _mailbox(text: str) -> tuple[str, str]:
    """The name and address of "Name <a@x>" or "a@x"."""
    if "<" not in text:
        return "", _address(text)
    name, bracket, rest = text.rpartition("<")
    if not bracket or not rest.rstrip().endswith(">"):
        raise ValueError(f"not a sender: {text!r}; it reads Name <address>")
    return parseaddr(f"{clean(name, 200)} <x@x>")[0] or clean(name, 200), _address(rest.rstrip()[:-1])


def _with_name(name: str, address: str) -> str:
    """A mailbox as it stands in From and To; the name cannot pass for another address."""
    name = clean(name, 60)
    if not name:
        return address
    if not name.isascii() or "=?" in name:
        shown = Header(name, "utf-8", maxlinelen=_LINE, header_name="From").encode(linesep="\n")
    elif _PLAIN_NAME.fullmatch(name):
        shown = name
    else:
        shown = '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return f"{shown} <{address}>"


def _value(name: str, value: str) -> str:
    if len(value) > _LONGEST_VALUE:
        raise ValueError(f"header {name} is too long for a mail")
    return _encoded(name, clean(value, _LONGEST_VALUE))


def _encoded(name: str, value: str) -> str:
    """Unstructured text, as RFC 2047 words where ASCII does not do."""
    # "=?" too: a headline that looks like an encoded word would be decoded into something else.
    if value.isascii() and "=?" not in value:
        return value
    return Header(value, "utf-8", maxlinelen=_LINE, header_name=name).encode(linesep="\n")


def _fold(name: str, value: str) -> str:
    """The header's lines, joined by CRLF, each at most 76 characters where its blanks allow."""
    lines: list[str] = []
    for words in (line.split(" ") for line in re.split(r"\n ", value)):
        current = words[0] if lines else f"{name}: {words[0]}"
        for word in words[1:]:
            # A line of blanks alone would end the header, so a blank is folded only before a word.
            if len(current) + 1 + len(word) > _LINE and word and current.strip():
                lines.append(current)
                current = word
            else:
                current = f"{current} {word}"
        lines.append(current)
    if any(len(line) > _LONGEST_LINE for line in lines):
        raise ValueError(f"header {name} has a word too long for a mail")
    return "\r\n ".join(lines)
