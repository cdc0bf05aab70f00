"""A tenant's look: checked when it is set, shown before it is used, gone when it is reset."""

from pathlib import Path

import pytest
from conftest import Tenant
from desk import another_tenant, rows
from pictures import drawn, encoded, logo_file
from typer.testing import CliRunner

from cli.main import app
from models.accounts import BusinessLogo
from models.audit import AuditLog
from models.scope import Role, Scope
from services.appearance import (
    LookFields,
    change_look,
    logo_of,
    look_of,
    preview,
    remove_logo,
    reset_look,
    set_logo,
)
from services.errors import UserError


def test_a_look_is_set_shown_and_reset(tenant: Tenant) -> None:
    assert look_of(tenant.scope) == LookFields()
    change_look(tenant.scope, {"accent": "#7A1F5C", "intro": "Good\nmorning."})
    change_look(tenant.scope, {"footer": "Northgate, Oslo"})
    assert look_of(tenant.scope) == LookFields(
        accent="#7a1f5c", intro="Good morning.", footer="Northgate, Oslo"
    )
    assert "#7a1f5c" in preview(tenant.scope, "daily").html
    change_look(tenant.scope, {"background": "#fdf6e3", "subject": "{headline} for you, {date}"})
    shown = preview(tenant.scope, "daily")
    assert shown.subject.endswith(" for you, Tue 10 Mar")
    assert "#fdf6e3" in shown.html
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
        ({"background": "white"}, "background"),
        ({"background": "#222222"}, "too dark for the words"),
        ({"background": "#e8d8c8", "accent": "#6b7280"}, "on #e8d8c8"),
        ({"subject": "News"}, "called the same"),
        ({"subject": "{headline} {title}"}, "in braces stand headline, date"),
        ({"subject": "{headline} {0.__class__}"}, "in braces"),
        ({"subject": "{headline} {"}, "in braces"),
        ({"subject": "{headline}" + "x" * 80}, "subject"),
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
    assert caught.value.mend == "the names are: accent, background, subject, subject_prefix, intro, footer"


def test_only_admins_change_it(tenant: Tenant) -> None:
    manager = Scope(tenant.business_id, tenant.add_user(), Role.MANAGER)
    with pytest.raises(PermissionError):
        change_look(manager, {"intro": "Hello."})
    with pytest.raises(PermissionError):
        reset_look(manager)
    with pytest.raises(PermissionError):
        set_logo(manager, logo_file())
    with pytest.raises(PermissionError):
        remove_logo(manager)


def test_a_logo_is_set_changed_and_taken_away_and_all_of_it_is_written_down(tenant: Tenant) -> None:
    assert logo_of(tenant.scope) is None
    first = set_logo(tenant.scope, logo_file())
    assert logo_of(tenant.scope) == first
    second = set_logo(tenant.scope, encoded(drawn(200, 50, mode="RGB", ink="red")))
    assert logo_of(tenant.scope) == second != first
    assert len(rows(tenant, BusinessLogo)) == 1
    assert logo_of(another_tenant().scope) is None
    assert remove_logo(tenant.scope)
    assert not remove_logo(tenant.scope)
    assert logo_of(tenant.scope) is None
    said = [line.action for line in rows(tenant, AuditLog)]
    assert said == ["appearance.logo_set", "appearance.logo_set", "appearance.logo_removed"]
    assert rows(tenant, AuditLog)[0].details == {
        "media_type": "image/png",
        "width": 256,
        "height": 96,
        "bytes": len(first.data),
    }


def test_a_picture_that_is_refused_changes_nothing(tenant: Tenant) -> None:
    kept = set_logo(tenant.scope, logo_file())
    with pytest.raises(UserError):
        set_logo(tenant.scope, b"<svg/>")
    assert logo_of(tenant.scope) == kept


def test_reset_takes_the_logo_away_too(tenant: Tenant) -> None:
    set_logo(tenant.scope, logo_file())
    reset_look(tenant.scope)
    assert logo_of(tenant.scope) is None


def test_a_preview_holds_the_logo_itself(tenant: Tenant) -> None:
    assert "<img" not in preview(tenant.scope, "daily").html
    set_logo(tenant.scope, logo_file())
    html = preview(tenant.scope, "daily", {"accent": "#7a1f5c"}).html
    assert 'src="data:image/png;base64,' in html
    assert "cid:" not in html


def test_the_command_sets_shows_and_removes_it(tenant: Tenant, tmp_path: Path) -> None:
    file = tmp_path / "logo.png"
    file.write_bytes(logo_file())

    def run(*arguments: str) -> str:
        done = CliRunner().invoke(app, ["appearance", *arguments, "--business", "test"])
        return f"{done.exit_code} {done.output}"

    assert "128 x 48 points" in run("logo", str(file))
    assert '"width": 128' in run("show")
    assert "the logo is gone" in run("logo", "--remove")
    assert '"logo": null' in run("show")
    assert "there was no logo" in run("logo", "--remove")
    for wrong in (["logo"], ["logo", str(file), "--remove"], ["logo", str(tmp_path / "none.png")]):
        assert not run(*wrong).startswith("0")
    file.write_bytes(logo_file() + b"x" * 70_000)
    assert not run("logo", str(file)).startswith("0")
