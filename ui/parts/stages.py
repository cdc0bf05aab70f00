"""What a run is doing, in words."""

from collections.abc import Mapping

DOING: Mapping[str, str] = {
    "search": "Asking the sources",
    "dedupe": "Grouping articles into stories",
    "enrich": "Asking the CRM",
    "classify": "Judging what is about your clients",
    "filter": "Weighing it for each reader",
    "notify": "Writing mails",
}
