"""Settings, parsed once from the environment (prefix ``CM_``) and ``.env``. Nothing is read at import."""

import json
import re
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

# What people leave in an example file. A service started with one of these fails later and stranger.
_PLACEHOLDER = re.compile(
    r"^(?:<.*>|x{3,}|\.{3}|change[-_ ]?me.*|your[-_ ].*|(?:sk|tvly|SG)[-._](?:your|x{3,}|\.{3}).*|placeholder.*|"
    r"(?:todo|secret|password|example|dummy|test[-_]?key|api[-_]?key|key)[-_.]?(?:here)?)$",
    re.IGNORECASE,
)

_FERNET_KEY = re.compile(r"[A-Za-z0-9_-]{43}=")


def is_placeholder(secret: str) -> bool:
    """Whether a secret looks like what an example file holds rather than a real one."""
    return bool(_PLACEHOLDER.match(secret.strip()))


class Settings(BaseSettings):
    """Every knob of a deployment, with defaults that need nothing but Python."""

    model_config = SettingsConfigDict(env_prefix="CM_", env_file=".env", extra="ignore", frozen=True)

    environment: Literal["development", "production"] = "development"
    data_dir: Path = Path("var")
    database_url: str = Field(default="", description="empty: an SQLite file in data_dir")
    public_url: str = Field(default="http://127.0.0.1:8501", description="where mail links lead back to")

    transport: str = Field(default="file", description="file | smtp, or the name a plug-in registers")
    mail_from: str = "Client Monitor <monitor@localhost>"
    smtp_host: str = "127.0.0.1"
    smtp_port: int = Field(default=587, ge=1, le=65535)
    smtp_security: Literal["starttls", "tls", "none"] = "starttls"
    smtp_user: str | None = None
    smtp_password: SecretStr | None = None
    smtp_timeout_seconds: float = Field(default=20, gt=0)
    redirect_all_mail_to: str | None = None

    feeds: Annotated[list[str], NoDecode] = Field(
        default_factory=list, description="RSS/Atom addresses every tenant reads, separated by blanks"
    )
    google_news_url: str = "https://news.google.com/rss/search"
    google_news_interval_seconds: float = Field(default=1.0, ge=0)
    source_urls: dict[str, str] = Field(
        default_factory=dict,
        description="where a source is asked instead of its public address (a gateway), by its name, as JSON",
    )
    search_language: str = Field(default="en", min_length=2, max_length=5, description="ISO 639-1")
    search_country: str = Field(default="US", min_length=2, max_length=2, description="ISO 3166-1 alpha-2")
    tavily_api_key: SecretStr | None = Field(default=None, description="without one, Tavily is asked keyless")
    newsapi_api_key: SecretStr | None = None
    serper_api_key: SecretStr | None = None
    brave_api_key: SecretStr | None = None
    google_search_api_key: SecretStr | None = None
    google_search_engine: str = Field(default="", description="the cx of a Programmable Search Engine")
    contact: str = Field(
        default="", description="an address sources may write to, sent as part of the User-Agent"
    )
    http_timeout_seconds: float = Field(default=15, gt=0)
    http_max_bytes: int = Field(default=5_000_000, gt=0)
    http_attempts: int = Field(default=3, ge=1, le=10)
    search_concurrency: int = Field(default=8, ge=1, le=64)

    secret_keys: Annotated[list[SecretStr], NoDecode] = Field(
        default_factory=list,
        description="Fernet keys that seal tenants' own keys, separated by blanks; the first seals, all unseal",
    )
    crm: str = Field(default="none", description="none, or the name of an installed CRM provider")
    openai_api_key: SecretStr | None = None
    anthropic_api_key: SecretStr | None = None

    batch_size: int = Field(default=2_000, ge=1, le=20_000)
    lease_seconds: float = Field(default=60, gt=0)
    lease_wait_seconds: float = Field(default=120, ge=0)
    send_lease_seconds: float = Field(default=120, gt=0)
    send_attempts: int = Field(default=6, ge=1)
    freshness_days: float = Field(default=7, gt=0, description="older items are never mailed as news")
    story_window_days: float = Field(default=5, gt=0)
    crm_max_age_hours: float = Field(default=24, gt=0)

    keep_raw_days: int = Field(default=90, ge=1)
    keep_bodies_days: int = Field(default=90, ge=1)
    keep_decisions_days: int = Field(default=365, ge=1)
    keep_runs_days: int = Field(default=180, ge=1)

    @field_validator("secret_keys", mode="before")
    @classmethod
    def _split_keys(cls, value: Any) -> Any:
        return value.split() if isinstance(value, str) else value

    @field_validator("secret_keys")
    @classmethod
    def _fernet_keys(cls, value: list[SecretStr]) -> list[SecretStr]:
        if not all(_FERNET_KEY.fullmatch(key.get_secret_value()) for key in value):
            raise ValueError("not a Fernet key (44 characters): make one with client-monitor new-key")
        return value

    @field_validator("feeds", mode="before")
    @classmethod
    def _split(cls, value: Any) -> Any:
        """Addresses separated by blanks or ", "; a JSON list is taken too."""
        if not isinstance(value, str):
            return value
        if value.lstrip().startswith("["):
            return json.loads(value)
        return [address for address in re.split(r",?\s+", value.strip()) if address]

    @field_validator(
        "smtp_password",
        "openai_api_key",
        "anthropic_api_key",
        "tavily_api_key",
        "newsapi_api_key",
        "serper_api_key",
        "brave_api_key",
        "google_search_api_key",
    )
    @classmethod
    def _refuse_placeholder(cls, value: SecretStr | None) -> SecretStr | None:
        if value is None or not value.get_secret_value().strip():
            return None
        if is_placeholder(value.get_secret_value()):
            raise ValueError("this looks like a placeholder, not a key: set the real one or leave it out")
        return value

    @model_validator(mode="after")
    def _smtp_password_needs_encryption(self) -> Self:
        loopback = self.smtp_host in {"127.0.0.1", "localhost", "::1"}
        if self.smtp_password and self.smtp_security == "none" and not loopback:
            raise ValueError("CM_SMTP_SECURITY=none would send the password in clear: use starttls or tls")
        return self

    @property
    def url(self) -> str:
        """The SQLAlchemy address of our database."""
        if self.database_url:
            return re.sub(r"^postgres(?:ql)?://", "postgresql+psycopg://", self.database_url)
        return f"sqlite:///{(self.data_dir / 'client-monitor.db').absolute()}"

    @property
    def outbox_dir(self) -> Path:
        """Where the ``file`` transport writes its .eml files."""
        return self.data_dir / "outbox"


@lru_cache(maxsize=1)
def get_settings() -> Settings:
    """The process's settings. Tests call ``get_settings.cache_clear()`` after changing the environment."""
    return Settings()
