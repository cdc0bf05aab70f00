"""The whole judgement of one text: with a tenant's clients, rules, patterns, stories and readers, or with none."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel

from models.base import utc_now
from models.clients import Client, match_rules
from models.engine import reading
from models.scope import Scope
from services.clients import checked_fields, name_key
from services.errors import UserError
from services.judgement.readers import Reader, would_reach
from services.judgement.story import StoryJudgement, would_join
from services.judgement.text import TextJudgement, article_of, judge_text
from tasks.classify.own import own_patterns
from tasks.filter.facts import load_people
from tasks.profiles import portfolio


class Judgement(BaseModel):
    """What would become of a text if it came in now."""

    text: TextJudgement
    story: StoryJudgement | None
    """None where there are no known stories to look at, or the text names no client: then it is not grouped."""
    readers: list[Reader]
    notes: list[str]
    """What was left out or assumed, each a sentence."""


def client_from(fields: Mapping[str, Any]) -> Client:
    """A client that is stored nowhere, from its public fields. UserError names the field that is wrong."""
    return Client(business_id=UUID(int=0), **checked_fields(fields).model_dump(exclude_unset=True))


def judge_alone(
    title: str,
    snippet: str | None = None,
    *,
    url: str | None = None,
    source: str | None = None,
    clients: Sequence[Client] = (),
    now: datetime | None = None,
) -> Judgement:
    """Judge a text without any database, against the given clients only."""
    at = now or utc_now()
    article = article_of(_titled(title), snippet, url, source, at=at)
    text, _ = judge_text(article, clients, only_named=False, as_of=at)
    return Judgement(text=text, story=None, readers=[], notes=[])


def judge(
    scope: Scope,
    title: str,
    snippet: str | None = None,
    *,
    url: str | None = None,
    source: str | None = None,
    names: Sequence[str] = (),
    now: datetime | None = None,
) -> Judgement:
    """Judge a text as the tenant's next run would, were it published now.

    With ``names`` only those clients (by name, alias or legal name), whether the text names them or not; a name the
    tenant has no client of is tried as a client with nothing but that name.
    """
    at = now or utc_now()
    article = article_of(_titled(title), snippet, url, source, at=at)
    with reading(scope) as session:
        watched = portfolio(scope, session)
        rules = match_rules(scope, session)
        people = load_people(scope, session)
        patterns, unreadable = own_patterns(scope, session)
        named = watched.index.candidates(article.title, article.snippet, article.url)
        story = would_join(scope, session, article, watched) if named else None
    clients, notes = _chosen(list(watched.clients.values()), names)
    notes += [f"your pattern {phrase!r} cannot be read and has no effect" for phrase in unreadable]
    text, concerns = judge_text(
        article, clients, only_named=not names, rules=rules, patterns=patterns, as_of=at
    )
    return Judgement(text=text, story=story, readers=would_reach(people, concerns, at), notes=notes)


def _titled(title: str) -> str:
    title = " ".join(title.split())
    if not title:
        raise UserError("there is no title to judge", "give a headline in quotes")
    return title


def _chosen(watched: Sequence[Client], names: Sequence[str]) -> tuple[list[Client], list[str]]:
    if not names:
        return list(watched), []
    clients: dict[UUID, Client] = {}
    notes = []
    for name in names:
        known = _called(watched, name)
        if not known:
            notes.append(f"{name} is no client here: judged by its name alone")
        clients |= {client.id: client for client in known or [client_from({"name": name})]}
    return list(clients.values()), notes


def _called(watched: Sequence[Client], name: str) -> list[Client]:
    """The client of this name; else all that go by it: an alias or a legal name may be shared."""
    key = name_key(name)
    named = [client for client in watched if name_key(client.name) == key]
    return named or [
        client
        for client in watched
        if key in {name_key(other) for other in (*client.aliases, client.legal_name or "")}
    ]
