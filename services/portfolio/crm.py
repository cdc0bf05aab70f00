"""The CRM as the app offers it for an import: which one is on, and which of its words need a translation."""

from collections.abc import Iterable

from pydantic import BaseModel, ConfigDict

from models.clients import Tier
from models.engine import reading
from models.providers import ProviderKind
from models.scope import Scope
from services.providers.catalogue import catalogue
from tasks.enrich import connect
from tasks.enrich.crm import Record


class CrmOn(BaseModel):
    """The CRM that is switched on."""

    model_config = ConfigDict(frozen=True)

    name: str
    title: str
    recipient: str


def crm_on(scope: Scope) -> CrmOn | None:
    """The CRM of the business, or None where none is switched on."""
    with reading(scope) as session:
        name = connect.in_force(scope, session)
    if name is None:
        return None
    about = next((one.about for one in catalogue(ProviderKind.CRM) if one.name == name), None)
    return CrmOn(name=name, title=about.title if about else name, recipient=about.recipient if about else "")


def unknown_tiers(records: Iterable[Record]) -> list[str]:
    """The CRM's words for tiers that are none of ours, by the alphabet, each once whatever its case."""
    words: dict[str, str] = {}
    for record in records:
        word = " ".join((record.tier or "").split())
        if word and word.casefold() not in set(Tier):
            words.setdefault(word.casefold(), word)
    return [words[key] for key in sorted(words)]
