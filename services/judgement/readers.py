"""Whether a text would pass its readers' preferences."""

from collections.abc import Sequence
from datetime import datetime

from pydantic import BaseModel

from models.settings import get_settings
from services.judgement.text import Concern
from tasks.filter.facts import People
from tasks.filter.rules import EventFacts, reach


class Reader(BaseModel):
    """One person's side: the route by which it would reach them, or the reason why it would not."""

    person: str
    client: str
    gets_it: bool
    route: str
    reason_code: str
    sentence: str


def would_reach(people: People, concerns: Sequence[Concern], as_of: datetime) -> list[Reader]:
    """What the filter stage would decide for everybody considered, by client and address."""
    days = get_settings().freshness_days
    readers = []
    for concern in concerns:
        values = concern.draft.values
        facts = EventFacts(
            event_id=concern.client.id,
            client_id=concern.client.id,
            category=str(values["category"].value),
            relevance=values["relevance"],
            happened_at=values["happened_at"],
            language=values["language"],
            language_supported=values["language_supported"],
        )
        for user_id in people.considered(concern.client.id, as_of):
            person = people.facts(user_id, concern.client.id, as_of)
            verdict = reach(facts, person, as_of=as_of, freshness_days=days)
            readers.append(
                Reader(
                    person=people.users[user_id].email,
                    client=concern.client.name,
                    gets_it=verdict.route is not None,
                    route=verdict.route.value if verdict.route else "",
                    reason_code=verdict.reason.value if verdict.reason else "wanted",
                    sentence=verdict.sentence,
                )
            )
    return readers
