"""Account mails and their links: a forgotten password, an invitation, a new address.

A GET shows a page and changes nothing; a link that does not hold looks like any other that does not.
"""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Form, Request
from starlette.background import BackgroundTask
from starlette.responses import RedirectResponse, Response

from models.signin import LinkPurpose, SignInMethod
from services.errors import UserError
from services.fields import zone_names
from services.signin import links
from services.signin.credentials import confirm_new_address, join, request_reset, reset_password
from services.signin.letters import send_now
from services.signin.links import Held
from services.signin.passwords import MIN_LENGTH
from web.origin import require_own_form
from web.pages import Button, Field, FormPage, Page, answer, ask, gone
from web.routes import OWN_FORM, PAGE, look
from web.service import TheService
from web.signin import SIGN_IN, let_in, too_often

router = APIRouter()

_OWN = [Depends(require_own_form)]
_DIFFER = ("The two passwords differ", "Type the same one twice.")
_HINT = f"{MIN_LENGTH} characters or more: a few words that do not belong together make a good one."
_FORGOT = FormPage(
    title="Choose a new password",
    lead=("We mail you a link to choose one.",),
    fields=(Field("email", "E-mail address", "email", autocomplete="username"),),
    buttons=(Button("Mail me a link", "mail"),),
    links=(("Back to sign in", SIGN_IN),),
)
_MAILED = FormPage(
    title="Look into your mail",
    lead=(
        "If somebody here goes by this address, a mail with a link is on its way to it.",
        "Nothing came? Look among the junk, or ask whoever looks after Client Monitor where you work.",
    ),
    links=(("Back to sign in", SIGN_IN),),
)


@look(router, "/forgot", **PAGE)
def show_forgot() -> Response:
    """The form."""
    return ask(_FORGOT)


@router.post("/forgot", dependencies=_OWN, **OWN_FORM)
def forgot(request: Request, service: TheService, email: Annotated[str, Form()] = "") -> Response:
    """Mail a link to who goes by this address. The answer is there before anybody looks whether somebody does."""
    if not service.allows_attempt(request):
        return too_often()
    response = ask(_MAILED)
    response.background = BackgroundTask(_mail, email[:320], service.now)
    return response


@look(router, "/reset/{secret}", **PAGE)
def show_reset(secret: str, service: TheService) -> Response:
    """The form for a new password."""
    one = links.held(LinkPurpose.RESET, secret, service.now)
    return gone() if one is None else ask(_reset_page(one))


@router.post("/reset/{secret}", dependencies=_OWN, **OWN_FORM)
def reset(
    secret: str,
    request: Request,
    service: TheService,
    password: Annotated[str, Form()] = "",
    again: Annotated[str, Form()] = "",
) -> Response:
    """Set the new password. Everybody signs in with it anew, whoever set it too."""
    if not service.allows_attempt(request):
        return too_often()
    one = links.held(LinkPurpose.RESET, secret, service.now)
    if one is None:
        return gone()
    if password != again:
        return ask(_reset_page(one, _DIFFER), 422)
    try:
        account = reset_password(secret, password, now=service.now)
    except UserError as error:
        return ask(_reset_page(one, _told(error)), 422)
    if account is None:
        return gone()
    task = BackgroundTask(send_now, account.scope, service.now)
    return RedirectResponse(f"{SIGN_IN}?said=reset", 303, background=task)


@look(router, "/join/{secret}", **PAGE)
def show_join(secret: str, service: TheService) -> Response:
    """The form of an invitation."""
    one = links.held(LinkPurpose.INVITATION, secret, service.now)
    return gone() if one is None else ask(_join_page(one, one.user.name, one.user.timezone))


@router.post("/join/{secret}", dependencies=_OWN, **OWN_FORM)
def accept(
    secret: str,
    request: Request,
    service: TheService,
    name: Annotated[str, Form()] = "",
    timezone: Annotated[str, Form()] = "",
    password: Annotated[str, Form()] = "",
    again: Annotated[str, Form()] = "",
) -> Response:
    """Accept the invitation and sign in."""
    if not service.allows_attempt(request):
        return too_often()
    one = links.held(LinkPurpose.INVITATION, secret, service.now)
    if one is None:
        return gone()
    if password != again:
        return ask(_join_page(one, name, timezone, _DIFFER), 422)
    try:
        account = join(secret, name=name, password=password, timezone=timezone, now=service.now)
    except UserError as error:
        return ask(_join_page(one, name, timezone, _told(error)), 422)
    if account is None:
        return gone()
    return let_in(request, service, account, SignInMethod.PASSWORD, "/")


@look(router, "/new-address/{secret}", **PAGE)
def show_new_address(secret: str, service: TheService) -> Response:
    """Which address would be taken, with a button."""
    one = links.held(LinkPurpose.NEW_ADDRESS, secret, service.now)
    return gone() if one is None else ask(_address_page(one))


@router.post("/new-address/{secret}", dependencies=_OWN, **OWN_FORM)
def take_new_address(secret: str, request: Request, service: TheService) -> Response:
    """Take the address."""
    if not service.allows_attempt(request):
        return too_often()
    one = links.held(LinkPurpose.NEW_ADDRESS, secret, service.now)
    try:
        done = confirm_new_address(secret, now=service.now)
    except UserError as error:
        return gone() if one is None else ask(_address_page(one, _told(error)), 422)
    if done is None:
        return gone()
    page = answer(
        Page(
            title="Your address is changed",
            about=(done.link.new_email or "",),
            lead=("Mail comes there from now on, and you sign in with it.", "Your old address was told."),
            business=done.business.name,
        )
    )
    page.background = BackgroundTask(send_now, done.scope, service.now)
    return page


def _mail(address: str, now: datetime) -> None:
    for scope in request_reset(address, now=now):
        send_now(scope, now)


def _told(error: UserError) -> tuple[str, ...]:
    return tuple(_sentence(text) for text in (str(error), error.mend) if text)


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}{'' if text.endswith('.') else '.'}"


def _passwords() -> tuple[Field, ...]:
    return (
        Field("password", "New password", "password", autocomplete="new-password", hint=_HINT),
        Field("again", "The same again", "password", autocomplete="new-password"),
    )


def _whose(one: Held) -> Field:
    return Field("email", "E-mail address", "email", one.user.email, autocomplete="username", is_fixed=True)


def _reset_page(one: Held, error: tuple[str, ...] = ()) -> FormPage:
    return FormPage(
        title="Choose a new password",
        error=error,
        fields=(_whose(one), *_passwords()),
        buttons=(Button("Set the password", "set"),),
        note="Every browser that is signed in to your account will be signed out.",
        business=one.business.name,
    )


def _join_page(one: Held, name: str, timezone: str, error: tuple[str, ...] = ()) -> FormPage:
    return FormPage(
        title=f"Welcome to {one.business.name}",
        lead=("News about your clients, checked, and mailed once. A password, and you are in.",),
        error=error,
        fields=(
            _whose(one),
            Field("name", "Your name", value=name[:200], autocomplete="name"),
            Field(
                "timezone",
                "Your time zone",
                value=timezone,
                options=zone_names(),
                hint="Your mail comes at your time of day.",
            ),
            *_passwords(),
        ),
        buttons=(Button("Accept the invitation", "join"),),
        business=one.business.name,
    )


def _address_page(one: Held, error: tuple[str, ...] = ()) -> FormPage:
    return FormPage(
        title="Change your address?",
        lead=(f"{one.user.name} would get mail at this address, and sign in with it:",),
        error=error,
        fields=(Field("email", "New address", "email", one.link.new_email or "", is_fixed=True),),
        buttons=(Button("Yes, use this address", "change"),),
        note="Nothing is changed until you press the button.",
        business=one.business.name,
    )
