"""Mails that were sent, the links in them, and somebody who follows those links."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from conftest import Tenant
from desk import rows
from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.testclient import TestClient

from models.base import utc_now
from models.clock import FixedClock
from models.mail import Delivery, DeliveryKind, DeliveryState
from models.settings import Settings, get_settings
from tasks.notify.links import PREFIX, Links
from web.app import create_app
from web.hooks.sns import Fetch

CHROME = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/142.0.0.0 Safari/537.36"
)
ORIGIN = "https://monitor.example"


def settings_with(**changes: Any) -> Settings:
    """The test's settings, reached by https, and what is changed of them."""
    return get_settings().model_copy(update={"public_url": ORIGIN, **changes})


def add_mail(
    tenant: Tenant, user_id: UUID | None, recipient: str = "maria@example.com", **fields: Any
) -> Delivery:
    """A digest that was planned and sent an hour ago."""
    an_hour_ago = utc_now() - timedelta(hours=1)
    fields = {
        "kind": DeliveryKind.DIGEST,
        "slot": f"daily:{utc_now().isoformat()}",
        "state": DeliveryState.SENT,
        "sent_at": an_hour_ago,
        "created_at": fields.get("sent_at") or an_hour_ago,
        "next_attempt_at": utc_now(),
    } | fields
    delivery_id = tenant.add(
        Delivery(business_id=tenant.business_id, user_id=user_id, recipient=recipient, **fields)
    )
    [delivery] = rows(tenant, Delivery, id=delivery_id)
    assert isinstance(delivery, Delivery)
    return delivery


def links_of(delivery: Delivery, *, tracking: bool = False, settings: Settings | None = None) -> Links:
    return Links.of(settings or settings_with(), delivery, tracking=tracking)


def path_of(link: str | None) -> str:
    """A link without its origin."""
    assert link is not None
    assert link.startswith(ORIGIN)
    return link.removeprefix(ORIGIN)


@dataclass
class Door:
    """The service on its own, with a clock that stands where it is put."""

    clock: FixedClock
    client: TestClient

    @classmethod
    def open(cls, settings: Settings | None = None, *, fetch: Fetch | None = None, **app: Any) -> "Door":
        clock = FixedClock(datetime.now(UTC))
        service = create_app(settings or settings_with(), clock=clock, fetch=fetch, **app)
        mounted = Starlette(routes=[Mount(PREFIX, service)])
        client = TestClient(mounted, base_url=ORIGIN, follow_redirects=False, headers={"User-Agent": CHROME})
        return cls(clock, client)

    def get(self, link: str | None, **headers: str) -> Any:
        return self.client.get(path_of(link), headers=headers)

    def head(self, link: str | None, **headers: str) -> Any:
        return self.client.head(path_of(link), headers=headers)

    def post(self, link: str | None, **form: str) -> Any:
        return self.client.post(path_of(link), data=form)
