"""Where a request comes from: whether a form was one of ours, and whether somebody sits at this machine."""

from ipaddress import ip_address
from urllib.parse import urlsplit

from fastapi import HTTPException, Request

from models.settings import Settings
from web.service import TheService

_FORWARDED = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip")


def require_own_form(request: Request, service: TheService) -> None:
    """HTTPException 403 unless the form that is posted stands on one of our pages.

    Browsers say so themselves (Sec-Fetch-Site); where they do not, by plain http, Origin names the page's host.
    """
    site = request.headers.get("sec-fetch-site")
    if site is None:
        is_own = _host(request.headers.get("origin")) in _own_hosts(request, service.settings)
    else:
        is_own = site == "same-origin"
    if not is_own:
        raise HTTPException(403)


def is_at_this_machine(request: Request, settings: Settings) -> bool:
    """Whether it is asked here, of a service that is for here: no proxy between, no name but the loopback's."""
    peer = request.client.host if request.client else ""
    hosts = [request.headers.get("host"), urlsplit(settings.public_url).netloc]
    if "origin" in request.headers:
        hosts.append(_host(request.headers["origin"]))
    return (
        settings.environment != "production"
        and _is_loopback(peer)
        and all(_is_loopback(urlsplit(f"//{host}").hostname) for host in hosts)
        and not any(name in request.headers for name in _FORWARDED)
    )


def _own_hosts(request: Request, settings: Settings) -> set[str]:
    named = {request.headers.get("host", ""), urlsplit(settings.public_url).netloc}
    return {host.lower() for host in named if host}


def _host(origin: str | None) -> str:
    return urlsplit(origin).netloc.lower() if origin else ""


def _is_loopback(host: str | None) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host or "").is_loopback
    except ValueError:
        return False
