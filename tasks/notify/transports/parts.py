"""A stored mail taken apart, for providers that take its parts and put the message together themselves."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import Message
from email.utils import parseaddr


@dataclass(frozen=True, slots=True)
class Image:
    """A picture the page calls by its ``content_id``, which stands without brackets."""

    content_id: str
    media_type: str
    file_name: str
    data: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Parts:
    """What a reader sees of a mail, decoded."""

    subject: str
    sender_name: str
    sender: str
    recipient_name: str
    recipient: str
    """Whom it was written for: its To header."""
    reply_to: str
    text: str
    html: str
    headers: tuple[tuple[str, str], ...]
    """All the others, in order: List-Unsubscribe, Auto-Submitted and such."""
    images: tuple[Image, ...] = ()


_STRUCTURAL = {
    *("from", "to", "cc", "bcc", "subject", "reply-to", "date", "mime-version", "dkim-signature", "received"),
    *("content-type", "content-transfer-encoding"),
}


def take_apart(data: bytes) -> Parts:
    """The parts of a message; a body it does not have is empty. Line ends of bodies are single newlines."""
    message = message_from_bytes(data, policy=policy.default)
    bodies = {
        kind: str(part.get_content()).replace("\r\n", "\n")
        for kind in ("plain", "html")
        if (part := message.get_body((kind,))) is not None
    }
    sender_name, sender = parseaddr(str(message["From"] or ""))
    recipient_name, recipient = parseaddr(str(message["To"] or ""))
    return Parts(
        subject=str(message["Subject"] or ""),
        sender_name=sender_name,
        sender=sender,
        recipient_name=recipient_name,
        recipient=recipient,
        reply_to=parseaddr(str(message["Reply-To"] or ""))[1],
        text=bodies.get("plain", ""),
        html=bodies.get("html", ""),
        headers=tuple(
            (name, str(value)) for name, value in message.items() if name.lower() not in _STRUCTURAL
        ),
        images=tuple(_images(message)),
    )


def _images(message: Message) -> Iterator[Image]:
    for part in message.walk():
        content_id, data = str(part["Content-ID"] or "").strip(" <>"), part.get_payload(decode=True)
        if part.get_content_maintype() == "image" and content_id and isinstance(data, bytes):
            yield Image(content_id, part.get_content_type(), part.get_filename() or "image", data)
