"""Which mail a person gets: stopped and resumed by links in mails, kind by kind.

To unsubscribe is a suppression of that kind of mail with reason ``unsubscribed``: it holds from the next send on, is
seen and lifted by admins like any other, and leaves the news in the app. What a person stopped, the same person
resumes; what a bounce or a complaint stopped, only an admin does.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session

from models.accounts import UserPreference, stored_preference, user_by_email
from models.audit import record
from models.base import utc_now
from models.engine import reading, writing
from models.mail import EVERY_TOPIC, DeliveryKind
from models.returns import SuppressionReason, forget_hits, suppressions
from models.scope import Scope
from services.accounts import is_admin, lock_business
from services.suppression import lift_rows, suppress

NEWS = (DeliveryKind.DIGEST, DeliveryKind.EVENT)
"""The mail that carries news: what "all news mail" means. Service messages (invitations) are not in it."""


@dataclass(frozen=True, slots=True)
class Standing:
    """What one address gets by mail now."""

    stopped: frozenset[DeliveryKind]
    """Kinds the person unsubscribed from."""
    blocked: str = ""
    """Why nothing at all goes there, in a word of ``SuppressionReason``; empty when mail does."""
    consented_at: datetime | None = None
    """Since when opens and clicks may be kept under the person's name."""


def standing(scope: Scope, address: str) -> Standing:
    """What this address gets now. Reads only. One's own, or an admin's to see."""
    with reading(scope) as session:
        _require_own_address(scope, session, address)
        rows = suppressions(scope, session, recipient=address)
        wants = stored_preference(scope, session, scope.user_id) if scope.user_id else None
    own = SuppressionReason.UNSUBSCRIBED.value
    kinds = {kind.value: kind for kind in DeliveryKind}
    return Standing(
        stopped=frozenset(kinds[row.topic] for row in rows if row.reason == own and row.topic in kinds),
        blocked=next((row.reason for row in rows if row.topic == EVERY_TOPIC), ""),
        consented_at=wants.tracking_consent_at if wants else None,
    )


def stop(
    scope: Scope, address: str, kinds: Collection[DeliveryKind], *, how: str, now: datetime | None = None
) -> None:
    """Send no more mail of these kinds to the address. Stopping twice is stopping once. ``how`` is kept."""
    at = now or utc_now()
    with writing(scope) as session:
        lock_business(scope, session)
        _require_own_address(scope, session, address)
        for kind in kinds:
            reason = SuppressionReason.UNSUBSCRIBED
            suppress(scope, session, address, reason, topic=kind.value, detail=how, now=at)


def resume(
    scope: Scope, address: str, kinds: Collection[DeliveryKind], *, how: str, now: datetime | None = None
) -> None:
    """Undo what the person stopped themselves; nothing of the past is sent after all."""
    topics = {kind.value for kind in kinds}
    with writing(scope) as session:
        lock_business(scope, session)
        _require_own_address(scope, session, address)
        rows = [
            row
            for row in suppressions(scope, session, recipient=address)
            if row.reason == SuppressionReason.UNSUBSCRIBED.value and row.topic in topics
        ]
        lift_rows(scope, session, rows, how, now=now or utc_now())


def consent(scope: Scope, given: bool, *, now: datetime | None = None) -> None:
    """Whether the scope's person agrees that opens and clicks are kept under their name. PermissionError for nobody.

    Withdrawing takes away what was kept.
    """
    at = now or utc_now()
    with writing(scope) as session:
        wants = _own_preference(scope, session)
        if (wants.tracking_consent_at is not None) == given:
            return
        wants.tracking_consent_at = at if given else None
        wants.updated_at = at
        session.add(wants)
        if not given and scope.user_id is not None:
            forget_hits(scope, session, scope.user_id)
        record(scope, session, "tracking.consent_given" if given else "tracking.consent_withdrawn")


def _own_preference(scope: Scope, session: Session) -> UserPreference:
    if scope.user_id is None:
        raise PermissionError("consent is a person's: say whose")
    stored = stored_preference(scope, session, scope.user_id)
    return stored or UserPreference(business_id=scope.business, user_id=scope.user_id)


def _require_own_address(scope: Scope, session: Session, address: str) -> None:
    if is_admin(scope):
        return
    person = user_by_email(scope, session, address)
    if person is None or person.id != scope.user_id:
        raise PermissionError(f"a {scope.role.value} may say what comes to their own address only")
