"""Who really receives what a provider is sent: an address somebody filled in counts, not the one in the brochure."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from models.settings import Settings
from tasks.about import About

_ADDRESS_SETTINGS = {
    "openai": "openai_base_url",
    "anthropic": "anthropic_base_url",
    "openai_compatible": "compatible_base_url",
    "google_news": "google_news_url",
}


def recipient_of(about: About, name: str, options: Mapping[str, Any], settings: Settings) -> str:
    """The recipient as an admin must know it: the host in force where it is not the provider's own."""
    host = (
        _host(options.get("base_url"))
        or _host(settings.source_urls.get(name))
        or _host(_setting(settings, name))
    )
    return about.recipient if host is None else f"{host}, in place of {about.recipient}"


def _setting(settings: Settings, name: str) -> str | None:
    field = _ADDRESS_SETTINGS.get(name)
    if field is None:
        return None
    value: str = getattr(settings, field)
    return None if value == Settings.model_fields[field].default else value


def _host(address: object) -> str | None:
    try:
        return urlsplit(address).hostname if isinstance(address, str) and address else None
    except ValueError:
        return None
