"""What to ask at the meeting: by what happened, and by what the CRM says is due. Pure."""

from collections.abc import Iterable, Mapping
from datetime import date, timedelta

from models.events import Category
from services.brief.sheet import BriefItem, Question
from services.portfolio.standing import Standing
from tasks.notify.wording import plural

MOST = 4
_MOST_DUE = 2
"""Questions about the account: the others are about the news."""
_RENEWAL_NEAR = timedelta(days=180)
_QUIET_AFTER = timedelta(days=60)

_ASK: Mapping[Category, str] = {
    Category.FUNDING: "What is the new money meant for first, and who decides about it?",
    Category.ACQUISITION: "What does the deal change for the teams we work with, and who leads it?",
    Category.LEADERSHIP_CHANGE: "What will the new people at the top look at first? May we be introduced?",
    Category.PRODUCT_LAUNCH: "How is the launch going, and what would help you to bring it to more customers?",
    Category.PARTNERSHIP: "What do you expect of the partnership, and does it touch what we do together?",
    Category.FINANCIAL_RESULTS: "How do the results change your plans and budgets for the coming quarters?",
    Category.REGULATORY: "What does the regulator's step ask of you, and by when?",
    Category.LITIGATION: "Is there anything in our work together that you have to be careful with just now?",
    Category.LAYOFFS: "Are people we work with concerned, and what has to go on without them?",
    Category.EXPANSION: "What do the new sites and markets need, and who plans them?",
    Category.SECURITY_INCIDENT: "How far have you got with the incident, and can we take anything off your hands?",
    Category.AWARD: "Congratulations are due: may we tell the story with you?",
}
_ALWAYS = (
    Question(text="What has to have happened by the end of the year for it to have been a good one?"),
    Question(text="Who else should we be talking to?"),
    Question(text="What would you have us do differently?"),
)


def questions(items: Iterable[BriefItem], standing: Standing | None, today: date) -> tuple[Question, ...]:
    """At most ``MOST``: what is due first, then a question for each kind of news, then what can always be asked."""
    found = list(_due(standing, today))[:_MOST_DUE] if standing is not None else []
    asked: set[Category] = set()
    for item in items:
        if item.category is not None and item.category in _ASK and item.category not in asked:
            asked.add(item.category)
            found.append(Question(text=_ASK[item.category], about=item.title))
    return tuple((found + list(_ALWAYS[: max(0, 3 - len(found))]))[:MOST])


def _due(standing: Standing, today: date) -> Iterable[Question]:
    renewal = standing.renewal_on
    if renewal is not None and renewal < today:
        yield Question(text="The renewal date is past: what keeps you from going on?", about="the CRM")
    elif renewal is not None and renewal - today <= _RENEWAL_NEAR:
        days = plural((renewal - today).days, "day")
        ask = f"The contract is renewed in {days}: what do you need to see until then?"
        yield Question(text=ask, about="the CRM")
    if standing.urgent_cases:
        cases = plural(standing.urgent_cases, "urgent case is", "urgent cases are")
        yield Question(text=f"{cases} open: what does each of them cost you?", about="the CRM")
    last = standing.last_activity_at
    if last is not None and today - last.date() > _QUIET_AFTER:
        yield Question(text="We have not spoken for a while: what did we miss?", about="the CRM")
