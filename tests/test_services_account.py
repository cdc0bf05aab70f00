"""One's own account: the name, and what is kept about oneself."""

import pytest
from conftest import NOW, Tenant
from desk import another_tenant, change, rows
from newsroom import add_event

from models.accounts import Business, User
from models.audit import AuditLog
from models.base import new_id
from models.feedback import Feedback, FeedbackVerdict
from models.mail import Delivery, DeliveryKind, EmailBody, EmailEvent
from models.marks import EventMark
from models.scope import Role, Scope
from services.account import NAME_MAX, AboutMe, about_me, rename_me
from services.errors import UserError
from services.subscriptions import consent


def me(tenant: Tenant, email: str = "maria@example.com") -> Scope:
    return Scope(tenant.business_id, tenant.add_user(email), Role.VIEWER)


def a_mail(tenant: Tenant, user_id: object) -> object:
    return tenant.add(
        Delivery(
            business_id=tenant.business_id,
            user_id=user_id,
            recipient="maria@example.com",
            kind=DeliveryKind.DIGEST,
            slot=new_id().hex,
            next_attempt_at=NOW,
        )
    )


def test_what_is_kept_about_me_is_counted_and_nothing_of_others(tenant: Tenant) -> None:
    scope = me(tenant)
    nobody = AboutMe(
        mails=0, texts=0, hits=0, verdicts=0, marks=0, done=0, is_tracked=False, has_consented=False
    )
    assert about_me(scope) == nobody
    other = me(tenant, "tom@example.com")
    business = tenant.business_id
    acme = tenant.add_client()
    for person, times in ((scope, 1), (other, 2)):
        for _ in range(times):
            event = add_event(tenant, acme)
            mail = a_mail(tenant, person.user_id)
            tenant.add(EmailBody(business_id=business, delivery_id=mail, mime=b"x"))
            for kind in ("open", "click", "delivered"):
                tenant.add(
                    EmailEvent(
                        business_id=business, delivery_id=mail, kind=kind, provider_event_id=new_id().hex
                    )
                )
            tenant.add(EventMark(business_id=business, user_id=person.user_id, event_id=event))
            tenant.add(
                Feedback(
                    business_id=business,
                    event_id=event,
                    client_id=acme,
                    user_id=person.user_id,
                    verdict=FeedbackVerdict.USEFUL,
                )
            )
    a_mail(tenant, scope.user_id)
    change(tenant, Business, Business.id == business, tracking_enabled=True)
    consent(scope, True)
    assert about_me(scope) == AboutMe(
        mails=2, texts=1, hits=2, verdicts=1, marks=1, done=1, is_tracked=True, has_consented=True
    )
    consent(scope, False)
    assert about_me(scope).hits == 0, "withdrawing erases"
    assert about_me(other).hits == 4


def test_i_call_myself_what_i_like(tenant: Tenant) -> None:
    scope = me(tenant)
    other = another_tenant()
    other.add_user("maria@example.com")
    assert rename_me(scope, "  María   López ")
    assert not rename_me(scope, "María López")
    assert [user.name for user in rows(tenant, User)] == ["María López"]
    assert [user.name for user in rows(other, User)] == ["Maria"]
    [line] = rows(tenant, AuditLog)
    assert (line.action, line.actor_id, line.details) == ("user.updated", scope.user_id, {"fields": ["name"]})


@pytest.mark.parametrize("name", ["", "  ", "x" * (NAME_MAX + 1), "Ma\x00ria"])
def test_what_cannot_be_a_name_is_refused(tenant: Tenant, name: str) -> None:
    scope = me(tenant)
    with pytest.raises(UserError):
        rename_me(scope, name)
    assert rows(tenant, User)[0].name == "Maria"


def test_an_account_is_a_persons(tenant: Tenant) -> None:
    for ask in (lambda: about_me(tenant.scope), lambda: rename_me(tenant.scope, "X")):
        with pytest.raises(PermissionError):
            ask()
    stranger = Scope(tenant.business_id, another_tenant().add_user(), Role.OWNER)
    with pytest.raises(UserError):
        rename_me(stranger, "X")
