"""The mails about accounts, and sending them without waiting for the next tick."""

import logging
from datetime import datetime
from uuid import UUID

from models.accounts import User
from models.mail import Channel, DeliveryKind
from models.scope import Scope
from models.signin import AccountLink
from tasks.notify.notices import post
from tasks.notify.outbox import send_due
from tasks.notify.stage import SEND_BATCH, transport_for

_log = logging.getLogger(__name__)

_NOT_YOU = "If you did not ask for this, you need do nothing: without the link nothing changes."


def invitation(
    scope: Scope, user: User, link: AccountLink, address: str, *, business: str, by: str, at: datetime
) -> None:
    """``by`` is who invites, in words; empty when the person asked to get in themselves."""
    who = f"{by} has invited you" if by else "You have been invited"
    _post(
        scope,
        user,
        f"invitation:{link.id}",
        f"Your invitation to Client Monitor at {business}",
        (
            f"{who} to {business}'s Client Monitor: news about your clients, checked, and mailed once.",
            "Choose a password to begin. The link works once, for 14 days.",
        ),
        at,
        action=("Accept the invitation", address),
    )


def reset(scope: Scope, user: User, link: AccountLink, address: str, *, business: str, at: datetime) -> None:
    _post(
        scope,
        user,
        f"reset:{link.id}",
        "Choose a new password",
        (
            f"Somebody asked for a new password for your account at {business}.",
            "The link works once, for an hour.",
            _NOT_YOU,
        ),
        at,
        action=("Choose a new password", address),
    )


def password_changed(scope: Scope, user: User, *, at: datetime) -> None:
    _post(
        scope,
        user,
        f"password:{user.id}:{at:%Y%m%d%H%M%S%f}",
        "Your password was changed",
        (
            "Your password for Client Monitor was changed, and every other browser was signed out.",
            'If it was not you, choose a new one at once ("Forgot your password?" on the sign-in page), '
            "and tell whoever looks after Client Monitor where you work.",
        ),
        at,
    )


def new_address(scope: Scope, user: User, link: AccountLink, address: str, *, at: datetime) -> None:
    """To the new address: only who reads there can confirm it."""
    _post(
        scope,
        user,
        f"new-address:{link.id}",
        "Confirm your new address",
        (
            f"{user.name} asked for mail from Client Monitor to come to this address, and to sign in with it.",
            "The link works once, for 24 hours.",
            _NOT_YOU,
        ),
        at,
        action=("Confirm this address", address),
        recipient=link.new_email or "",
    )


def address_changed(scope: Scope, user: User, link_id: UUID, *, old: str, at: datetime) -> None:
    """To the old address, so that a change nobody wanted is seen."""
    _post(
        scope,
        user,
        f"address-changed:{link_id}",
        "Your address was changed",
        (
            "Your account at Client Monitor has another e-mail address now. No more mail will come here.",
            "If it was not you, tell whoever looks after Client Monitor where you work, today.",
        ),
        at,
        recipient=old,
    )


def send_now(scope: Scope, now: datetime) -> None:
    """Send what is due of the tenant. What fails stays in the outbox, for the next tick: nothing is raised."""
    try:
        send_due(scope, now, transport_for(Channel.EMAIL), limit=SEND_BATCH)
    except Exception as error:
        _log.warning("account mail waits for the next tick: %s", type(error).__name__)


def _post(
    scope: Scope,
    user: User,
    cause: str,
    heading: str,
    body: tuple[str, ...],
    at: datetime,
    *,
    action: tuple[str, str] | None = None,
    recipient: str = "",
) -> None:
    post(
        scope,
        user,
        DeliveryKind.SYSTEM,
        cause,
        heading=heading,
        body=body,
        at=at,
        action=action,
        recipient=recipient,
    )
