"""What is said of a provider that raised what it should not. Its words may quote a key, a text or a person."""

import logging
import traceback

LOG = logging.getLogger(__name__)


def crashed(kind: str, name: str, error: Exception) -> str:
    """A line for a person; the log gets the places and the class, not the words. ``kind``: source, CRM, classifier."""
    where = "".join(traceback.format_tb(error.__traceback__))
    LOG.error("%s %s failed with %s\n%s", kind, name, type(error).__name__, where)
    return f"a fault in the {kind} itself ({type(error).__name__}); see the log"
