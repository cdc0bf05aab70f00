"""One article against one client, with what people taught us about that client."""

from collections.abc import Iterable, Sequence

from models.clients import ClientMatchRule
from models.news import Article
from tasks.companies.index import Hit
from tasks.companies.match import CompanyMatch, MatchRule, match_company
from tasks.companies.names import Profile


def taught(rules: Iterable[ClientMatchRule]) -> tuple[MatchRule, ...]:
    """Stored rules as the matching engine takes them."""
    return tuple(
        MatchRule(kind=rule.kind.value, phrase=rule.phrase, id=str(rule.id), note=rule.note) for rule in rules
    )


def match_article(
    profile: Profile,
    article: Article,
    rules: Iterable[ClientMatchRule] = (),
    *,
    hits: Sequence[Hit] | None = None,
) -> CompanyMatch:
    """Whether the article is about the client. ``hits``: where it may name it, for who has them already."""
    return match_company(
        profile,
        article.title,
        article.snippet,
        article.url,
        article.source,
        hits=hits,
        rules=taught(rules),
    )
