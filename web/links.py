"""Links about mail itself: stop a kind of mail, at once by RFC 8058 or with a button, and see what one gets.

A GET shows a page and changes nothing: scanners open every link. Each POST may come twice.
"""

from typing import Annotated

from fastapi import APIRouter, Form
from starlette.responses import Response

from models.mail import DeliveryKind
from models.tokens import Purpose
from services.mail_links import Visit, masked
from services.subscriptions import NEWS, Standing, consent, resume, standing, stop
from tasks.filter.rules import KIND_WORDS
from web.pages import Button, Page, Row, answer, gone
from web.routes import PAGE, look
from web.service import TheService

router = APIRouter()

_BLOCKED = {
    "hard_bounce": "mail to it came back for good",
    "soft_bounces": "mail to it kept coming back",
    "complaint": "a mail to it was reported as spam",
    "unsubscribed": "it was unsubscribed from everything at the mail provider",
}


@look(router, f"/{Purpose.UNSUBSCRIBE}/{{token}}", **PAGE)
def show_unsubscribe(token: str, service: TheService) -> Response:
    """What would be stopped, with a button."""
    visit = service.visit(Purpose.UNSUBSCRIBE, token)
    return gone() if visit is None else answer(_unsubscribe_page(visit))


@router.post(f"/{Purpose.UNSUBSCRIBE}/{{token}}", **PAGE)
def unsubscribe(
    token: str,
    service: TheService,
    do: Annotated[str, Form()] = "",
    one_click: Annotated[str, Form(alias="List-Unsubscribe")] = "",
) -> Response:
    """Stop this kind of mail, or all news mail, or resume what was stopped here."""
    visit = service.visit(Purpose.UNSUBSCRIBE, token)
    if visit is None:
        return gone()
    address, kind = visit.delivery.recipient, visit.delivery.kind
    if one_click == "One-Click":
        stop(visit.scope, address, [kind], how="one-click link of a mail", now=service.now)
    elif do == "stop":
        stop(visit.scope, address, [kind], how="link of a mail", now=service.now)
    elif do == "stop-all":
        stop(visit.scope, address, {kind, *NEWS}, how="link of a mail", now=service.now)
    elif do == "resume":
        resume(visit.scope, address, {kind, *NEWS}, how="resumed by a link of a mail", now=service.now)
    return answer(_unsubscribe_page(visit))


def _unsubscribe_page(visit: Visit) -> Page:
    kind, whose = visit.delivery.kind, masked(visit.delivery.recipient)
    stopped = standing(visit.scope, visit.delivery.recipient).stopped
    all_news = {*NEWS} <= stopped
    if kind in stopped:
        what = "news mail" if all_news else KIND_WORDS[kind]
        return Page(
            title=f"No more {what}",
            lead=(
                f"{whose} gets no more {what} from {visit.business.name}.",
                "The news itself is still there, in Client Monitor.",
            ),
            buttons=(Button(f"Undo: send {what} again", "resume", quiet=True),),
            business=visit.business.name,
            whose=whose,
        )
    every = () if all_news else (Button("Stop all news mail", "stop-all"),)
    return Page(
        title=f"Stop {KIND_WORDS[kind]}?",
        lead=(
            f"{visit.business.name} sends {KIND_WORDS[kind]} to {whose}.",
            "Once stopped, the news is still there in Client Monitor, and you can undo it here.",
        ),
        buttons=(Button(f"Stop {KIND_WORDS[kind]}", "stop"), *every),
        note="Nothing is stopped until you press a button.",
        business=visit.business.name,
        whose=whose,
    )


@look(router, f"/{Purpose.PREFERENCES}/{{token}}", **PAGE)
def show_preferences(token: str, service: TheService) -> Response:
    """What this person gets by mail."""
    visit = service.visit(Purpose.PREFERENCES, token)
    return gone() if visit is None else answer(_preferences_page(visit))


@router.post(f"/{Purpose.PREFERENCES}/{{token}}", **PAGE)
def change_preferences(token: str, service: TheService, do: Annotated[str, Form()] = "") -> Response:
    """Stop or resume one kind of mail; agree to opens and clicks under one's name, or withdraw that."""
    visit = service.visit(Purpose.PREFERENCES, token)
    if visit is None:
        return gone()
    action, _, named = do.partition(":")
    kinds = [kind for kind in NEWS if kind.value == named]
    if action == "stop":
        stop(visit.scope, visit.delivery.recipient, kinds, how="mail preferences", now=service.now)
    elif action == "resume":
        resume(visit.scope, visit.delivery.recipient, kinds, how="mail preferences", now=service.now)
    elif action == "consent" and visit.scope.user_id is not None and named in {"yes", "no"}:
        consent(visit.scope, named == "yes", now=service.now)
    return answer(_preferences_page(visit))


def _preferences_page(visit: Visit) -> Page:
    whose = masked(visit.delivery.recipient)
    now = standing(visit.scope, visit.delivery.recipient)
    rows = [_kind_row(kind, now) for kind in NEWS]
    if visit.scope.user_id is not None and (visit.business.tracking_enabled or now.consented_at):
        rows.append(_consent_row(now))
    lead: tuple[str, ...] = (f"What {visit.business.name} sends to {whose}.",)
    if now.blocked:
        why = _BLOCKED.get(now.blocked, "it was blocked")
        lead = (*lead, f"At present nothing is sent to this address: {why}. An admin can lift that.")
    return Page(
        title="Your mail from Client Monitor",
        lead=lead,
        rows=tuple(rows),
        note="How often, about which clients and at what time: that is set in Client Monitor, under Preferences.",
        business=visit.business.name,
        whose=whose,
    )


def _kind_row(kind: DeliveryKind, now: Standing) -> Row:
    name = KIND_WORDS[kind][:1].upper() + KIND_WORDS[kind][1:]
    if kind in now.stopped:
        return Row(name, "Stopped", Button("Resume", f"resume:{kind.value}"))
    return Row(name, "Sent as set in your preferences", Button("Stop", f"stop:{kind.value}"))


def _consent_row(now: Standing) -> Row:
    name = "Opens and clicks under your name"
    if now.consented_at is None:
        return Row(name, "Not kept: only totals are counted", Button("Allow", "consent:yes"))
    since = f"{now.consented_at.day} {now.consented_at:%B %Y}"
    return Row(name, f"Kept since {since}, as you agreed", Button("Withdraw and erase", "consent:no"))
