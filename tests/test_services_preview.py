"""The preview: what it says is what the ledger would do, it touches nothing, and a sample of it can be had by mail."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import UUID

import pytest
from conftest import NOW, Tenant
from desk import another_tenant, change, rows
from newsroom import add_event, plan_for

from models.accounts import Business, ClientPreference, Frequency, UserPreference
from models.audit import AuditLog
from models.clients import ClientAssignment
from models.events import Category, Decision
from models.mail import Delivery, DeliveryState, Notification, NotificationState, SkipReason
from models.scope import Role, Scope
from services.errors import UserError
from services.muting import Exceptional
from services.preview import Preview, preview
from tasks.filter.stage import filter_batch
from tasks.notify.planning import plan_digests, plan_instant

_STEP = timedelta(hours=10, minutes=35)
END = datetime(2026, 3, 16, 12, 0, tzinfo=UTC)
"""A Monday noon."""


def person(tenant: Tenant, *clients: UUID, role: Role = Role.MANAGER, **fields: Any) -> Scope:
    email = fields.pop("email", f"{role.value}@example.com")
    user = {"role": role} | fields.pop("user", {})
    return Scope(tenant.business_id, tenant.add_user(email, clients=clients, user=user, **fields), role)


def looked(scope: Scope, changes: Mapping[str, object] | None = None, **kwargs: Any) -> Preview:
    assert scope.user_id is not None
    kwargs.setdefault("now", NOW)
    return preview(scope, scope.user_id, changes, **kwargs)


def came(tenant: Tenant, client: UUID, title: str, at: datetime, **fields: Any) -> UUID:
    """An event that was found at that moment, an hour after it was published."""
    return add_event(tenant, client, title, at=at - timedelta(hours=1), created_at=at, **fields)


def left_out(found: Preview) -> dict[SkipReason, int]:
    return {one.reason: one.items for one in found.left_out}


# What it says is what happens


def live(tenant: Tenant, clients: list[UUID], since: datetime, due: set[datetime]) -> None:
    """News of all kinds until the end, several items at a moment, and what the machinery really does with it.

    ``due``: moments without news at which mail is due. What is planned is sent at once.
    """
    news = {since + n * _STEP: n for n in range(int((END - since) / _STEP) + 1)}
    for at in sorted({*news, *(one for one in due if since <= one <= END)}):
        if at in news:
            _bring(tenant, clients, at, news[at])
            filter_batch(plan_for(tenant, as_of=at, deliver=True), 1_000)
        plan_instant(tenant.scope, at)
        plan_digests(tenant.scope, at)
        change(tenant, Delivery, Delivery.state == DeliveryState.INTENT, state=DeliveryState.SENT, sent_at=at)
        change(
            tenant,
            Notification,
            Notification.state == NotificationState.ATTACHED,
            state=NotificationState.DELIVERED,
        )


def _bring(tenant: Tenant, clients: list[UUID], at: datetime, n: int) -> None:
    for k in range(1 + n % 3):
        came(
            tenant,
            clients[(n + k) % len(clients)],
            f"Story {n}.{k}",
            at,
            relevance=((n * 13 + k * 29) % 100) / 100,
            category=list(Category)[(n + k) % 5],
        )


WISHES: dict[str, dict[str, Any]] = {
    "daily": {},
    "daily, few": {"max_items_per_digest": 3, "max_items_per_client": 1, "relevance_threshold": 0.2},
    "weekly": {
        "notification_frequency": Frequency.WEEKLY,
        "digest_day_of_week": 0,
        "relevance_threshold": 0.3,
    },
    "instant": {"notification_frequency": Frequency.INSTANT, "max_instant_per_day": 1},
    "instant, quiet": {
        "notification_frequency": Frequency.INSTANT,
        "max_instant_per_day": 9,
        "quiet_from": time(19, 0),
        "quiet_until": time(8, 0),
    },
    "some kinds": {"notification_categories": ["funding", "layoffs"], "relevance_threshold": 0.1},
}


_QUICK = {("daily, few", False), ("instant, quiet", True)}


@pytest.mark.parametrize(
    ("wishes", "away"),
    [
        pytest.param(name, away, marks=[] if (name, away) in _QUICK else pytest.mark.full)
        for name in WISHES
        for away in (False, True)
    ],
)
def test_the_preview_of_what_is_saved_is_what_was_mailed(tenant: Tenant, wishes: str, away: bool) -> None:
    clients = [tenant.add_client(name) for name in ("Acme", "Bolt", "Corr")]
    absence = {"absent_from": date(2026, 3, 11), "absent_until": date(2026, 3, 13)} if away else {}
    scope = person(
        tenant,
        *clients,
        user={"timezone": "Europe/Berlin", **absence},
        digest_time=time(7, 30),
        **{
            "frequency" if name == "notification_frequency" else name: value
            for name, value in WISHES[wishes].items()
        },
    )
    # A weekly digest tells of the week before the last one too.
    since = END - timedelta(days=15 if wishes == "weekly" else 9)
    days = [since + timedelta(days=n) for n in range((END - since).days + 1)]
    due = {day.replace(hour=6, minute=30) for day in days}
    quiet_ends = {day.replace(hour=7) for day in days} if "quiet" in wishes else set()
    live(tenant, clients, since, due | quiet_ends)
    said = looked(scope, now=END)
    sent = [
        mail
        for mail in rows(tenant, Delivery)
        if mail.item_count and mail.window_start > END - timedelta(days=7)
    ]
    sent.sort(key=lambda mail: mail.window_start)
    assert [(mail.at, len(mail.titles)) for mail in said.mails] == [
        (mail.window_start, mail.item_count) for mail in sent
    ]
    assert said.stories == sum(mail.item_count for mail in sent)
    assert sent, "a week with mail"


# It touches nothing, and unsaved wishes count


def test_unsaved_wishes_count_and_nothing_is_written(tenant: Tenant) -> None:
    acme, bolt = tenant.add_client("Acme"), tenant.add_client("Bolt")
    scope = person(tenant, acme, bolt, digest_time=time(8, 0))
    for n, relevance in enumerate((0.9, 0.6, 0.3)):
        came(
            tenant, acme, f"Acme {n}", NOW - timedelta(days=1), relevance=relevance, category=Category.FUNDING
        )
    came(tenant, bolt, "Bolt", NOW - timedelta(days=1), relevance=0.8, category=Category.AWARD)
    tables = (Notification, Delivery, Decision, AuditLog, UserPreference, ClientPreference)
    before = [rows(tenant, table) for table in tables]

    as_saved = looked(scope)
    assert (len(as_saved.mails), as_saved.stories) == (1, 3)
    assert as_saved.mails[0].titles == ("Acme 0", "Bolt", "Acme 1")
    assert left_out(as_saved) == {SkipReason.BELOW_THRESHOLD: 1}
    assert as_saved.left_out[0].examples == ("Acme 2",)
    assert [(one.client, one.mailed, one.left_out) for one in as_saved.clients] == [
        ("Acme", 2, 1),
        ("Bolt", 1, 0),
    ]
    assert as_saved.next_digest == datetime(2026, 3, 11, 8, 0, tzinfo=UTC)

    assert looked(scope, {"threshold": 0.2}).stories == 4
    assert left_out(looked(scope, {"categories": ["award"]})) == {SkipReason.CATEGORY_NOT_WANTED: 3}
    assert left_out(looked(scope, {"max_items_per_client": 1}))[SkipReason.OVER_LIMIT] == 1
    assert looked(scope, {"notifications": False}).mails == ()
    in_app = looked(scope, {"email": False})
    assert (in_app.mails, in_app.in_app) == ((), 3)
    weekly = looked(scope, {"frequency": "weekly"})
    assert (weekly.mails, weekly.waiting) == ((), 3)
    muted = looked(scope, exceptions={acme: Exceptional(muted=True)})
    assert (muted.stories, left_out(muted)) == (1, {SkipReason.CLIENT_MUTED: 3})
    own_bar = looked(scope, exceptions={acme: Exceptional(threshold=0.95)})
    assert own_bar.stories == 1
    assert looked(scope, {"absent_from": "2026-03-09"}).waiting == 3

    assert [rows(tenant, table) for table in tables] == before


def test_a_wish_that_cannot_be_is_named(tenant: Tenant) -> None:
    with pytest.raises(UserError, match="threshold"):
        looked(person(tenant), {"threshold": 7})


def test_the_preview_is_ones_own_or_an_admins_look(tenant: Tenant) -> None:
    acme = tenant.add_client()
    scope, admin = person(tenant, acme), person(tenant, role=Role.ADMIN)
    came(tenant, acme, "Acme", NOW - timedelta(days=1), relevance=0.9)
    assert scope.user_id is not None
    assert admin.user_id is not None
    assert preview(admin, scope.user_id, now=NOW).stories == 1
    with pytest.raises(PermissionError):
        preview(scope, admin.user_id, now=NOW)
    other = another_tenant()
    stranger = person(other, role=Role.OWNER)
    with pytest.raises(UserError, match="no such person"):
        preview(stranger, scope.user_id, now=NOW)


def test_only_clients_that_are_followed_count(tenant: Tenant) -> None:
    mine, other = tenant.add_client("Mine"), tenant.add_client("Other")
    scope = person(tenant, mine)
    for client in (mine, other):
        came(tenant, client, "News", NOW - timedelta(days=1), relevance=0.9)
    assert looked(scope).stories == 1
    assert looked(scope, {"assigned_clients_only": False}).stories == 2
    change(tenant, ClientAssignment, ended_at=NOW)
    found = looked(scope)
    assert (found.stories, found.left_out) == (0, ())


def test_history_shows_what_a_new_clients_news_would_bring(tenant: Tenant) -> None:
    acme = tenant.add_client()
    scope = person(tenant, acme, digest_time=time(8, 0))
    for n in range(4):
        add_event(
            tenant,
            acme,
            f"Acme {n}",
            at=NOW - timedelta(days=n + 2),
            created_at=NOW,
            is_history=True,
            relevance=0.9,
        )
    assert [len(mail.titles) for mail in looked(scope).mails] == [1, 1, 1, 1]


def test_invented_news_counts_in_a_demo_alone(tenant: Tenant) -> None:
    acme = tenant.add_client()
    scope = person(tenant, acme)
    add_event(tenant, acme, at=NOW - timedelta(days=2), created_at=NOW - timedelta(days=1), is_mock=True)
    assert left_out(looked(scope)) == {SkipReason.INVENTED: 1}
    change(tenant, Business, Business.id == tenant.business_id, is_demo=True)
    assert looked(scope).stories == 1


# The mail itself


def test_the_newest_digest_is_shown_as_it_would_be_and_does_nothing(tenant: Tenant) -> None:
    acme = tenant.add_client("Acme <b>")
    scope = person(tenant, acme, digest_time=time(8, 0))
    came(tenant, acme, "Older", NOW - timedelta(days=3), relevance=0.9)
    came(tenant, acme, "Newest <script>alert(1)</script>", NOW - timedelta(days=1), relevance=0.9)
    found = looked(scope)
    assert found.mail_at == datetime(2026, 3, 10, 8, 0, tzinfo=UTC)
    assert "Newest" in found.subject
    assert "Newest &lt;script&gt;" in found.html
    assert "Acme &lt;b&gt;" in found.html
    assert "Older" not in found.html
    assert "<script" not in found.html
    assert "href" not in found.html
    assert looked(person(tenant, email="new@example.com")).html == ""


def test_what_the_limits_leave_out_is_said_in_the_mail(tenant: Tenant) -> None:
    acme = tenant.add_client()
    scope = person(tenant, acme, digest_time=time(8, 0))
    for n in range(5):
        came(tenant, acme, f"Acme {n}", NOW - timedelta(days=1), relevance=0.9)
    found = looked(scope)
    assert (found.mails[0].left_in_app, len(found.mails[0].titles)) == (2, 3)
    assert "2 more stories about this client in the app." in found.html
    assert left_out(found) == {SkipReason.OVER_LIMIT: 2}
