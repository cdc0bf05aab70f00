"""The rule a "wrong company" verdict makes, and which matches a change of rules takes away or gives back."""

from collections.abc import Callable, Sequence
from datetime import datetime

from pydantic import BaseModel

from models.clients import Client, ClientMatchRule, MatchRuleKind
from models.news import Article, ArticleClient
from services.teaching.phrases import Phrase, phrases
from tasks.classify.matching import match_article
from tasks.companies.names import words_of
from tasks.companies.rules import contains
from tasks.profiles import profile_of

Linked = tuple[ArticleClient, Article]
_FEW = 3
"""So many stories of a namesake may have come in before anybody said so, even of a client with few of its own."""


class Affected(BaseModel):
    """An article whose match a rule changes."""

    title: str
    source: str
    at: datetime


def says(article: Article, phrase: str) -> bool:
    """Whether a rule with this phrase would see it in the article."""
    words = (*words_of(article.title), "\n", *words_of(article.snippet or ""))
    return contains(words, words_of(phrase))


def narrowest(
    client: Client, told: Sequence[Article], others: Sequence[Linked], accept: Callable[[Phrase], bool]
) -> Phrase | None:
    """The phrase to make a rule of, from the articles of the story that is about somebody else; None when none is safe.

    A namesake's longer name is taken though other stories have it, for those are about the namesake too; unless most
    of the client's do, when it is hardly somebody else's. Any other phrase must occur in no other story that matches
    the client. ``accept`` may refuse a phrase.
    """
    profile = profile_of(client)
    for article in told:
        for phrase in phrases(profile, article.title, article.snippet):
            also = sum(says(other, phrase.words) for _, other in others)
            most = also > _FEW and also * 2 > len(others)
            if (not also or (phrase.is_namesake and not most)) and accept(phrase):
                return phrase
    return None


def exclude(client: Client, phrase: str, note: str = "") -> ClientMatchRule:
    """The rule that keeps texts with the phrase from the client; not stored yet."""
    return ClientMatchRule(
        business_id=client.business_id,
        client_id=client.id,
        kind=MatchRuleKind.EXCLUDE_CONTEXT,
        phrase=" ".join(words_of(phrase)),
        note=note,
    )


def differing(
    client: Client,
    linked: Sequence[Linked],
    before: Sequence[ClientMatchRule],
    after: Sequence[ClientMatchRule],
) -> list[Linked]:
    """The links on which two sets of rules disagree whether the article is about the client."""
    profile = profile_of(client)
    ids = {rule.id for rule in before} ^ {rule.id for rule in after}
    changed = [rule for rule in (*before, *after) if rule.id in ids]
    return [
        (link, article)
        for link, article in linked
        # A rule without its phrase changes nothing, unless it is one that asks for it.
        if any(
            rule.kind is not MatchRuleKind.EXCLUDE_CONTEXT or says(article, rule.phrase) for rule in changed
        )
        and match_article(profile, article, before).about != match_article(profile, article, after).about
    ]


def affected(linked: Sequence[Linked]) -> list[Affected]:
    """Links as they are shown."""
    return [
        Affected(
            title=article.title,
            source=article.source or article.publisher,
            at=article.at,
        )
        for _, article in linked
    ]
