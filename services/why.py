"""Why, and why not: what became of an article for a person, told stage by stage."""

from uuid import UUID

from pydantic import BaseModel
from sqlmodel import Session, col, or_, select

from models.accounts import User, preferences_of, user_by_email
from models.clients import match_rules, open_assignments
from models.engine import reading
from models.events import Decision, Event, Stage
from models.mail import Delivery, Notification, NotificationState
from models.news import Article, ArticleClient
from models.scope import Scope
from services.errors import UserError
from tasks.companies.match import MatchRule, match_company
from tasks.dedupe.urls import canonical_url
from tasks.profiles import portfolio


class Step(BaseModel):
    """One stage's word on the article."""

    stage: str
    verdict: str
    reason_code: str
    sentence: str
    evidence: str = ""
    client: str = ""


class Why(BaseModel):
    """The answer: the article as found, the steps it took, and one sentence that sums it up."""

    article: str
    source: str
    person: str
    answer: str
    steps: list[Step]


def find_article(scope: Scope, session: Session, wanted: str) -> Article | None:
    """The article with this id, address, title, or the newest one whose title holds these words."""
    if not wanted.strip():
        return None
    try:
        return session.exec(select(Article).where(Article.id == UUID(wanted))).first()
    except ValueError:
        pass
    if wanted.startswith(("http://", "https://")):
        same = {wanted, canonical_url(wanted) or wanted}
        for article in session.exec(select(Article).where(col(Article.url).in_(same))):
            return article
        tail = (canonical_url(wanted) or wanted).partition("://")[2]
        return session.exec(select(Article).where(col(Article.url).contains(tail, autoescape=True))).first()
    title = col(Article.title)
    query = select(Article).where(or_(title == wanted, title.icontains(wanted, autoescape=True)))
    return session.exec(query.order_by((title == wanted).desc(), col(Article.first_seen_at).desc())).first()


def why(scope: Scope, wanted: str, email: str) -> Why:
    """What became of an article for a person; UserError when either is unknown."""
    with reading(scope) as session:
        person = user_by_email(scope, session, email)
        if person is None:
            raise UserError(
                f"there is nobody with the address {email!r}", "client-monitor status lists the people"
            )
        article = find_article(scope, session, wanted)
        if article is None:
            raise UserError(
                f"no article found for {wanted!r}",
                "it never reached us: give its address, its title or a few words of it; "
                "if it should be here, see which sources were asked with: client-monitor status",
            )
        steps, answer = _trace(scope, session, article, person)
    return Why(
        article=article.title,
        source=article.source or article.publisher,
        person=person.email,
        answer=answer,
        steps=steps,
    )


def _trace(scope: Scope, session: Session, article: Article, person: User) -> tuple[list[Step], str]:
    names = {client.id: client.name for client in portfolio(scope, session).clients.values()}
    decisions = session.exec(
        select(Decision)
        .where(Decision.article_id == article.id)
        .order_by(col(Decision.created_at), col(Decision.id))
    )
    steps = [_step(d, names) for d in decisions if d.stage is not Stage.FILTER]
    links = list(session.exec(select(ArticleClient).where(ArticleClient.article_id == article.id)))
    if not links:
        return _computed(scope, session, article, person)
    answer = "Found for a client, and judged not to be about it."
    mine: list[str] = []
    for link in links:
        if link.event_id is None:
            continue
        event = session.exec(select(Event).where(Event.id == link.event_id)).one()
        filtered = session.exec(
            select(Decision)
            .where(Decision.event_id == event.id, Decision.user_id == person.id)
            .order_by(col(Decision.created_at), col(Decision.id))
        )
        steps += [_step(d, names) for d in filtered]
        mine.append(_outcome(session, event, person, names.get(event.client_id, "an archived client")))
    if mine:
        answer = " ".join(dict.fromkeys(mine))
    elif any(str(link.state) == "candidate" for link in links):
        answer = "Found, and still waiting to be judged: the next run takes it up."
    return steps, answer


def _outcome(session: Session, event: Event, person: User, client: str) -> str:
    ledger = session.exec(
        select(Notification)
        .where(Notification.event_id == event.id, Notification.user_id == person.id)
        .order_by(col(Notification.revision).desc())
    ).first()
    if ledger is None and event.needs_filter:
        return f"{client}: an event that still waits to be sorted: the next run takes it up."
    if ledger is None:
        return f"{client}: an event, but you do not look after this client."
    if ledger.state is NotificationState.SKIPPED:
        said = session.exec(
            select(Decision.reason)
            .where(Decision.event_id == event.id, Decision.user_id == person.id, Decision.reason != "")
            .order_by(col(Decision.created_at).desc(), col(Decision.id).desc())
        ).first()
        return f"{client}: not mailed ({ledger.reason}). {said or ''}".strip()
    mail = session.get(Delivery, ledger.delivery_id) if ledger.delivery_id else None
    if mail is None:
        return f"{client}: waits for your next {'digest' if str(ledger.route) == 'digest' else 'mail'}."
    return f"{client}: {ledger.state.value} in “{mail.subject}” ({mail.slot})."


def _computed(scope: Scope, session: Session, article: Article, person: User) -> tuple[list[Step], str]:
    """For an article without a name hit nothing was written down; the answer is worked out here and now."""
    watched = portfolio(scope, session)
    assigned = {c for c, people in open_assignments(scope, session).items() if person.id in people}
    everything = not preferences_of(scope, session)[person.id].assigned_clients_only
    steps = []
    taught = match_rules(scope, session)
    for client_id, profile in watched.profiles.items():
        if not everything and client_id not in assigned:
            continue
        rules = [
            MatchRule(kind=rule.kind.value, phrase=rule.phrase, id=str(rule.id))
            for rule in taught.get(client_id, [])
        ]
        match = match_company(
            profile, article.title, article.snippet, article.url, article.source, rules=rules
        )
        if match.about:
            steps.append(
                Step(
                    stage=Stage.MATCH.value,
                    verdict="about",
                    reason_code=str(match.reason),
                    sentence="It would be found today: the client was added or changed after it came.",
                    evidence=match.evidence,
                    client=profile.name,
                )
            )
    if steps:
        return steps, "It came before the client was watched as it is now."
    step = Step(
        stage=Stage.DEDUPE.value,
        verdict="no_candidate",
        reason_code="no_name",
        sentence="Neither title, lead nor address names any of your clients or their aliases.",
    )
    return [step], "It names none of your clients."


def _step(decision: Decision, names: dict[UUID, str]) -> Step:
    sentence = decision.reason or decision.reason_code.replace("_", " ").capitalize() + "."
    return Step(
        stage=decision.stage.value,
        verdict=decision.verdict,
        reason_code=decision.reason_code,
        sentence=sentence,
        evidence=decision.evidence if decision.stage is not Stage.DEDUPE else "",
        client=names.get(decision.client_id, "") if decision.client_id else "",
    )
