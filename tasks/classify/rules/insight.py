"""What an event means for the account, in plain sentences from templates: no model, no invention."""

from typing import Literal

from pydantic import BaseModel, ConfigDict

from tasks.classify.rules.categories import Category, Verdict
from tasks.classify.rules.languages import builtin_languages
from tasks.classify.rules.roles import Role, role_of

INSIGHT_FROM = 0.7

Urgency = Literal["high", "normal", "low"]


class Insight(BaseModel):
    """`meaning`: what it may mean for the account. `actions`: what one might do, first things first.

    `urgency`: high is today, normal this week, low when there is time.
    """

    model_config = ConfigDict(frozen=True)

    meaning: str
    actions: tuple[str, ...]
    urgency: Urgency


# {name} is the client. Sentences say "may": the template knows the kind of event, not its details.
_TEMPLATES: dict[Category, tuple[str, tuple[str, ...], Urgency]] = {
    Category.FUNDING: (
        "{name} has new money or a listing ahead, so budgets and plans may grow.",
        ("Congratulate your contact.", "Ask what the money is meant for."),
        "normal",
    ),
    Category.ACQUISITION: (
        "Ownership around {name} may change, and with it decision-makers, suppliers and contracts.",
        ("Read who buys whom, and what becomes of {name}.", "Check change-of-control clauses."),
        "high",
    ),
    Category.LEADERSHIP_CHANGE: (
        "The people who decide at {name} are changing; priorities and loyalties may change with them.",
        ("Check whether your contacts are concerned.", "Ask to be introduced to whoever comes next."),
        "normal",
    ),
    Category.PRODUCT_LAUNCH: (
        "{name} is bringing something new to market and may need help to sell, run or support it.",
        ("Read the announcement.", "Think of one thing you can offer around the launch."),
        "low",
    ),
    Category.PARTNERSHIP: (
        "{name} has tied itself to a partner or won a contract, which may open work or close a door.",
        ("Check whether the partner competes with you or could bring you in.",),
        "normal",
    ),
    Category.FINANCIAL_RESULTS: (
        "{name}'s figures set the mood for its budgets in the coming months.",
        ("Read the outlook, not only the headline.", "Prepare for a talk about budgets."),
        "normal",
    ),
    Category.REGULATORY: (
        "An authority has acted on something at {name}; duties, delays or permissions may follow.",
        ("Ask your contact what changes for them.", "Check whether your own work is touched."),
        "normal",
    ),
    Category.LITIGATION: (
        "{name} is in a legal dispute, which ties up people and may make it careful with commitments.",
        ("Do not comment on the case.", "Check whether your contracts or deliveries are concerned."),
        "normal",
    ),
    Category.LAYOFFS: (
        "{name} is cutting jobs or closing sites; contacts may leave and spending may shrink.",
        ("Make sure you know more than one contact there.", "Review open offers and invoices."),
        "high",
    ),
    Category.EXPANSION: (
        "{name} is growing into new sites or markets, which usually brings new needs.",
        ("Ask who leads the project and what it needs in its first months.",),
        "normal",
    ),
    Category.SECURITY_INCIDENT: (
        "{name} faces a security incident; its people are busy, and shared data or links may be at risk.",
        ("Tell your own security team.", "Check shared accounts and data.", "Offer help before selling."),
        "high",
    ),
    Category.AWARD: (
        "{name} is in the public eye for a good reason.",
        ("Send a short, personal congratulation.",),
        "low",
    ),
}
_DISTRESS: tuple[str, tuple[str, ...], Urgency] = (
    "{name} may be in serious trouble, and what it owes or has promised may be at risk.",
    ("Speak with finance about open invoices and deliveries today.",),
    "high",
)
# Where the headline says which part the client has, the step fits that part.
_BY_ROLE: dict[tuple[Category, Role], tuple[str, tuple[str, ...], Urgency]] = {
    (Category.ACQUISITION, "buyer"): (
        "{name} is the buyer: budgets go into the deal first, and the merged business will need work.",
        ("Ask who leads the integration.", "Find out whether you already work for the company it buys."),
        "normal",
    ),
    (Category.ACQUISITION, "target"): (
        "{name} may get a new owner, and with it other decision-makers, suppliers and contracts.",
        ("Check change-of-control clauses.", "Call your sponsor.", "Learn whom the buyer works with."),
        "high",
    ),
    (Category.ACQUISITION, "seller"): (
        "{name} is parting with a business; contracts and contacts there may move to the buyer.",
        ("Check whether your contracts go with what is sold.", "Ask what the proceeds are meant for."),
        "normal",
    ),
    (Category.LITIGATION, "claimant"): (
        "{name} has gone to court itself, which ties up people but not its business.",
        ("Do not comment on the case.", "Check whether the other side is a client of yours, too."),
        "low",
    ),
    (Category.FUNDING, "investor"): (
        "{name} is putting money into another company, which shows where it wants to grow.",
        ("Ask what it expects from the investment.",),
        "low",
    ),
}
_APPROVED: tuple[str, tuple[str, ...], Urgency] = (
    "An authority has let {name} go ahead; work that waited for it may start.",
    ("Congratulate your contact.", "Ask what starts now, and who is needed for it."),
    "normal",
)
_PARTED: tuple[str, tuple[str, ...], Urgency] = (
    "{name} and a partner go separate ways; there may be a gap to fill.",
    ("Ask your contact what takes the partner's place.",),
    "normal",
)
_GOOD, _BAD = 0.3, -0.3
_GOOD_RESULTS = "{name} reports good figures; there may be room for new projects."
_BAD_RESULTS = "{name} reports weak figures; expect closer looks at every expense."


def insight(verdict: Verdict, client_name: str, score: float = 1.0, *, title: str = "") -> Insight | None:
    """The insight for one event at one client, or None below INSIGHT_FROM and for what is no event.

    `score` is the relevance; who has checked it already may leave it out. `title`: the headline judged; with
    it the step fits the client's part in the event. A rumour is marked as one and is never urgent; a denied
    event says so.
    """
    if score < INSIGHT_FROM or not verdict.language_supported or verdict.category is Category.OTHER:
        return None
    meaning, actions, urgency = _template(verdict, client_name, title)
    if verdict.risk == "high":
        urgency = "high"
    if verdict.certainty == "speculative":
        meaning = f"Not confirmed yet. If it proves true: {meaning}"
        urgency = "normal" if urgency == "high" else urgency
    elif verdict.certainty == "denied":
        meaning = f"It is being denied, so take it as talk in the market. If it proved true: {meaning}"
        urgency = "low"
    return Insight(
        meaning=meaning.replace("{name}", client_name),
        actions=tuple(action.replace("{name}", client_name) for action in actions),
        urgency=urgency,
    )


def _template(verdict: Verdict, client_name: str, title: str) -> tuple[str, tuple[str, ...], Urgency]:
    category, sentiment = verdict.category, verdict.sentiment
    meaning, actions, urgency = _TEMPLATES[category]
    if category is Category.LAYOFFS and verdict.risk == "high":
        return _DISTRESS
    if category is Category.FINANCIAL_RESULTS and sentiment >= _GOOD:
        return _GOOD_RESULTS, actions, urgency
    if category is Category.FINANCIAL_RESULTS and sentiment <= _BAD:
        return _BAD_RESULTS, actions, urgency
    if category is Category.REGULATORY and sentiment >= _GOOD and verdict.risk in ("none", "low"):
        return _APPROVED
    if category is Category.PARTNERSHIP and sentiment <= _BAD:
        return _PARTED
    role = _role(verdict, client_name, title)
    return (
        _BY_ROLE.get((category, role), (meaning, actions, urgency)) if role else (meaning, actions, urgency)
    )


def _role(verdict: Verdict, client_name: str, title: str) -> Role | None:
    language = builtin_languages().get(verdict.language)
    if language is None or not title:
        return None
    return role_of(language.reader.canonical(title), client_name, verdict.category, language.roles)
