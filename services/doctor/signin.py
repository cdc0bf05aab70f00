"""Whether anybody can get in, and whether operators are people."""

from sqlmodel import Session, col, select

from models.accounts import Business, User, UserState
from models.scope import Role
from models.settings import Settings
from models.signin import Credential
from services.doctor.checks import Check
from services.doctor.database import from_ledger


def check_signin(settings: Settings) -> list[Check]:
    """Each business has an owner who can sign in, and every operator is an active person of some business."""
    return from_ledger(settings, lambda session: _signin(session, settings))


def _signin(session: Session, settings: Settings) -> list[Check]:
    checks = [*_locked_out(session, settings), *_unknown_operators(session, settings)]
    way = "password, or the organisation's accounts" if settings.oidc_metadata_url else "password"
    return checks or [Check.ok("sign-in", f"by {way}")]


def _locked_out(session: Session, settings: Settings) -> list[Check]:
    """Businesses whose owners have no password; with a provider they need none."""
    if settings.oidc_metadata_url:
        return []
    owners = (
        select(User.email, Business.slug, Credential.id)
        .join(Business, col(Business.id) == User.business_id)
        .outerjoin(Credential, col(Credential.user_id) == User.id)
        .where(User.role == Role.OWNER, User.state == UserState.ACTIVE, col(Business.is_demo).is_(False))
        .order_by(col(Business.slug), col(User.email))
    )
    found = session.exec(owners).all()
    able = {slug for _email, slug, credential in found if credential is not None}
    first = {slug: email for email, slug, _credential in reversed(found) if slug not in able}
    return [
        Check.warning(
            "sign-in",
            f"{slug}: no owner has a password, so nobody can sign in and invite others",
            f"client-monitor user password {email} --business {slug}",
        )
        for slug, email in sorted(first.items())
    ]


def _unknown_operators(session: Session, settings: Settings) -> list[Check]:
    active = select(User.email).where(col(User.email).in_(settings.operators), User.state == UserState.ACTIVE)
    unknown = sorted({*settings.operators} - {*session.exec(active)})
    if not unknown:
        return []
    message = f"CM_OPERATORS names {', '.join(unknown)}, whom no business has as an active person"
    return [Check.warning("sign-in", message, "invite them, or take them out")]
