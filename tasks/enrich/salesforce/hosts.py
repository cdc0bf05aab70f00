"""Where a token may be sent: to Salesforce, or to the gateway the operator put in front of it, and nowhere else."""

import re
from urllib.parse import urlsplit

from tasks.enrich.crm import CrmError

_SALESFORCE = re.compile(r"(?:[a-z0-9-]+\.)+(?:salesforce\.com|force\.com|salesforce\.mil)")


def safe_base(url: str, gateway: str | None = None) -> str:
    """``https://host`` of an address that is Salesforce's, else CrmError: addresses come from tenants and answers.

    The operator's ``gateway`` (``CM_SOURCE_URLS``) is the one other address that will do.
    """
    if gateway is not None and url.rstrip("/") == gateway.rstrip("/"):
        return gateway.rstrip("/")
    try:
        parts = urlsplit(url)
        host = (parts.hostname or "").rstrip(".")
        is_plain = parts.scheme == "https" and parts.port in (None, 443) and "@" not in parts.netloc
    except ValueError:
        host, is_plain = "", False
    if is_plain and _SALESFORCE.fullmatch(host):
        return f"https://{host}"
    shown = re.sub(r"[^a-z0-9.-]", "?", host)[:100] or "an address without a host"
    raise CrmError(
        f"Salesforce: {shown} is not an https address of Salesforce: use your My Domain, https://….my.salesforce.com"
    )
