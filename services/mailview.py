"""A mail as it was sent, for whoever may look: what it said, with nothing left in it that acts.

A mail's links act in its reader's name (unsubscribe, feedback, an invitation), and whoever holds one is taken for the
reader. So none leaves here: not in the page, not in the text, not in a header, not in the file to keep.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage
from urllib.parse import urlsplit
from uuid import UUID

from sqlmodel import Session, select

from models.audit import record
from models.engine import reading, writing
from models.mail import Delivery, DeliveryKind
from models.scope import Scope
from models.settings import get_settings
from services.accounts import is_admin
from services.errors import UserError
from services.mail_html import Inline, harmless
from tasks.notify.claim import stored_bytes
from tasks.notify.transports.file import file_name

READ = "mail.read"
"""The audit log's word for somebody else's mail that was opened."""
HIDDEN = "[hidden]"
_SHOWN = (
    "From",
    "To",
    "Reply-To",
    "Date",
    "Subject",
    "Message-ID",
    "List-Unsubscribe",
    "List-Unsubscribe-Post",
)
_KEPT = (*_SHOWN, "Auto-Submitted", "X-Auto-Response-Suppress")
_ADDRESS = re.compile(r"https?://[^\s<>\"'\])}]+", re.IGNORECASE)
_TOKEN = re.compile(r"[\w-]{20,}\.[\w-]{20,}")
"""As `models.tokens` writes them: a mail of before CM_PUBLIC_URL was changed is known by these."""
_SECRET = re.compile(r"(?<![\w./@:-])(?=[\w-]*(?:\d|_|[a-z][A-Z]))[\w-]{20,}(?:\.[\w-]+)*")
"""A word of a system mail that nobody would write."""
_WORD = re.compile(r"[a-z][a-z-]{0,23}")


@dataclass(frozen=True, slots=True)
class MailView:
    """What a mail said."""

    subject: str
    headers: tuple[tuple[str, str], ...]
    """Those people ask about, decoded, in the order a mail program shows them."""
    html: str
    """A whole page to show in a sandboxed frame: loads nothing, leads nowhere. Empty for a mail without one."""
    text: str
    eml: bytes
    """The message to keep or to look at in a mail program; its signature no longer holds."""
    file_name: str


def view(scope: Scope, delivery_id: UUID) -> MailView | None:
    """A mail as it was sent; None where its bytes are not kept: not written yet, or past their time.

    A person reads their own. Everybody else's is the admins' alone, and each look is a line of the audit log, written
    before anything is shown. PermissionError, UserError for an id that is none.
    """
    with reading(scope) as session:
        mail = session.exec(select(Delivery).where(Delivery.id == delivery_id)).first()
        data = stored_bytes(session, delivery_id)
    is_own = mail is not None and scope.user_id is not None and mail.user_id == scope.user_id
    if not is_own and not is_admin(scope):
        raise PermissionError(f"a {scope.role.value} may read their own mail only")
    if mail is None:
        raise UserError(f"there is no mail {delivery_id}", "client-monitor mail list shows them")
    if data is None:
        return None
    if not is_own:
        with writing(scope) as session:
            _note(scope, session, mail)
    return shown(data, mail)


def shown(data: bytes, mail: Delivery) -> MailView:
    """What the stored bytes of a mail say."""
    message = message_from_bytes(data, policy=policy.SMTP.clone(refold_source="none"))
    words = _Words(is_secret=mail.kind is DeliveryKind.SYSTEM)
    texts, images = _parts(message)
    return MailView(
        subject=words(_header(message, "Subject")),
        headers=tuple(
            (name, words(value) if name.startswith("List-") else value)
            for name in _SHOWN
            if (value := _header(message, name))
        ),
        html=harmless(texts.get("html", ""), images, words),
        text=words(texts.get("plain", "")),
        eml=_file(message, texts, images, words),
        file_name=file_name(mail.message_id or str(mail.id)),
    )


def _note(scope: Scope, session: Session, mail: Delivery) -> None:
    record(scope, session, READ, str(mail.id), reader=str(mail.user_id) if mail.user_id else "")


class _Words:
    """Text without anything in it that acts. ``is_secret``: the mail's own business is a link that works once, so no
    address of it keeps more than the words of its path."""

    def __init__(self, *, is_secret: bool) -> None:
        self._is_secret = is_secret
        self._ours = urlsplit(get_settings().public_url).netloc.lower()

    def __call__(self, text: str) -> str:
        told = _ADDRESS.sub(lambda found: self._address(found.group()), text)
        told = _TOKEN.sub(HIDDEN, told)
        return _SECRET.sub(HIDDEN, told) if self._is_secret else told

    def _address(self, url: str) -> str:
        try:
            parts = urlsplit(url)
        except ValueError:
            return HIDDEN
        if not (self._is_secret or parts.netloc.lower() == self._ours or _TOKEN.search(url)):
            return url
        kept: list[str] = []
        segments = parts.path.strip("/").split("/") if parts.path.strip("/") else []
        for segment in segments:
            if not _WORD.fullmatch(segment):
                break
            kept.append(segment)
        is_cut = len(kept) < len(segments) or parts.query or parts.fragment
        host = parts.netloc.rpartition("@")[2]
        return "/".join([f"{parts.scheme}://{host}", *kept, *([HIDDEN] if is_cut else [])])


def _parts(message: EmailMessage) -> tuple[dict[str, str], dict[str, Inline]]:
    """The first text of each kind, and the images by Content-ID."""
    texts: dict[str, str] = {}
    images: dict[str, Inline] = {}
    for part in message.walk():
        kind, content_id = part.get_content_type(), str(part.get("Content-ID", "")).strip().strip("<>")
        if kind in ("text/plain", "text/html"):
            texts.setdefault(part.get_content_subtype(), _text(part))
        elif part.get_content_maintype() == "image" and content_id:
            images.setdefault(content_id, Inline(kind, _bytes(part)))
    return texts, images


def _file(
    message: EmailMessage, texts: Mapping[str, str], images: Mapping[str, Inline], words: "_Words"
) -> bytes:
    """The message put together again from what is known of it: nothing else of the stored bytes comes along."""
    made = EmailMessage(policy=policy.SMTP)
    for name in _KEPT:
        if value := _header(message, name):
            made[name] = words(value) if name.startswith("List-") else value
    made.set_content(words(texts.get("plain", "")), cte="base64")
    if "html" in texts:
        made.add_alternative(words(texts["html"]), subtype="html", cte="base64")
        page = made.get_body(("html",))
        for content_id, image in images.items():
            if isinstance(page, EmailMessage) and image.uri:
                kind = image.media_type.removeprefix("image/")
                page.add_related(image.data, "image", kind, cid=f"<{content_id}>", disposition="inline")
    return made.as_bytes()


def _header(message: EmailMessage, name: str) -> str:
    return _unbroken(" ".join(str(message.get(name, "")).split()))


def _bytes(part: EmailMessage) -> bytes:
    found = part.get_payload(decode=True)
    return found if isinstance(found, bytes) else b""


def _text(part: EmailMessage) -> str:
    charset = part.get_content_charset("utf-8")
    try:
        told = _bytes(part).decode(charset, "replace")
    except (LookupError, ValueError):
        told = _bytes(part).decode("utf-8", "replace")
    return _unbroken(told.replace("\r\n", "\n"))


def _unbroken(text: str) -> str:
    """Text that can be written in UTF-8 again."""
    return text.encode("utf-8", "replace").decode("utf-8")
