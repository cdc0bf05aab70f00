"""An example of a source: the JSON API of a press office, asked about each client."""

import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from tasks.search.source import About, FetchContext, FetchError, Found, Page, Profile, SourceKind, SourceState

URL = "https://press-office.example/releases"


class PressOffice:
    name = "press_office"
    kind = SourceKind.QUERY
    about = About("Press Office", recipient="Press Office Ltd.", sends="the name of each client")

    def fetch(
        self, profile: Profile, cursor: Mapping[str, Any] | None, context: FetchContext
    ) -> Iterator[Page]:
        url = context.settings.source_urls.get(self.name, URL)
        answer = context.http.fetch(
            f"{url}?{urlencode({'company': profile.name, 'since': context.since.isoformat()})}",
            expect=("application/json",),
            allow_private=url != URL,  # an address that the operator configured may be inside
            pace=context.pace(self.name, 1.0),  # a second between two requests, over all processes
        )
        try:
            items = tuple(
                Found(row["headline"], row["link"], published_at=datetime.fromisoformat(row["at"]))
                for row in json.loads(answer.body)["releases"]
            )
        except (ValueError, KeyError, TypeError):
            raise FetchError("Press Office: an answer that is not what it was; see its news") from None
        yield Page(SourceState.OK if items else SourceState.EMPTY, items)
