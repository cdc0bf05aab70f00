"""Links about one item: useful, not relevant, wrong company, mute the client. They act as the mail's recipient.

A GET says what it would do; a POST does it once, says what changed, and offers to undo it.
"""

from collections.abc import Callable
from datetime import datetime
from enum import StrEnum
from typing import Annotated

from fastapi import APIRouter, Form
from starlette.responses import Response

from models.feedback import FeedbackVerdict
from models.tokens import Purpose
from services.errors import UserError
from services.feedback import Preview, give, preview, undo
from services.mail_links import Visit, masked
from services.muting import Muted, is_muted, mute
from services.reactions import Reaction, reaction
from tasks.notify.safe import clean
from web.pages import Button, Page, answer, gone
from web.routes import PAGE_OR_REFUSAL, look
from web.service import TheService

router = APIRouter()


class Opinion(StrEnum):
    """The verdicts, as links name them."""

    USEFUL = "useful"
    NOT_RELEVANT = "not-relevant"
    WRONG_COMPANY = "wrong-company"

    @property
    def verdict(self) -> FeedbackVerdict:
        return FeedbackVerdict[self.name]

    @property
    def purpose(self) -> Purpose:
        return Purpose[self.name]


_QUESTION = {
    Opinion.USEFUL: "Was this useful?",
    Opinion.NOT_RELEVANT: "Not relevant to you?",
    Opinion.WRONG_COMPANY: "About another company?",
}
_BUTTON = {
    Opinion.USEFUL: "Yes, it was useful",
    Opinion.NOT_RELEVANT: "Not relevant to me",
    Opinion.WRONG_COMPANY: "It is another company",
}
_NOTED = {
    Opinion.USEFUL: "Noted: useful",
    Opinion.NOT_RELEVANT: "Noted: not relevant",
    Opinion.WRONG_COMPANY: "Noted: another company",
}


@look(router, "/mute/{token}", **PAGE_OR_REFUSAL)
def show_mute(token: str, service: TheService) -> Response:
    """Which client would be muted, with a button."""
    visit = service.visit(Purpose.MUTE, token)
    if visit is None:
        return gone()
    return _guarded(visit, lambda: _mute_page(visit, is_muted(visit.scope, visit.grant.subject)))


@router.post("/mute/{token}", **PAGE_OR_REFUSAL)
def change_mute(token: str, service: TheService, do: Annotated[str, Form()] = "") -> Response:
    """Mute the client for this person, or unmute it."""
    visit = service.visit(Purpose.MUTE, token)
    if visit is None:
        return gone()

    def change() -> Page:
        if do not in {"mute", "unmute"}:
            return _mute_page(visit, is_muted(visit.scope, visit.grant.subject))
        return _mute_page(visit, mute(visit.scope, visit.grant.subject, do == "mute", now=service.now))

    return _guarded(visit, change)


@look(router, "/feedback/{opinion}/{token}", **PAGE_OR_REFUSAL)
def show_opinion(opinion: Opinion, token: str, service: TheService) -> Response:
    """What the verdict would do, with a button."""
    visit = service.visit(opinion.purpose, token)
    return gone() if visit is None else _guarded(visit, lambda: _opinion_page(visit, opinion, service.now))


@router.post("/feedback/{opinion}/{token}", **PAGE_OR_REFUSAL)
def say_opinion(
    opinion: Opinion, token: str, service: TheService, do: Annotated[str, Form()] = ""
) -> Response:
    """Give the verdict in the name of the mail's recipient, or take it back."""
    visit = service.visit(opinion.purpose, token)
    if visit is None:
        return gone()

    def react() -> Page:
        event_id = visit.grant.subject
        if do == "say":
            give(visit.scope, str(event_id), opinion.verdict, note="by a link of a mail", now=service.now)
        elif do == "undo":
            said = reaction(visit.scope, event_id, opinion.verdict, now=service.now).feedback_id
            if said is not None:
                undo(visit.scope, str(said), now=service.now)
        return _opinion_page(visit, opinion, service.now)

    return _guarded(visit, react)


def _guarded(visit: Visit, page: Callable[[], Page]) -> Response:
    """The page, or the one that says why this person cannot do that."""
    try:
        return answer(page())
    except PermissionError as error:
        refused = Page(
            title="You cannot do that",
            lead=(_sentence(str(error)), "Nothing was changed. Whoever looks after the client can say it."),
            business=visit.business.name,
            whose=masked(visit.delivery.recipient),
        )
        return answer(refused, 403)
    except (UserError, ValueError):
        return gone()


def _opinion_page(visit: Visit, opinion: Opinion, at: datetime) -> Page:
    now = reaction(visit.scope, visit.grant.subject, opinion.verdict, now=at)
    return _noted(visit, opinion, now) if now.feedback_id is not None else _question(visit, opinion, now)


def _noted(visit: Visit, opinion: Opinion, now: Reaction) -> Page:
    is_useful = opinion is Opinion.USEFUL
    return Page(
        title=_NOTED[opinion],
        about=_about(now),
        lead=("It is recorded, and changes nothing you get.",)
        if is_useful
        else (
            _effect(now.effect),
            *((f"{_sentence(now.hint)} You can set it in your preferences.",) if now.hint else ()),
            "It holds from the next run on. Undo takes it back, for this item and its like.",
        ),
        buttons=(Button("Undo", "undo", quiet=True),),
        business=visit.business.name,
        whose=masked(visit.delivery.recipient),
    )


def _question(visit: Visit, opinion: Opinion, now: Reaction) -> Page:
    lead: tuple[str, ...] = ()
    if opinion is not Opinion.USEFUL:
        told = preview(visit.scope, str(visit.grant.subject), opinion.verdict)
        because = (_sentence(f"because {told.why}"),) if told.why else ()
        lead = (f"From the next run on: {_effect(told.effect)}", *because, _reach(told))
    return Page(
        title=_QUESTION[opinion],
        about=_about(now),
        lead=lead,
        buttons=(Button(_BUTTON[opinion], "say"),),
        note="Nothing is changed until you press the button, and you can undo it here.",
        business=visit.business.name,
        whose=masked(visit.delivery.recipient),
    )


def _reach(told: Preview) -> str:
    """How much else the verdict would have kept away: a number, for who was forwarded a mail may not read the rest."""
    if not told.removes:
        return "Nothing else of the last 90 days would have been kept away."
    others = "1 other item" if told.of == 1 else f"{told.of} other items"
    return f"Of the last 90 days it would have kept away {len(told.removes)} of the client's {others}."


def _mute_page(visit: Visit, now: Muted) -> Page:
    client = clean(now.client, 120)
    items = f" {now.items} waiting item{'s' if now.items != 1 else ''} followed." if now.items else ""
    if now.muted:
        title, button = f"{client} is muted", Button("Undo: unmute", "unmute", quiet=True)
        lead = f"You get no mail about {client} any more.{items}"
    else:
        title, button = f"Mute {client}?", Button(f"Mute {client}", "mute")
        lead = f"You would get no more mail about {client}.{items}"
    return Page(
        title=title,
        lead=(lead, "Its news is still there in Client Monitor, and your colleagues get theirs as before."),
        buttons=(button,),
        business=visit.business.name,
        whose=masked(visit.delivery.recipient),
    )


def _about(now: Reaction) -> tuple[str, ...]:
    return clean(now.title, 240), f"About {clean(now.client, 120)}"


def _effect(text: str) -> str:
    # The record speaks of its reader; here that is who reads.
    return _sentence(text.replace("for this reader", "for you"))


def _sentence(text: str) -> str:
    text = clean(text, 300)
    return f"{text[:1].upper()}{text[1:]}." if text else ""
