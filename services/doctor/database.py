"""Whether our database is there, ours, and up to date."""

from collections.abc import Callable
from pathlib import Path

from sqlalchemy import Engine, func, make_url, text
from sqlalchemy.exc import DBAPIError
from sqlmodel import Session, col, select

from models.accounts import Business, User, UserState
from models.clients import Client
from models.engine import make_engine, reading
from models.schema import revisions
from models.scope import Role, Scope
from models.settings import Settings
from services.doctor.checks import Check
from services.explain import explain
from services.setup import knows_revision

_INIT = "run `client-monitor init`"


def _engine(settings: Settings, timeout: float) -> Engine | None:
    """An engine that gives up soon; None when it would have to make the SQLite file."""
    address = make_url(settings.url)
    if address.get_backend_name() == "sqlite":
        missing = address.database and not Path(address.database).exists()
        return None if missing else make_engine(settings.url)
    return make_engine(
        address.update_query_dict({"connect_timeout": str(max(2, int(timeout)))}).render_as_string(
            hide_password=False
        )
    )


def check_database(settings: Settings, *, timeout: float) -> list[Check]:
    """Connection and schema."""
    engine = _engine(settings, timeout)
    shown = make_url(settings.url).render_as_string(hide_password=True)
    if engine is None:
        return [
            Check.warning("database", f"{shown} does not exist yet", f"{_INIT}, or any command that needs it")
        ]
    try:
        current, newest = revisions(engine)
        with engine.connect() as connection:
            kind = engine.dialect.name
            sql = "SHOW server_version" if kind == "postgresql" else "SELECT sqlite_version()"
            version = connection.execute(text(sql)).scalar_one()
    except DBAPIError as error:
        problem = explain(error)
        assert problem is not None  # every DBAPIError has a sentence
        return [Check.failed("database", problem.message, problem.mend)]
    finally:
        engine.dispose()
    checks = [Check.ok("database", f"{kind} {version}: {shown}")]
    if current == newest:
        checks.append(Check.ok("schema", f"up to date ({current})"))
    elif current is None:
        checks.append(Check.failed("schema", "there are no tables of ours", _INIT))
    elif knows_revision(current):
        checks.append(Check.failed("schema", f"is at {current}, this program needs {newest}", _INIT))
    else:
        mend = "install the version that wrote it, or a newer one"
        checks.append(Check.failed("schema", f"is at {current}, which this program does not know", mend))
    return checks


def from_ledger(settings: Settings, look: Callable[[Session], list[Check]]) -> list[Check]:
    """What ``look`` finds in all tenants' rows; nothing without a database of today: check_database has said so."""
    engine = _engine(settings, 2)
    if engine is None:
        return []
    try:
        current, newest = revisions(engine)
        if current != newest:
            return []
        with reading(Scope.operator(), engine) as session:
            return look(session)
    except DBAPIError:
        return []
    finally:
        engine.dispose()


def check_businesses(settings: Settings) -> list[Check]:
    """Whether there is somebody to work for; nothing where the database cannot say."""
    return from_ledger(settings, _businesses)


def _businesses(session: Session) -> list[Check]:
    slugs = dict(session.exec(select(Business.id, Business.slug).order_by(col(Business.slug))).all())
    if not slugs:
        return [Check.warning("businesses", "there is none yet", f"{_INIT}, or `client-monitor demo`")]
    watched = select(Client.business_id, func.count()).where(col(Client.archived_at).is_(None))
    clients = dict(session.exec(watched.group_by(col(Client.business_id))).all())
    people: dict[object, int] = {}
    owned = set()
    for business_id, role, state in session.exec(select(User.business_id, User.role, User.state)):
        if state is not UserState.DEACTIVATED:
            people[business_id] = people.get(business_id, 0) + 1
            if role is Role.OWNER:
                owned.add(business_id)
    checks = []
    for business_id, slug in slugs.items():
        line = f"{slug}: {clients.get(business_id, 0)} clients, {people.get(business_id, 0)} people"
        if not clients.get(business_id):
            mend = f"client-monitor import-clients FILE.csv --business {slug}"
            checks.append(Check.warning("businesses", line, mend))
        elif business_id not in owned:
            mend = f"client-monitor init --business {slug} --owner-email you@your-company"
            checks.append(Check.warning("businesses", f"{line}, no owner", mend))
        else:
            checks.append(Check.ok("businesses", line))
    return checks
