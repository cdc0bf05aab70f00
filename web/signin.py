"""The way in and out: address and password, the demo's button, signing out. A GET shows a page and changes nothing."""

import re
from typing import Annotated
from urllib.parse import quote, urlsplit

from fastapi import APIRouter, Depends, Form, Request
from starlette.responses import RedirectResponse, Response

from models.settings import Settings
from models.signin import SignInMethod
from services.signin import ticket as tickets
from services.signin import viewer_of
from services.signin.attempt import Account, check_password
from services.signin.cookie import cookie_name, is_encrypted
from services.signin.demo import demo_account
from services.signin.sessions import LIFETIME, begin, end
from tasks.notify.links import PREFIX
from web.origin import is_at_this_machine, require_own_form
from web.pages import Aside, Button, Field, FormPage, Page, answer, ask, gone
from web.routes import OWN_FORM, PAGE, look
from web.service import Service, TheService

router = APIRouter()

SIGN_IN = f"{PREFIX}/sign-in"
_REFUSED = (
    "That did not work",
    "The address or the password is not right, or there were too many attempts. "
    "Wait a few minutes, or choose a new password.",
)
_SAID = {
    "out": "You are signed out.",
    "reset": "Your new password is set, and every browser was signed out. Sign in with it.",
}
_TOO_OFTEN = Page("Too many attempts", lead=("Please wait a minute, then try again. Nothing was changed.",))
_PROVIDER_COOKIES = re.compile(r"_streamlit_user(_tokens)?(_\d+)?")


@look(router, "/sign-in", **OWN_FORM)
def show_sign_in(request: Request, service: TheService, next: str = "", said: str = "") -> Response:
    """The form, unless somebody is signed in already."""
    if viewer_of(request.cookies.get(cookie_name(service.settings)), now=service.now) is not None:
        return RedirectResponse(own_path(next), 303)
    return ask(_page(request, service, next, done=_SAID.get(said, "")))


@router.post("/sign-in", dependencies=[Depends(require_own_form)], **OWN_FORM)
def sign_in(
    request: Request,
    service: TheService,
    email: Annotated[str, Form()] = "",
    password: Annotated[str, Form()] = "",
    next: Annotated[str, Form()] = "",
    ticket: Annotated[str, Form()] = "",
    do: Annotated[str, Form()] = "",
) -> Response:
    """Let somebody in by address and password; where both are right in several businesses, ask for which."""
    if not service.allows_attempt(request):
        return too_often()
    if ticket:
        chosen = [one for one in tickets.accounts_of(ticket, service.now) if str(one.user_id) == do]
        if chosen:
            return let_in(request, service, chosen[0], SignInMethod.PASSWORD, next)
        return ask(_page(request, service, next, error=_REFUSED), 401)
    found = check_password(email, password, now=service.now)
    if not found:
        return ask(_page(request, service, next, email=email, error=_REFUSED), 401)
    if len(found) > 1:
        return ask(_choice(found, tickets.issue(found, service.now), next))
    return let_in(request, service, found[0], SignInMethod.PASSWORD, next)


@look(router, "/sign-out", **PAGE)
def show_sign_out(request: Request, service: TheService) -> Response:
    """Who would be signed out, with a button."""
    viewer = viewer_of(request.cookies.get(cookie_name(service.settings)), now=service.now)
    whose = f"You are {viewer.name}, at {viewer.business_name}." if viewer else "Nobody is signed in here."
    return ask(
        FormPage(
            title="Sign out?",
            lead=(whose,),
            buttons=(Button("Sign out", "sign-out"),),
            links=(("Back to Client Monitor", "/"),),
            business=viewer.business_name if viewer else "",
        )
    )


@router.post("/sign-out", dependencies=[Depends(require_own_form)], **OWN_FORM)
def sign_out(request: Request, service: TheService) -> Response:
    """End the session of this browser, and forget what an identity provider said of it."""
    name = cookie_name(service.settings)
    end(request.cookies.get(name), now=service.now)
    response = RedirectResponse(f"{SIGN_IN}?said=out", 303)
    secure = is_encrypted(service.settings)
    response.delete_cookie(name, path="/", secure=secure, httponly=True, samesite="lax")
    for other in filter(_PROVIDER_COOKIES.fullmatch, request.cookies):
        response.delete_cookie(other, path="/", httponly=True, samesite="lax")
    return response


@router.post("/demo", dependencies=[Depends(require_own_form)], **OWN_FORM)
def sign_in_to_demo(request: Request, service: TheService) -> Response:
    """One click into the demo, for who sits at the machine that runs it; for everybody else there is no such page."""
    account = demo_account() if is_at_this_machine(request, service.settings) else None
    if account is None:
        return gone()
    return let_in(request, service, account, SignInMethod.DEMO, "/")


def let_in(
    request: Request, service: Service, account: Account, method: SignInMethod, where: str
) -> Response:
    """A new session in this browser, in place of the one it had, and on to where they wanted to go."""
    name = cookie_name(service.settings)
    token = begin(
        account.scope,
        account.user_id,
        method,
        user_agent=request.headers.get("user-agent", ""),
        replaces=request.cookies.get(name),
        now=service.now,
    )
    response = RedirectResponse(own_path(where), 303)
    response.set_cookie(
        name,
        token,
        max_age=int(LIFETIME.total_seconds()),
        path="/",
        secure=is_encrypted(service.settings),
        httponly=True,
        samesite="lax",
    )
    return response


def own_path(wanted: str) -> str:
    """A path of the app, as it was wanted; "/" for whatever leads, or might be made to lead, anywhere else."""
    if not re.fullmatch(r"/(?![/\\])[!-\[\]-~]*", wanted) or len(wanted) > 1_000:
        return "/"
    parts = urlsplit(wanted)
    if parts.scheme or parts.netloc or (parts.path + "/").startswith(f"{PREFIX}/"):
        return "/"
    return wanted


def too_often() -> Response:
    """The answer to who tries too often."""
    response = answer(_TOO_OFTEN, 429)
    response.headers["Retry-After"] = "60"
    return response


def _page(
    request: Request,
    service: Service,
    wanted: str,
    *,
    email: str = "",
    done: str = "",
    error: tuple[str, ...] = (),
) -> FormPage:
    settings = service.settings
    kept = own_path(wanted)
    return FormPage(
        title="Sign in",
        done=done,
        error=error,
        fields=(
            Field("email", "E-mail address", "email", value=email[:320], autocomplete="username"),
            Field("password", "Password", "password", autocomplete="current-password"),
        ),
        hidden=(("next", kept),) if kept != "/" else (),
        buttons=(Button("Sign in", "sign-in"),),
        # Without the query, so that what was said before is not said again.
        target=SIGN_IN,
        links=(("Forgot your password?", f"{PREFIX}/forgot"), *_by_provider(settings, kept)),
        asides=_demo(request, settings),
    )


def _by_provider(settings: Settings, kept: str) -> tuple[tuple[str, str], ...]:
    return (
        (("Sign in with your organisation", quote(kept, safe="/?&=%-._~")),)
        if settings.oidc_metadata_url
        else ()
    )


def _demo(request: Request, settings: Settings) -> tuple[Aside, ...]:
    if not is_at_this_machine(request, settings) or demo_account() is None:
        return ()
    words = "The demo: invented clients, invented news, nothing to set up. Only on this machine."
    return (Aside(words, "Look around in the demo", f"{PREFIX}/demo"),)


def _choice(found: list[Account], ticket: str, wanted: str) -> FormPage:
    kept = own_path(wanted)
    return FormPage(
        title="Where to?",
        lead=("Your address and password are right in more than one business.",),
        hidden=(("ticket", ticket), *((("next", kept),) if kept != "/" else ())),
        buttons=tuple(Button(one.business, str(one.user_id), quiet=True) for one in found),
        target=SIGN_IN,
        note="To go to another one later, sign out and in again.",
    )
