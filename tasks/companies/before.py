"""Rules about the word before a name. The first one that answers decides."""

from __future__ import annotations

from tasks.companies.frequency import abroad, adverb, gerund, inflects, third_person_verb, verbish, zipf
from tasks.companies.spot import COMMON, NOTHING, Finding, Rule, Spot, first_finding


def judge_left(at: Spot) -> Finding | None:
    """What the word before the name says: a first name, half of a longer name, an article, a trade."""
    return _ampersand(at) if at.left is None else first_finding(RULES, at)


def _named(at: Spot) -> bool:
    """Whether the word before is capitalised in a text that has capitals."""
    return at.left is not None and at.text.capital(at.left) and at.text.style != "lower"


def _held(at: Spot) -> bool:
    """Whether the word behind belongs to the name so firmly that the one before cannot ("Incoming X CEO")."""
    return at.after in at.lex["firmly_after"] and not at.possessive


def _hyphen(at: Spot) -> Finding | None:
    if not at.hyphen_left or at.left is None:
        return None
    if at.before in at.lex["prefixes"]:
        return "company_compound", 1.5
    if at.parties(at.left):
        return "party_to_a_deal", 1.0
    if at.single and at.text.capital(at.left) and at.before_that in at.lex["given_names"]:
        # "Jane Roe-Ford": a double name
        return "person_name", -5.0
    if at.doubt > COMMON or at.text.proper(at.left):
        return "compound_word", -2.5
    return NOTHING


def _own_word(at: Spot) -> Finding | None:
    return NOTHING if at.before in at.know.own - {"the", "and", "of"} else None


def _person(at: Spot) -> Finding | None:
    if not at.single or at.left is None:
        return None
    word = at.before
    if _three_part(at):
        return "person_name", -5.0
    # "J. Ford", but not the S of "U.S. Target"
    initial = (
        len(word) == 1
        and word not in ("a", "i", "s")
        and at.text.capital(at.left)
        and len(at.before_that) != 1
    )
    if word == "will" and at.after in at.lex["verb_bases"]:
        return NOTHING
    if _named(at) and (word in at.lex["given_names"] or initial):
        return "person_name", -4.5
    if (_named(at) or at.proper) and word in at.lex["titles"] - at.lex["before"]:
        return "person_name", -3.2
    return None


def _three_part(at: Spot) -> bool:
    """ "Jane Roe Ford": a first name two words before, and another name between."""
    if not _named(at) or at.left is None or not at.left:
        return False
    if at.before_that not in at.lex["given_names"] and at.before not in at.lex["surnames"]:
        return False
    between = at.before in at.lex["verbs"] | at.lex["verb_bases"] | at.lex["before"] | at.lex["roles"]
    first = at.text.capital(at.left - 1) and at.text.near(at.left - 1, at.left)
    return first and not between and not at.lex.function(at.before)


def _longer_head(at: Spot) -> Finding | None:
    """ "Big Apple", "West Target": unless the word merely opens the headline ("New Target stores")."""
    if not _named(at) or at.before not in at.lex["longer_heads"]:
        return None
    if at.before in at.lex["clause_openers"] and (at.left in at.text.starts or at.doubt < COMMON):
        return None
    return "part_of_longer_name", -2.0 - 2.5 * at.doubt


def _business(at: Spot) -> Finding | None:
    if at.before in at.lex["before"]:
        return "trade_word_before", 1.8
    if at.before in ("of", "in") and at.before_that in at.lex["nouns_of"]:
        return "business_word_before", 1.5
    causes = at.before in at.lex["causatives"] and at.after in at.lex["verb_bases"]
    if causes and not verbish(at.words[0]):
        return "company_verb_follows", 1.2
    return None


def _peerage(at: Spot) -> Finding | None:
    if at.before == "of" and at.before_that in at.lex["peerage"]:
        return "part_of_longer_name", -3.0
    return None


def _verb(at: Spot) -> Finding | None:
    """ "to target", "lets courts block": the name is the verb of the sentence."""
    if not at.single or at.possessive or at.before not in at.lex["verb_openers"] or not verbish(at.words[0]):
        return None
    if at.before == "how" and at.after in at.lex["auxiliaries"] | at.lex["verbs"]:
        return None
    if at.proper and (at.before == "to" or at.doubt < COMMON):
        return NOTHING
    return "used_as_verb", -3.0 * max(at.doubt, 0.3)


def _object(at: Spot) -> Finding | None:
    if at.single and at.words[0] in at.lex["indefinite"]:
        # "own nothing"
        return None
    if at.before in at.lex["prosecutes"]:
        return "object_of_company_verb", 1.2 + 0.8 * at.doubt
    return ("object_of_company_verb", 1.2) if at.before in at.lex["toward"] else None


def _preposition(at: Spot) -> Finding | None:
    """A countable noun wants an article; a name stands bare ("layoffs at Gap")."""
    if at.before in at.lex["name_prepositions"]:
        bare = at.right is None or at.possessive or at.lex.function(at.after) or verbish(at.after)
        bare = bare or adverb(at.after)
        if not bare and at.doubt >= COMMON:
            return NOTHING
        firm = at.before in at.lex["firm_prepositions"] or at.before_that in at.lex["topic_nouns"]
        return "bare_after_preposition", 0.5 + 1.5 * at.doubt if firm else 0.5
    ends = at.right is None or at.lex.function(at.after)
    inside = at.before == "in" and ends
    return ("place_or_thing", -1.0 - 1.5 * at.doubt) if inside and at.doubt >= 0.25 else None


def _ampersand(at: Spot) -> Finding | None:
    """ "Bath & Beyond": an ampersand makes one name of two words."""
    tokens = at.text.tokens
    for sign, other in ((at.first - 1, at.first - 2), (at.last + 1, at.last + 2)):
        if 0 <= other < len(tokens) and tokens[max(0, sign)].text == "&" and at.text.proper(other):
            return ("part_of_longer_name", -2.4) if at.doubt > COMMON else None
    return None


def _predicate(at: Spot) -> Finding | None:
    """ "traders are bullish": what stands behind a form of "be" is what something is."""
    be = at.before in ("is", "are", "was", "were", "be", "being", "been")
    return ("common_word_not_name", -2.5) if be and at.doubt > COMMON and not at.possessive else None


def _article(at: Spot) -> Finding | None:
    if at.before not in at.lex["determiners"]:
        return None
    article = at.before in ("a", "an", "the")
    if article and at.right is not None and at.after in at.lex["after"] | at.know.terms:
        return NOTHING
    if at.before == "the" and "the" in at.know.own:
        return NOTHING
    if not at.proper:
        return "common_word_not_name", -2.5 * at.doubt
    # "the Budget hits savers": a capital given to a thing; an article fits no name
    return "common_word_not_name", (-1.8 if at.before == "the" else -3.5) * at.doubt


def _number(at: Spot) -> Finding | None:
    if at.before[:1].isdigit() and at.doubt > COMMON:
        # "H-1B visa": a code is half of a compound, a number only counts
        return "common_word_not_name", -1.0 if at.before.isdigit() else -2.5
    return None


def _stranger(at: Spot) -> Finding | None:
    """ "Nile Delta", "Manchester United": a name before the name makes another name of it."""
    if at.left is None:
        return None
    if at.single and _named(at) and abroad(at.before, at.words[0]):
        # "Galleria d'Arte Moderna": a phrase of another language
        return "part_of_longer_name", -4.5
    opens = _named(at) and at.left in at.text.starts and at.text.style == "sentence"
    name_like = inflects(at.before) < 0.4 and zipf(at.before) < 5 and not gerund(at.before)
    name_like = name_like or at.before in at.lex["always_capital"]
    people = at.before in at.lex["demonyms"] and (at.text.style == "title" or at.after not in at.lex["after"])
    if people and _named(at) and at.doubt > COMMON:
        return "part_of_longer_name", -3.6 * (0.5 + at.doubt)
    if at.text.style == "title" and _named(at) and at.single and name_like and zipf(at.before) < 4:
        verb = at.before in at.lex["verb_bases"] or third_person_verb(at.before)
        return None if verb or _held(at) else ("part_of_longer_name", -2.4)
    state = at.before in ("us", "uk", "eu") or (at.before == "s" and at.before_that == "u")
    if state and at.doubt > COMMON and not _held(at):
        # "US Mint": an authority
        return "part_of_longer_name", -2.5
    if not at.text.proper(at.left) and not (opens and name_like):
        return None
    longer = at.left > 0 and at.text.joined(at.left - 1, at.left) and at.text.capital(at.left - 1)
    if at.before in at.lex["places"] and not longer and at.after in at.lex["after"] | at.lex["events"]:
        # "Georgia Acme plant", but not "Air Canada Acme plane"
        return NOTHING
    if at.lex.function(at.before) or at.before in at.lex["roles"]:
        return NOTHING
    return "part_of_longer_name", -3.6 * (0.5 + at.doubt)


def _compound(at: Spot) -> Finding | None:
    """ "Voice Coach", "Tortoise Shell": in a title a word before the name is usually its first half."""
    if not _named(at) or at.doubt <= COMMON or at.lex.function(at.before):
        return None
    if gerund(at.before) or at.before in at.lex["verbs"] or _held(at):
        return None
    return "common_compound", -2.0 * at.doubt


RULES: tuple[Rule, ...] = (
    _hyphen,
    _own_word,
    _person,
    _longer_head,
    _business,
    _peerage,
    _verb,
    _object,
    _preposition,
    _ampersand,
    _predicate,
    _article,
    _number,
    _stranger,
    _compound,
)
