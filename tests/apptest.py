"""The app's pages as somebody who is really signed in: a person, a session in the database, its cookie's value."""

from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from conftest import Tenant
from streamlit.testing.v1 import AppTest

from models.base import utc_now
from models.scope import Role
from models.signin import SignInMethod
from services.signin import Viewer, viewer_of
from services.signin.sessions import begin

APP = Path(__file__).resolve().parent.parent / "ui" / "app.py"
TIMEOUT = 30
"""Seconds for one run of a page, on a machine that does much else."""


def sign_in(tenant: Tenant, user_id: UUID, method: SignInMethod = SignInMethod.PASSWORD) -> str:
    """A session of this person, begun now; the value of its cookie."""
    return begin(tenant.scope, user_id, method, now=utc_now())


def signed_in(
    tenant: Tenant, role: Role = Role.MANAGER, email: str = "", **person: Any
) -> tuple[str, Viewer]:
    """Somebody new of this role, signed in: the cookie's value, and whom it stands for."""
    user_id = tenant.add_user(email or f"{role.value}@example.com", user={"role": role}, **person)
    token = sign_in(tenant, user_id)
    viewer = viewer_of(token)
    assert viewer is not None
    return token, viewer


def open_page(
    monkeypatch: pytest.MonkeyPatch, token: str | None, page: Callable[[Viewer], None], **query: str
) -> AppTest:
    """A page (a function of a module, that takes the viewer), as who holds the token sees it. Call ``run()`` on it."""
    monkeypatch.setattr("ui.session.cookie_token", lambda: token)
    test = AppTest.from_string(
        f"from {page.__module__} import {page.__name__} as page\n"
        "from ui import session\n"
        "viewer = session.viewer()\n"
        "if viewer:\n    page(viewer)\nelse:\n    session.ask_to_sign_in()\n",
        default_timeout=TIMEOUT,
    )
    for name, value in query.items():
        test.query_params[name] = value
    return test


def open_app(monkeypatch: pytest.MonkeyPatch, token: str | None, **query: str) -> AppTest:
    """The whole app with its frame and first page, as who holds the token sees it. Call ``run()`` on it."""
    monkeypatch.setattr("ui.session.cookie_token", lambda: token)
    test = AppTest.from_file(str(APP), default_timeout=TIMEOUT)
    for name, value in query.items():
        test.query_params[name] = value
    return test
