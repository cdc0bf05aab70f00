"""What the routes share, made once an app and held by it: no module keeps state."""

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Annotated

from fastapi import Depends, Request

from models.clock import Clock
from models.settings import Settings
from models.tokens import Purpose, Tokens, tokens_of
from services.engagement import Engagement
from services.mail_links import Visit, visit
from web.hooks.sns import Verifier
from web.security import ClientAddress, SlidingWindow, network_of

PER_DOOR = 20
"""Attempts a minute from one address: an office signs in at different minutes."""


@dataclass
class Service:
    """One app's settings, clock and memory."""

    settings: Settings
    clock: Clock
    engagement: Engagement
    sns: Verifier
    client_address: ClientAddress
    window: SlidingWindow

    @cached_property
    def tokens(self) -> Tokens:
        """Made at the first link, not before: only then a key is needed."""
        return tokens_of(self.settings)

    @property
    def now(self) -> datetime:
        return self.clock.now()

    def allows_attempt(self, request: Request) -> bool:
        """Whether this address may try once more to get in, or to get mail."""
        network = network_of(self.client_address(request.scope))
        return self.window.allows(f"attempts {network}", PER_DOOR)

    def visit(self, purpose: Purpose, token: str) -> Visit | None:
        """The visit this token opens, if it does."""
        return visit(self.tokens, purpose, token, self.now)


def _of(request: Request) -> Service:
    service = request.app.state.service
    assert isinstance(service, Service)
    return service


TheService = Annotated[Service, Depends(_of)]
