"""A tenant to measure with: its clients, and four people for every forty of them."""

import json
import sys

from benchmarks.news import companies
from models.accounts import Frequency, User, UserPreference, UserState
from models.clients import Client, ClientAssignment, Tier
from models.engine import writing
from models.scope import Role, Scope
from services.accounts import create_business
from services.setup import ensure_schema

GROUP = 40
SLUG = "bench"
_WANTS = (Frequency.INSTANT, Frequency.DAILY, Frequency.DAILY, Frequency.WEEKLY)


def prepare(count: int) -> None:
    """Migrate the configured database and fill it with ``count`` clients. Each client has two people: of the four
    of its group one wants instant mail, two a daily and one a weekly digest."""
    ensure_schema()
    business = create_business(SLUG, "Benchmark")
    scope = Scope.system(business.id)
    with writing(scope) as session:
        for number, company in enumerate(companies(count)):
            if number % GROUP == 0:
                people = [
                    User(
                        business_id=business.id,
                        email=f"person-{number + place}@example.com",
                        name=f"Person {number + place}",
                        role=Role.MANAGER,
                        state=UserState.ACTIVE,
                        timezone="Europe/Berlin",
                    )
                    for place in range(len(_WANTS))
                ]
                session.add_all(people)
                session.flush()
                session.add_all(
                    UserPreference(business_id=business.id, user_id=user.id, notification_frequency=wants)
                    for user, wants in zip(people, _WANTS, strict=True)
                )
            client = Client(
                business_id=business.id,
                name=company.name,
                industry=company.trade,
                keywords=list(company.keywords),
                tier=Tier(company.tier),
            )
            session.add(client)
            session.flush()
            session.add_all(
                ClientAssignment(business_id=business.id, client_id=client.id, user_id=people[place].id)
                for place in (number % 4, (number + 1) % 4)
            )


if __name__ == "__main__":
    prepare(int(sys.argv[1]))
    print(json.dumps({"clients": int(sys.argv[1])}))
