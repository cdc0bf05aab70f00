"""Where the links of dry runs' mails lead: they do nothing, and say so."""

from fastapi import APIRouter
from starlette.responses import Response

from tasks.notify.links import NOT_SENT
from web.pages import Page, answer
from web.routes import PAGE, look

router = APIRouter()

_PAGE = Page(
    title="This mail was never sent",
    lead=(
        "It was written as a file by a demo, a replay or a dry run, so its links change nothing.",
        "In a mail that was sent, this one acts for its reader: unsubscribe, say what was useful, mute a client.",
    ),
)


@look(router, NOT_SENT, **PAGE)
def show() -> Response:
    """The page."""
    return answer(_PAGE)
