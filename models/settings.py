"""Settings, parsed once from the environment (prefix ``CM_``) and ``.env``. Nothing is read at import."""

import json
import re
from functools import lru_cache
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

# What people leave in an example file. A service started with one of these fails later and stranger.
_PLACEHOLDER = re.compile(
    r"^(?:<.*>|x{3,}|\.{3}|change[-_ ]?me.*|your[-_ ].*|(?:sk|tvly|SG)[-._](?:your|x{3,}|\.{3}).*|placeholder.*|"
    r"(?:todo|secret|password|example|dummy|test[-_]?key|api[-_]?key|key)[-_.]?(?:here)?)$",
    re.IGNORECASE,
)

# By these addresses nobody on the way reads a key: encrypted, or never leaving the machine.
_KEEPS_SECRETS = re.compile(r"https://[^/\s]|http://(?:127\.0\.0\.1|localhost|\[::1\])(?:[:/]|$)")

_FERNET_KEY = re.compile(r"[A-Za-z0-9_-]{43}=")


def is_placeholder(secret: str) -> bool:
    """Whether a secret looks like what an example file holds rather than a real one."""
    return bool(_PLACEHOLDER.match(secret.strip()))


class AiPrice(BaseModel):
    """What a language model costs, in US dollars a million tokens."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    input: float = Field(ge=0)
    cached: float = Field(ge=0)
    output: float = Field(ge=0)


class Settings(BaseSettings):
    """Every knob of a deployment, with defaults that need nothing but Python."""

    model_config = SettingsConfigDict(env_prefix="CM_", env_file=".env", extra="ignore", frozen=True)

    environment: Literal["development", "production"] = "development"
    data_dir: Path = Path("var")
    database_url: str = Field(default="", description="empty: an SQLite file in data_dir")
    public_url: str = Field(default="http://127.0.0.1:8501", description="where mail links lead back to")

    transport: str = Field(
        default="file", description="file | smtp | sendgrid | ses, or the name a plug-in registers"
    )
    mail_from: str = "Client Monitor <monitor@localhost>"
    smtp_host: str = "127.0.0.1"
    smtp_port: int = Field(default=587, ge=1, le=65535)
    smtp_security: Literal["starttls", "tls", "none"] = "starttls"
    smtp_user: str | None = None
    smtp_password: SecretStr | None = None
    smtp_timeout_seconds: float = Field(default=20, gt=0)
    smtp_ca_file: Path | None = Field(
        default=None,
        description="certificates (PEM) to trust instead of the system's, for a server of your own",
    )
    smtp_mails_per_connection: int = Field(default=100, ge=1, description="then a new connection is opened")
    smtp_oauth_token_url: str = Field(
        default="", description="where XOAUTH2 tokens come from; empty: smtp_password is used"
    )
    smtp_oauth_client_id: str = ""
    smtp_oauth_client_secret: SecretStr | None = None
    smtp_oauth_refresh_token: SecretStr | None = Field(
        default=None, description="without one the client's own credentials are the grant"
    )
    smtp_oauth_scope: str = ""
    sendgrid_api_key: SecretStr | None = None
    sendgrid_url: str = Field(
        default="https://api.sendgrid.com", description="in the EU: https://api.eu.sendgrid.com"
    )
    sendgrid_sandbox: bool = Field(default=False, description="SendGrid checks each mail and delivers none")
    ses_region: str = Field(default="", description="empty: as the usual AWS configuration says")
    ses_url: str = Field(default="", description="an endpoint of your own; empty: the region's")
    ses_profile: str = Field(default="", description="a profile of the usual AWS files")
    ses_access_key_id: str = Field(default="", description="empty: the usual AWS chain of credentials")
    ses_secret_access_key: SecretStr | None = None
    ses_configuration_set: str = Field(default="", description="the one whose events reach the webhook")
    mail_reply_to: str = Field(default="", description="where answers go; empty: to mail_from")
    mail_connections: int = Field(default=2, ge=1, le=32, description="mails on their way at the same time")
    mails_per_second: float = Field(
        default=0, ge=0, description="at the most, over all processes; 0: no limit of ours"
    )
    dkim_key: Path | None = Field(
        default=None, description="an RSA key (PEM) that signs mail; none: unsigned"
    )
    dkim_selector: str = Field(default="", description="names the key's public half in the DNS")
    dkim_domain: str = Field(default="", description="empty: the domain of mail_from")
    redirect_all_mail_to: str | None = None

    signing_keys: Annotated[list[SecretStr], NoDecode] = Field(
        default_factory=list,
        description="keys that sign the links in mails, separated by blanks; the first signs, all verify",
    )
    trusted_proxies: Annotated[list[str], NoDecode] = Field(
        default_factory=list,
        description="networks whose X-Forwarded-For the web service believes, separated by blanks",
    )
    scanner_networks: Annotated[list[str], NoDecode] = Field(
        default_factory=list,
        description="networks of mail gateways: opens and clicks from there are unknown, separated by blanks",
    )
    sendgrid_webhook_key: str = Field(
        default="", description="the public key SendGrid shows for its signed event webhook"
    )
    ses_topics: Annotated[list[str], NoDecode] = Field(
        default_factory=list, description="ARNs of the SNS topics SES reports to, separated by blanks"
    )

    operators: Annotated[list[str], NoDecode] = Field(
        default_factory=list,
        description="addresses of people trusted across tenants: they are shown Prefect's UI, separated by blanks",
    )
    oidc_metadata_url: str = Field(
        default="", description="an OpenID Connect provider's /.well-known/openid-configuration; empty: none"
    )
    oidc_client_id: str = ""
    oidc_client_secret: SecretStr | None = None

    alert_webhook: SecretStr | None = Field(
        default=None, description="where alerts are posted as JSON, beside mail and without its outbox"
    )
    heartbeat_url: SecretStr | None = Field(
        default=None, description="asked at the end of each tick: who no longer hears of us raises the alarm"
    )
    runbook_url: str = Field(
        default="", description="where your people read docs/runbook.md; empty: it is named by its path"
    )

    feeds: Annotated[list[str], NoDecode] = Field(
        default_factory=list, description="RSS/Atom addresses every tenant reads, separated by blanks"
    )
    google_news_url: str = "https://news.google.com/rss/search"
    google_news_interval_seconds: float = Field(default=1.0, ge=0)
    source_urls: dict[str, str] = Field(
        default_factory=dict,
        description="where a source or CRM is asked instead of its public address (a gateway), by name, as JSON",
    )
    calls_per_day: dict[str, int] = Field(
        default_factory=dict,
        description="requests a UTC day of all tenants with the deployment's key, by source, as JSON",
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
    breaker_failures: int = Field(
        default=5, ge=1, description="failures in a row after which a provider is left alone for a while"
    )

    secret_keys: Annotated[list[SecretStr], NoDecode] = Field(
        default_factory=list,
        description="Fernet keys that seal tenants' own keys, separated by blanks; the first seals, all unseal",
    )
    openai_api_key: SecretStr | None = None
    openai_model: str = Field(default="gpt-6-luna", description="where a tenant chose no other")
    openai_base_url: str = Field(
        default="", description="a gateway or a region, ending in /v1; empty: OpenAI's"
    )
    anthropic_api_key: SecretStr | None = None
    anthropic_model: str = Field(default="claude-haiku-5-5", description="where a tenant chose no other")
    anthropic_base_url: str = Field(default="", description="a gateway, without /v1; empty: Anthropic's")
    compatible_base_url: str = Field(
        default="", description="a server that speaks OpenAI's chat completions, ending in /v1"
    )
    compatible_model: str = Field(default="", description="the model to ask for there")
    compatible_api_key: SecretStr | None = Field(default=None, description="if that server wants one")
    ai_usd_per_run: float = Field(default=0.5, ge=0, description="US dollars a tenant's run may spend on AI")
    ai_usd_per_day: float = Field(default=1.0, ge=0)
    ai_usd_per_month: float = Field(default=10.0, ge=0)
    ai_calls_per_run: int = Field(default=500, ge=0, description="calls a tenant's run may make to an AI")
    ai_calls_per_day: int = Field(default=1_000, ge=0)
    ai_calls_per_month: int = Field(default=20_000, ge=0)
    ai_prices: dict[str, AiPrice] = Field(
        default_factory=dict,
        description="what models cost you, by the beginning of their name, where the published prices do not hold",
    )

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

    @field_validator(
        "secret_keys",
        "signing_keys",
        "trusted_proxies",
        "scanner_networks",
        "ses_topics",
        "operators",
        mode="before",
    )
    @classmethod
    def _split_words(cls, value: Any) -> Any:
        return value.split() if isinstance(value, str) else value

    @field_validator("signing_keys")
    @classmethod
    def _strong_keys(cls, value: list[SecretStr]) -> list[SecretStr]:
        for key in value:
            if len(key.get_secret_value()) < 32 or is_placeholder(key.get_secret_value()):
                raise ValueError("too weak to sign links: make one of 32 characters or more")
        return value

    @field_validator("trusted_proxies", "scanner_networks")
    @classmethod
    def _networks(cls, value: list[str]) -> list[str]:
        return [str(ip_network(text, strict=False)) for text in value]

    @field_validator("operators")
    @classmethod
    def _addresses(cls, value: list[str]) -> list[str]:
        return [address.lower() for address in value]

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
        "smtp_oauth_client_secret",
        "smtp_oauth_refresh_token",
        "sendgrid_api_key",
        "ses_secret_access_key",
        "oidc_client_secret",
        "openai_api_key",
        "anthropic_api_key",
        "compatible_api_key",
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

    @field_validator("smtp_ca_file", "dkim_key", mode="before")
    @classmethod
    def _no_file(cls, value: Any) -> Any:
        return None if value == "" else value

    @field_validator(
        "smtp_oauth_token_url",
        "sendgrid_url",
        "ses_url",
        "openai_base_url",
        "anthropic_base_url",
        "oidc_metadata_url",
    )
    @classmethod
    def _keys_need_encryption(cls, value: str) -> str:
        if value and not _KEEPS_SECRETS.match(value):
            raise ValueError("a key is sent there: give an https address")
        return value.rstrip("/")

    @field_validator("alert_webhook", "heartbeat_url")
    @classmethod
    def _kept_from_others(cls, value: SecretStr | None) -> SecretStr | None:
        # Such an address is a key: whoever has it may speak in our name.
        if value is None or not value.get_secret_value().strip():
            return None
        if not _KEEPS_SECRETS.match(value.get_secret_value()):
            raise ValueError("give an https address, or one on this machine")
        return value

    @field_validator("runbook_url")
    @classmethod
    def _web_address(cls, value: str) -> str:
        if value and not re.match(r"https?://[^/\s]", value):
            raise ValueError("give the http or https address of that page")
        return value.partition("#")[0]

    @model_validator(mode="after")
    def _key_of_compatible_server_needs_encryption(self) -> Self:
        # Without a key it may be a machine next door that speaks no https.
        address = self.compatible_base_url
        if self.compatible_api_key and address and not _KEEPS_SECRETS.match(address):
            raise ValueError(
                "CM_COMPATIBLE_API_KEY would be sent in clear: give CM_COMPATIBLE_BASE_URL an https address"
            )
        return self

    @model_validator(mode="after")
    def _oidc_is_whole(self) -> Self:
        parts = (self.oidc_metadata_url, self.oidc_client_id, self.oidc_client_secret)
        if any(parts) and not all(parts):
            raise ValueError(
                "sign-in by OpenID Connect needs CM_OIDC_METADATA_URL, CM_OIDC_CLIENT_ID and CM_OIDC_CLIENT_SECRET"
            )
        return self

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
