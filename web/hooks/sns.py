"""Amazon SNS envelopes: signed by a certificate that Amazon serves, from Amazon's own hosts alone."""

import json
import re
from base64 import b64decode
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA1, SHA256
from cryptography.x509 import Certificate, load_pem_x509_certificate

from web.hooks.reading import Unreadable, is_timely, moment

NOTIFICATION, SUBSCRIPTION = "Notification", "SubscriptionConfirmation"
Fetch = Callable[[str], bytes]
"""The document at an https address; raises what the HTTP client raises."""

_HOST = re.compile(r"sns\.[a-z]{2}(?:-[a-z]+)+-\d\.amazonaws\.com(?:\.cn)?")
# What is signed, in this order, of each type of message.
_SIGNED = {
    NOTIFICATION: ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"),
    SUBSCRIPTION: ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"),
}
# Version 1 is what topics sign with unless told otherwise.
_DIGESTS = {"1": SHA1, "2": SHA256}
_KEPT = 16
"""Certificates: one a region, changed once a year."""


@dataclass(frozen=True, slots=True)
class Envelope:
    """One message of SNS as it came in; nothing in it is believed before ``Verifier.is_genuine``."""

    fields: Mapping[str, str]

    def __getitem__(self, name: str) -> str:
        return self.fields.get(name, "")


def open_envelope(body: bytes) -> Envelope:
    """The envelope, read. Unreadable when it is none, or of a type that is not for us."""
    try:
        said = json.loads(body)
    except ValueError:
        said = None
    if not isinstance(said, dict) or said.get("Type") not in _SIGNED:
        raise Unreadable("not a message of SNS")
    return Envelope({name: value for name, value in said.items() if isinstance(value, str)})


def is_amazons(url: str, suffix: str = "") -> bool:
    """Whether an address is on a host of SNS itself: https, no port, no credentials, a path that ends so."""
    try:
        parts = urlsplit(url)
        plain = parts.port is None and parts.username is None and parts.password is None
    except ValueError:
        return False
    host = parts.netloc.lower()
    return parts.scheme == "https" and plain and bool(_HOST.fullmatch(host)) and parts.path.endswith(suffix)


class Verifier:
    """Checks signatures; keeps the certificates it fetched."""

    def __init__(self, fetch: Fetch) -> None:
        self._fetch = fetch
        self._certificates: OrderedDict[str, Certificate] = OrderedDict()

    def is_genuine(self, envelope: Envelope, now: datetime) -> bool:
        """Whether SNS signed this message, lately. Fetches a certificate that is not known yet."""
        digest = _DIGESTS.get(envelope["SignatureVersion"])
        url = envelope["SigningCertURL"]
        if digest is None or not is_amazons(url, ".pem"):
            return False
        # A date that cannot be read counts as now: it is signed, so Amazon wrote it.
        if not is_timely(moment(envelope["Timestamp"], now), now):
            return False
        try:
            certificate = self._certificate(url)
            key = certificate.public_key()
            in_force = certificate.not_valid_before_utc <= now <= certificate.not_valid_after_utc
            if not in_force or not isinstance(key, RSAPublicKey):
                return False
            key.verify(b64decode(envelope["Signature"]), _signed_text(envelope), PKCS1v15(), digest())
        except (ValueError, InvalidSignature):
            return False
        return True

    def _certificate(self, url: str) -> Certificate:
        known = self._certificates.get(url)
        if known is None:
            known = load_pem_x509_certificate(self._fetch(url))
            self._certificates[url] = known
            if len(self._certificates) > _KEPT:
                self._certificates.popitem(last=False)
        return known

    def confirm(self, envelope: Envelope) -> bool:
        """Answer a topic that asks whether it may report to us; whether its address was Amazon's."""
        if not is_amazons(envelope["SubscribeURL"]):
            return False
        self._fetch(envelope["SubscribeURL"])
        return True


def _signed_text(envelope: Envelope) -> bytes:
    names = (name for name in _SIGNED[envelope["Type"]] if name in envelope.fields)
    return "".join(f"{name}\n{envelope[name]}\n" for name in names).encode()
