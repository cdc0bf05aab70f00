"""Whether mail is stopped, or waits for a person's word, or leaves unsigned."""

from models.engine import get_engine
from models.mail import DeliveryState
from models.schema import revisions
from models.scope import Scope
from models.settings import Settings
from services import sending
from services.accounts import every_business
from services.doctor.checks import Check
from services.setup import is_set_up
from tasks.notify.signing import BadKey, signer_for

GOOD_KEY = 2048
"""Bits that RFC 8301 asks of signers."""
_SIGNS_ITSELF = {"sendgrid": "SendGrid", "ses": "SES"}


def check_sending() -> list[Check]:
    """Holds, and mails that failed or whose fate is unknown; nothing where there is no database of ours yet."""
    if not is_set_up():
        return []
    current, newest = revisions(get_engine())
    if current != newest:
        return []  # check_database says so
    checks = [check for one in every_business() for check in _business(one.slug, Scope.system(one.id))]
    return checks or [Check.ok("sending", "nothing is on hold")]


def _business(slug: str, scope: Scope) -> list[Check]:
    checks = []
    held = sending.current_hold(scope)
    if held is not None:
        message = f"{slug}: {held.sentence.partition(';')[0]}; {sending.waiting(scope)} mails wait"
        checks.append(Check.warning("sending", message, f"client-monitor release --business {slug}"))
    counts = sending.counts(scope)
    for state, mend in (
        (DeliveryState.UNKNOWN, "may or may not have arrived: client-monitor mail list --state unknown"),
        (DeliveryState.FAILED, "client-monitor mail list --state failed says why"),
    ):
        if count := counts.get(state, 0):
            message = f"{slug}: {count} mail{'s' if count > 1 else ''} {state.value}"
            checks.append(Check.warning("sending", message, f"{mend} --business {slug}"))
    return checks


def check_signing(settings: Settings) -> Check:
    """The DKIM key, with the DNS record that must be published: a look-up of ours would prove nothing to a receiver."""
    signs = _SIGNS_ITSELF.get(settings.transport)
    if signs is not None:
        return Check.ok("dkim", f"{signs} signs: set up your domain's authentication there")
    try:
        signer = signer_for(settings)
    except BadKey as error:
        mend = "openssl genrsa -out dkim.pem 2048, and name it in CM_DKIM_KEY; mail waits until then"
        return Check.failed("dkim", str(error), mend)
    if signer is None:
        return Check.ok("dkim", "mail is not signed here: your mail server has to, or set CM_DKIM_KEY")
    published = f"{signer.bits} bits; the DNS must have TXT {signer.record_name} = {signer.record}"
    if signer.bits < GOOD_KEY:
        return Check.warning("dkim", published, f"make a key of {GOOD_KEY} bits under a new selector")
    return Check.ok("dkim", published)
