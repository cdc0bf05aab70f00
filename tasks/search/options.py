"""Fields that several sources let a tenant fill in; ``FetchContext`` reads them."""

from tasks.about import Field, letters, whole
from tasks.keys import KEY

OPTIONAL_KEY = Field(KEY, "API key", secret=True)
REQUIRED_KEY = Field(KEY, "API key", secret=True, required=True)
LANGUAGE = Field(
    "language", "Language", help="ISO 639-1", setting="search_language", read=letters(2, "en, de …")
)
COUNTRY = Field(
    "country", "Country", help="ISO 3166-1 alpha-2", setting="search_country", read=letters(2, "US, DE …")
)
CALLS = (
    Field("calls_per_day", "Requests a day, at most", help="counted in UTC days", read=whole(1, 10_000_000)),
    Field("calls_per_month", "Requests a month, at most", help="in UTC months", read=whole(1, 100_000_000)),
)
"""For a plan that ends: past it the source is reported as ``quota`` until the period is over."""


def max_results(least: int, most: int, default: int) -> Field:
    """How many results about one client a run takes; more of them are more requests, or dearer ones."""
    return Field(
        "max_results",
        "Results about one client, at most",
        help=f"{least} to {most}; {default} when left out",
        read=whole(least, most),
    )
