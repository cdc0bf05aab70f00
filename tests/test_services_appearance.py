"""A tenant's look: checked when it is set, shown before it is used, gone when it is reset."""

import pytest
from conftest import Tenant

from models.scope import Role, Scope
from services.appearance import LookFields, change_look, look_of, preview, reset_look
from services.errors import UserError


def test_a_look_is_set_shown_and_reset(tenant: Tenant) -> None:
    assert look_of(tenant.scope) == LookFields()
    change_look(tenant.scope, {"accent": "#7A1F5C", "intro": "Good\nmorning."})
    change_look(tenant.scope, {"footer": "Northgate, Oslo"})
    assert look_of(tenant.scope) == LookFields(
        accent="#7a1f5c", intro="Good morning.", footer="Northgate, Oslo"
    )
    assert "#7a1f5c" in preview(tenant.scope, "daily").html
    reset_look(tenant.scope)
    assert look_of(tenant.scope) == LookFields()


@pytest.mark.parametrize("kind", ["instant", "daily", "weekly", "alert", "system"])
def test_every_kind_of_mail_can_be_seen_beforehand(tenant: Tenant, kind: str) -> None:
    rendered = preview(tenant.scope, kind, {"subject_prefix": "[NGP]"})  # type: ignore[arg-type]
    assert rendered.subject.startswith("[NGP] ")
    assert look_of(tenant.scope) == LookFields(), "a preview stores nothing"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"accent": "blue"}, "accent"),
        ({"accent": "#ffff00"}, "too light"),
        ({"intro": "x" * 301}, "intro"),
        ({"subject_prefix": "x" * 25}, "subject_prefix"),
        ({"template": "<b>"}, "template"),
    ],
)
def test_what_cannot_be_read_is_refused(tenant: Tenant, changes: dict[str, object], words: str) -> None:
    with pytest.raises(UserError, match=words):
        change_look(tenant.scope, changes)
    assert look_of(tenant.scope) == LookFields()


def test_a_name_there_is_not_is_answered_with_those_there_are(tenant: Tenant) -> None:
    with pytest.raises(UserError, match="'colour' is nothing that can be set") as caught:
        change_look(tenant.scope, {"colour": "red"})
    assert caught.value.mend == "the names are: accent, subject_prefix, intro, footer"


def test_only_admins_change_it(tenant: Tenant) -> None:
    manager = Scope(tenant.business_id, tenant.add_user(), Role.MANAGER)
    with pytest.raises(PermissionError):
        change_look(manager, {"intro": "Hello."})
    with pytest.raises(PermissionError):
        reset_look(manager)
