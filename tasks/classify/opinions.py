"""A classifier's opinion of stories that the rules have judged: whom it is asked about, and what is made of it.

One article speaks for each story and client, so a story told by forty outlets costs one question. Which one is a
function of the story's articles alone, and so is everything that follows from the answers.
"""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from models.base import new_id
from models.clients import Client
from models.news import Article
from tasks.about import about_of
from tasks.classify.ai.prompt import gives_orders
from tasks.classify.assemble import EventKey, Opinion, Telling, ranked
from tasks.classify.classifier import Case, Classifier, Judgement, Outcome, Part, Text
from tasks.companies.match import CompanyMatch
from tasks.companies.names import Profile
from tasks.crashes import crashed
from tasks.search.text import clean

DOUBTFUL = 0.2
"""From this confidence of the rules on, a classifier may find that a text is about the client after all. Excluded
terms, what readers taught and texts that do not name the client lie far below: nobody overrules them."""
MOST_ASKED = 2
"""Articles of one story a classifier must turn away before the story goes: one odd or hostile text is not enough."""
OUTAGE = "ai_outage"
UNREADABLE = "ai_unreadable"
REASON_MAX = 1_000
EVIDENCE_MAX = 1_000
TROUBLE_MAX = 500
"""Characters of a classifier's words: far more than a person wants, far less than would hurt."""
NAME_MAX = 60
"""Characters of the columns that say whose word it is, and of a code."""
_CODE = re.compile(rf"[a-z_]{{1,{NAME_MAX}}}")
WORDS: Mapping[str, str] = {
    "ai_budget": "the budget for it is used up",
    OUTAGE: "it did not answer",
    UNREADABLE: "its answer could not be used",
    "ai_refused": "it would not answer",
}
"""Why the rules judged, by code; a plug-in's own codes are shown as they are."""


def text_of(article: Article) -> Text:
    """What is judged of an article."""
    return Text(article.title, article.snippet)


def is_open(match: CompanyMatch) -> bool:
    """Whether a classifier may say what the text has to do with the client."""
    return match.about or match.confidence >= DOUBTFUL


def concerns(match: CompanyMatch, part: Part) -> bool:
    """Whether a text concerns the client, by the rules and by the part that a classifier gives it in the story.

    Where the client is the subject, doubtful texts count, too; where it is only mentioned, the rules decide.
    """
    if part == "no":
        return False
    return match.about if part == "passing" else is_open(match)


def may_be_asked_about(classifier: Classifier, client: Client) -> bool:
    """Nothing of a client marked confidential goes to a classifier with which others read it."""
    return not (client.confidential and about_of(classifier.name, type(classifier)).recipient)


@dataclass(frozen=True, slots=True)
class Story:
    """A story for a client, as a classifier may be asked about it."""

    profile: Profile
    tellings: Sequence[Telling]
    """Its articles whose match is open; one at least."""
    promise: float
    """Its relevance by the rules."""
    facts: Mapping[str, str]


@dataclass(slots=True)
class Opinions:
    """What a classifier came to, by story and client; those in neither ``said`` nor ``left`` it was not asked about."""

    name: str = ""
    version: str = ""
    said: dict[EventKey, Opinion] = field(default_factory=dict)
    against: dict[EventKey, set[Text]] = field(default_factory=dict)
    """Texts it found to be about something else."""
    left: dict[EventKey, str] = field(default_factory=dict)
    """Stories it should have judged and did not, with the code of the reason."""
    cached: int = 0
    calls: int = 0
    trouble: str = ""

    @property
    def counts(self) -> dict[str, int]:
        """For the stage's report; empty where no classifier was asked anything."""
        if not (self.said or self.left):
            return {}
        why = Counter(f"ai_left_{code.removeprefix('ai_')}" for code in self.left.values())
        return {"ai_judged": len(self.said), "ai_cached": self.cached, "ai_calls": self.calls, **why}

    @property
    def degraded(self) -> tuple[str, ...]:
        """What did not work, named for a person."""
        if not self.left:
            return ()
        why = self.trouble or WORDS.get(next(iter(self.left.values())), "it left some stories")
        return (f"AI {self.name}: {why}; the rules judged instead",)


def opinions_of(classifier: Classifier, stories: Mapping[EventKey, Story]) -> Opinions:
    """Ask about every story, and once more about those whose first article it found to be about something else."""
    result = Opinions(clean(classifier.name, NAME_MAX), clean(classifier.version, NAME_MAX))
    speakers = {key: _speakers(story.tellings)[:MOST_ASKED] for key, story in stories.items()}
    for turn in range(MOST_ASKED):
        asked: dict[EventKey, Telling] = {
            key: known[turn]
            for key, known in speakers.items()
            if len(known) > turn and (turn == 0 or _was_turned_away(result, key))
        }
        if not asked:
            break
        cases = {key: _case(stories[key], telling) for key, telling in asked.items()}
        outcome = _asked(classifier, sorted(cases.values(), key=lambda case: -case.promise))
        result.cached += outcome.cached
        result.calls += outcome.calls
        result.trouble = result.trouble or outcome.trouble
        for key, case in cases.items():
            judgement = outcome.judged.get(case.key)
            if judgement is not None:
                result.said[key] = Opinion(judgement, asked[key])
                if judgement.about == "no":
                    result.against.setdefault(key, set()).add(case.text)
            elif case.key in outcome.left:
                # Half an opinion is none: one more article was to be asked about.
                result.said.pop(key, None)
                result.left[key] = outcome.left[case.key]
    return result


def _was_turned_away(result: Opinions, key: EventKey) -> bool:
    return key in result.said and result.said[key].judgement.about == "no"


def _speakers(tellings: Sequence[Telling]) -> list[Telling]:
    """The articles in the order in which they may speak for their story, copies left out.

    Those that the rules are sure of go first; one that gives orders speaks only when there is no other.
    """
    order = sorted(ranked(tellings), key=lambda t: (not t.match.about, gives_orders(text_of(t.article))))
    first: dict[Text, Telling] = {}
    for telling in order:
        first.setdefault(text_of(telling.article), telling)
    return list(first.values())


def _case(story: Story, telling: Telling) -> Case:
    verdict, match = telling.verdict, telling.match
    part: Part = "main" if match.about else "passing" if match.salience == "passing" else "no"
    by_rules = Judgement(
        about=part,
        category=verdict.category,
        confidence=verdict.confidence,
        relevance=story.promise,
        sentiment=verdict.sentiment,
        risk=verdict.risk,
        evidence=verdict.evidence,
        reason=verdict.reason,
    )
    return Case(new_id(), story.profile, text_of(telling.article), by_rules, story.facts)


def _fit_to_keep(outcome: Outcome) -> Outcome:
    """The same, with words as the database can hold them and people can read them."""
    return replace(
        outcome,
        judged={
            key: said.model_copy(
                update={
                    "evidence": clean(said.evidence, EVIDENCE_MAX),
                    "reason": clean(said.reason, REASON_MAX),
                }
            )
            for key, said in outcome.judged.items()
        },
        left={key: code if _CODE.fullmatch(code) else UNREADABLE for key, code in outcome.left.items()},
        trouble=clean(outcome.trouble, TROUBLE_MAX),
    )


def _asked(classifier: Classifier, cases: Sequence[Case]) -> Outcome:
    """The classifier's outcome; when it breaks, all that was asked is left to the rules."""
    try:
        return _fit_to_keep(classifier.judge(cases))
    except Exception as error:
        return Outcome(
            left={case.key: OUTAGE for case in cases}, trouble=crashed("classifier", classifier.name, error)
        )
