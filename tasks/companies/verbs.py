"""Verbs whose subject a company is: is the word behind a name one, and how much does that say?"""

from __future__ import annotations

from tasks.companies.frequency import (
    adjectival,
    adverb,
    countable,
    gerund,
    singular,
    third_person_verb,
    verbish,
)
from tasks.companies.lexicon import Lexicon
from tasks.companies.spot import COMMON, Finding, Spot

VERB = 1.9
_FINITE = frozenset({"is", "has", "was", "does", "doesn", "isn", "hasn", "wasn", "didn"})


def follows(at: Spot) -> Finding | None:
    """ "Acme cuts jobs", "Acme to close", "Acme quietly testing": the name is the subject of a verb."""
    if at.right is None or (at.text.proper(at.right) and not at.text.tokens[at.right].text.isupper()):
        # a capital inside a sentence is no verb: "Acme Wrapped"
        return None
    word, nxt = at.after, at.after_that
    if adverb(word):
        tokens = at.text.tokens
        word, nxt = nxt, tokens[at.right + 2].norm if at.right + 2 < len(tokens) else ""
        # an adverb announces the verb, whatever it is
        finite = word in at.lex["weak_verbs"] or word in at.lex["verbs"] or third_person_verb(word)
        if gerund(word) or word.endswith("ed") or (finite and word not in at.lex["auxiliaries"]):
            return "company_verb_follows", _subjected(at, 1.6)
    elif word in at.lex["base_gerunds"] and nxt and not at.hyphen_right:
        # headlines leave out the "is": "Acme closing hundreds of stores"
        return "company_verb_follows", _subjected(at, 1.4 if word in at.lex["verb_gerunds"] else 1.0)
    bare = at.left is None and at.single and at.doubt > COMMON and countable(at.words[0])
    if word in _FINITE and bare and at.text.style != "upper":
        # a headline that keeps its "is" would keep the article of a countable noun
        return "company_verb_follows", _subjected(at, VERB if _progressive(at) else 1.7)
    weight = max(verb_weight(at.lex, word, nxt), _transitive(at, word))
    if weight <= 0.0:
        return None
    weight = _as_verb(at, word, nxt, weight)
    if at.before in at.lex["clause_words"]:
        # "why Target is", "as Coach cuts": a countable noun would want an article here
        weight += 0.8 * at.doubt
    weight = _subjected(at, weight)
    # "is", "makes", "may": any noun does so
    if weight < 1.0 and word != "to":
        weight *= 1.3 - at.doubt
    # "Senate in sprint to pass budget": behind a preposition the verb has another subject
    if at.doubt > COMMON and at.before in at.lex["prepositions"]:
        weight *= 0.4
    return "company_verb_follows", weight


def _as_verb(at: Spot, word: str, nxt: str, weight: float) -> float:
    """A weight of a verb, less where the words around make a noun of it or of the name."""
    if (
        word == "to"
        and at.doubt > COMMON
        and at.before in at.lex["toward"] | at.lex["affects"] | at.lex["verbs"]
    ):
        # "warns citizens to stay": they are told, not about to act
        weight *= 0.2
    if at.doubt > COMMON and word.endswith("s") and nxt in at.lex["only_verbs"] | at.lex["auxiliaries"]:
        # "key details emerge": the verb comes behind, so this is its noun
        weight *= 0.2
    if word in at.lex["verb_bases"] and singular(at.words[0]) != at.words[0] and at.single:
        # "travelers need": a plural, where a company would take the verb in -s
        weight = min(weight, 0.3)
    return weight


def _progressive(at: Spot) -> bool:
    """ "is testing", "is finally fixing"."""
    tokens = at.text.tokens
    i = (at.right or 0) + 1
    if i < len(tokens) and adverb(tokens[i].norm):
        i += 1
    return i < len(tokens) and (gerund(tokens[i].norm) or tokens[i].norm in ("about", "set"))


def _transitive(at: Spot, word: str) -> float:
    """ "copies Acme's feature": a word that may be a verb is one where a name is its object."""
    nxt = (at.right or 0) + 1
    if nxt >= len(at.text.tokens) or not at.text.joined(nxt - 1, nxt) or not at.text.proper(nxt):
        return 0.0
    third = word.endswith("s") and len(word) > 3 and verbish(singular(word))
    return 1.4 if third or word.endswith("ed") else 0.0


def _subjected(at: Spot, weight: float) -> float:
    """A weight of a verb, less where the name is a word for people, who do all that companies do."""
    if not at.single or at.doubt <= COMMON:
        return weight
    if adjectival(at.words[0]):
        return 0.7 * weight
    if singular(at.words[0]) not in at.lex["agents"] | at.lex["titles"]:
        return weight
    topical = not at.text.norms.isdisjoint(at.know.terms | at.know.business)
    return (0.85 if topical else 0.5) * weight


def verb_weight(lex: Lexicon, word: str, nxt: str) -> float:
    """How much a word is a verb whose subject is a company, given the word behind it."""
    if word == "to":
        if nxt in lex["company_bases"]:
            return VERB
        return 1.2 if nxt in lex["verb_bases"] or verbish(nxt) else 0.0
    if word in lex["verbs"]:
        return VERB
    if word in lex["modals"]:
        return 1.6 if nxt in lex["verb_bases"] or nxt in lex["adverbs"] or nxt in ("be", "t") else 0.5
    if word in ("is", "are") and gerund(nxt):
        return 1.5
    if word in lex["weak_verbs"]:
        return 0.7
    if nxt and third_person_verb(word):
        return 1.6
    if word.endswith("ed") and nxt in lex["participle_followers"]:
        return 1.4
    phrase = nxt in lex["determiners"] or nxt in lex["prepositions"]
    return 0.9 if phrase and len(word) > 3 and word.endswith("s") and verbish(word[:-1]) else 0.0
