"""Why, and why not: what became of an article for a person, told stage by stage."""

from uuid import UUID

from pydantic import BaseModel
from sqlmodel import Session

from models.accounts import User, preferences_of, user_by_email
from models.clients import match_rules, open_assignments
from models.engine import reading
from models.events import Decision, Event, Stage, decisions_about, decisions_for, event_by_id, judged_by
from models.links import links_of
from models.mail import Channel, Delivery, NotificationState, newest_line
from models.news import Article, article_at, article_by_id, article_titled
from models.scope import Scope
from services.accounts import is_admin
from services.errors import UserError
from tasks.classify.matching import match_article
from tasks.dedupe.urls import canonical_url
from tasks.profiles import portfolio

_BY_AI = (Stage.MATCH, Stage.CLASSIFY)
"""Stages in which an AI may have its say."""


class Step(BaseModel):
    """One stage's word on the article."""

    stage: str
    verdict: str
    reason_code: str
    sentence: str
    evidence: str = ""
    client: str = ""
    judged_by: str = ""
    """The AI that said so, such as "AI, openai"; empty where the rules or a reader did."""


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
        return article_by_id(scope, session, UUID(wanted))
    except ValueError:
        pass
    if wanted.startswith(("http://", "https://")):
        canonical = canonical_url(wanted) or wanted
        return article_at(scope, session, {wanted, canonical}, canonical.partition("://")[2])
    return article_titled(scope, session, wanted)


def why(scope: Scope, wanted: str, email: str) -> Why:
    """What became of an article for a person; UserError when either is unknown.

    Another person's items are an admin's to ask about.
    """
    with reading(scope) as session:
        person = user_by_email(scope, session, email)
        if person is None:
            raise UserError(
                f"there is nobody with the address {email!r}", "client-monitor status lists the people"
            )
        if person.id != scope.user_id and not is_admin(scope):
            raise PermissionError(f"a {scope.role.value} may ask about their own items only")
        article = find_article(scope, session, wanted)
        if article is None:
            raise UserError(
                f"no article found for {wanted!r}",
                "no article we have has these words in its title, or this address: it may never have reached us, or "
                "under another headline (pages change theirs). Try its address or other words of it; "
                "client-monitor status shows which sources were asked",
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
    decisions = decisions_about(scope, session, article.id)
    steps = [_step(d, names) for d in decisions if d.stage is not Stage.FILTER]
    links = links_of(scope, session, article.id)
    if not links:
        return _computed(scope, session, article, person)
    answer = "Found for a client, and judged not to be about it."
    mine: list[str] = []
    for link in links:
        if link.event_id is None:
            continue
        event = event_by_id(scope, session, link.event_id)
        if event is None:
            continue
        steps += [_step(d, names) for d in decisions_for(scope, session, event.id, person.id)]
        mine.append(_outcome(scope, session, event, person, names.get(event.client_id, "an archived client")))
    if mine:
        answer = " ".join(dict.fromkeys(mine))
    elif any(str(link.state) == "candidate" for link in links):
        answer = "Found, and still waiting to be judged: the next run takes it up."
    return steps, answer


def _outcome(scope: Scope, session: Session, event: Event, person: User, client: str) -> str:
    ledger = newest_line(scope, session, event.id, person.id)
    if ledger is None and event.needs_filter:
        return f"{client}: an event that still waits to be sorted: the next run takes it up."
    if ledger is None:
        return f"{client}: an event, but you do not look after this client."
    if ledger.state is NotificationState.SKIPPED:
        # An older revision of the event may have been decided later: only what says the line's own reason is about it.
        told = decisions_for(scope, session, event.id, person.id)
        said = [d.reason for d in told if d.reason and d.reason_code == ledger.reason]
        return f"{client}: not mailed ({ledger.reason}). {said[-1] if said else ''}".strip()
    if ledger.channel is Channel.IN_APP:
        return f"{client}: in the app, and not mailed: e-mail was switched off when it was sorted."
    mail = session.get(Delivery, ledger.delivery_id) if ledger.delivery_id else None
    if mail is None:
        return f"{client}: waits for your next {'digest' if str(ledger.route) == 'digest' else 'mail'}."
    called = (
        f"“{mail.subject}” ({mail.slot})"
        if mail.subject
        else f"the mail {mail.slot}, which is not written yet"
    )
    return f"{client}: {ledger.state.value} in {called}."


def _computed(scope: Scope, session: Session, article: Article, person: User) -> tuple[list[Step], str]:
    """For an article without a name hit nothing was written down; the answer is worked out here and now."""
    watched = portfolio(scope, session)
    assigned = {c for c, people in open_assignments(scope, session).items() if person.id in people}
    everything = not preferences_of(scope, session)[person.id].assigned_clients_only
    steps = []
    rules = match_rules(scope, session)
    for client_id, profile in watched.profiles.items():
        if not everything and client_id not in assigned:
            continue
        match = match_article(profile, article, rules.get(client_id, ()))
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
        judged_by=judged_by(decision.engine) if decision.stage in _BY_AI else "",
    )
