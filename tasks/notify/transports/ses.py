"""Sends through Amazon SES (API v2), the message as it stands.

SES writes a Message-ID and Date of its own, so our DKIM signature would not hold (SES signs itself), and its events
are told apart by our delivery's id, which travels as a tag.
"""

from threading import Lock
from typing import Any, ClassVar

import boto3  # type: ignore[import-untyped]
from botocore import exceptions as aws  # type: ignore[import-untyped]
from botocore.config import Config  # type: ignore[import-untyped]

from models.settings import Settings
from tasks.notify.transports.transport import (
    DELIVERY_TAG,
    About,
    Envelope,
    KeyUse,
    Limits,
    Outcome,
    Result,
    one_line,
)

_MAILS_OWN_FAULT = {"MessageRejected", "BadRequestException", "ValidationException"}
_NOT_SENT = (
    *(aws.NoCredentialsError, aws.PartialCredentialsError, aws.CredentialRetrievalError, aws.NoRegionError),
    *(aws.ProfileNotFound, aws.EndpointConnectionError, aws.ConnectTimeoutError, aws.ProxyConnectionError),
    *(aws.SSLError, aws.InvalidRegionError, aws.UnknownServiceError, ValueError),
)
"""Raised before any request left; ValueError is boto3's word for an endpoint that is no address."""


class SesTransport:
    """One client for all threads; its own retries are off, since a repeated request is a second mail."""

    name: ClassVar[str] = "ses"
    about: ClassVar[About] = About(
        title="Amazon SES",
        recipient="Amazon Web Services, in the region of CM_SES_REGION",
        sends="each mail, whole, with its reader's name and address",
        terms="https://aws.amazon.com/service-terms/",
        key=KeyUse.REQUIRED,
        key_setting="ses_secret_access_key",
        usd_per_call=0.0001,
    )
    idempotent: ClassVar[bool] = False
    verbatim: ClassVar[bool] = False

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._lock = Lock()
        self._client: Any = None

    @property
    def limits(self) -> Limits:
        settings = self._settings
        return Limits(
            connections=settings.mail_connections,
            per_second=settings.mails_per_second,
            account=f"{settings.ses_region} {settings.ses_access_key_id or settings.ses_profile}",
        )

    def send(self, envelope: Envelope) -> Outcome:
        try:
            answer = self._connected().send_email(**request(envelope, self._settings.ses_configuration_set))
        except aws.ClientError as error:
            return _refusal(error)
        except aws.ParamValidationError as error:
            return Outcome(Result.PERMANENT, f"SES: {one_line(error)}")
        except _NOT_SENT as error:
            return Outcome(Result.UNAVAILABLE, f"SES: {type(error).__name__}: {one_line(error)}")
        except aws.BotoCoreError as error:
            # The request was on its way.
            return Outcome(Result.UNKNOWN, f"SES: no answer: {type(error).__name__}")
        return Outcome(Result.SENT, provider_id=str(answer["MessageId"])[:200])

    def close(self) -> None:
        with self._lock:
            client, self._client = self._client, None
        if client is not None:
            client.close()

    def _connected(self) -> Any:
        with self._lock:
            if self._client is None:
                self._client = connect(self._settings, self._settings.http_timeout_seconds)
            return self._client


def connect(settings: Settings, timeout: float) -> Any:
    """boto3's client of SES v2; what the settings leave empty comes from the usual AWS places."""
    secret = settings.ses_secret_access_key
    session = boto3.session.Session(
        profile_name=settings.ses_profile or None,
        region_name=settings.ses_region or None,
        aws_access_key_id=settings.ses_access_key_id or None,
        aws_secret_access_key=secret.get_secret_value() if secret else None,
    )
    return session.client(
        "sesv2",
        endpoint_url=settings.ses_url or None,
        config=Config(
            connect_timeout=timeout,
            read_timeout=timeout,
            retries={"total_max_attempts": 1},
            max_pool_connections=settings.mail_connections,
        ),
    )


def request(envelope: Envelope, configuration_set: str) -> dict[str, Any]:
    """The parameters of SendEmail: the stored bytes, to one address, tagged with our id of the mail."""
    asked: dict[str, Any] = {
        "FromEmailAddress": envelope.sender,
        "Destination": {"ToAddresses": [envelope.recipient]},
        "Content": {"Raw": {"Data": envelope.data}},
    }
    if envelope.delivery_id:
        asked["EmailTags"] = [{"Name": DELIVERY_TAG, "Value": envelope.delivery_id}]
    if configuration_set:
        asked["ConfigurationSetName"] = configuration_set
    return asked


def _refusal(error: Any) -> Outcome:
    code = str(error.response.get("Error", {}).get("Code", ""))
    message = str(error.response.get("Error", {}).get("Message", ""))
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    detail = one_line(f"SES: {code or status}: {message}")
    if status >= 500:
        # A fault behind its door: it may have taken the mail.
        return Outcome(Result.UNKNOWN, detail)
    # An unverified sender comes as MessageRejected too, and is the deployment's fault, not this mail's.
    if code in _MAILS_OWN_FAULT and "not verified" not in message:
        return Outcome(Result.PERMANENT, detail)
    # Throttled, paused, suspended, without rights, a domain or configuration set it does not know.
    return Outcome(Result.UNAVAILABLE, detail)
