"""Which classifier a tenant has, and how to make it."""

import logging
from collections.abc import Sequence
from datetime import datetime
from typing import ClassVar
from uuid import UUID

from sqlmodel import Session

from models.base import new_id, utc_now
from models.engine import reading
from models.providers import ProviderConfig, ProviderKind, enabled, provider_config
from models.scope import Scope
from models.settings import get_settings
from models.vault import VaultClosed, unseal
from tasks import registry
from tasks.about import about_of
from tasks.classify.classifier import (
    About,
    Case,
    Category,
    Classifier,
    ClassifierContext,
    ClassifierError,
    Judgement,
    Outcome,
    Profile,
    RulesClassifier,
    Text,
)
from tasks.classify.opinions import OUTAGE, WORDS
from tasks.keys import KEY, secrets_of

LOG = logging.getLogger(__name__)


def in_force(scope: Scope, session: Session) -> ProviderConfig | None:
    """The switch of the classifier that judges after the rules: the last one switched on; None: the rules alone."""
    on = enabled(scope, session, ProviderKind.CLASSIFIER).values()
    asked = [row for row in on if row.name != RulesClassifier.name]
    return max(asked, key=lambda row: (row.changed_at, row.name)) if asked else None


def crm_fields(config: ProviderConfig | None) -> Sequence[str]:
    """The CRM fields that the tenant allows to be sent: none, unless it listed some."""
    listed = config.options.get("crm_fields") if config is not None else None
    return listed if isinstance(listed, list) else ()


def make(scope: Scope, config: ProviderConfig, job_run_id: UUID | None = None) -> Classifier:
    """The classifier that is switched on. One that cannot work as it is set up leaves everything to the rules."""
    try:
        return build(scope, config.name, config, job_run_id)
    except (ClassifierError, VaultClosed) as error:
        return _Unavailable(config.name, str(error))
    except Exception as error:
        # Somebody else's code: its message may quote a key.
        LOG.error("classifier %s cannot be made: %s", config.name, type(error).__name__)
        return _Unavailable(config.name, f"a fault in the classifier itself ({type(error).__name__})")


def build(
    scope: Scope,
    name: str,
    config: ProviderConfig | None,
    job_run_id: UUID | None = None,
    *,
    is_trial: bool = False,
) -> Classifier:
    """The classifier of that name with the tenant's keys and options. ClassifierError, VaultClosed."""
    settings = get_settings()
    try:
        provider = registry.load(registry.CLASSIFIERS, name)
    except registry.UnknownProvider as unknown:
        raise ClassifierError(str(unknown)) from None
    about = about_of(name, provider)
    own = unseal(settings, config.secret if config is not None else None)
    context = ClassifierContext(
        scope=scope,
        settings=settings,
        secrets=secrets_of(settings, about, config),
        options=config.options if config is not None else {},
        has_own_key=KEY in own,
        job_run_id=job_run_id,
        is_trial=is_trial,
    )
    classifier: Classifier = provider(context)
    return classifier


def check(scope: Scope, name: str) -> str:
    """Have an invented headline judged, and say in a sentence what came. ClassifierError, VaultClosed."""
    if name == RulesClassifier.name:
        return "rules need no test: they judge on this machine"
    with reading(scope) as session:
        config = provider_config(scope, session, ProviderKind.CLASSIFIER, name)
    classifier = build(scope, name, config, is_trial=True)
    case = _invented(utc_now())
    outcome = classifier.judge([case])
    judgement = outcome.judged.get(case.key)
    if judgement is None:
        why = outcome.trouble or WORDS.get(outcome.left.get(case.key, ""), "it left the test to the rules")
        raise ClassifierError(f"{name}: {why}")
    said = f"{name} answers ({classifier.version}): {judgement.category.value}, confidence {judgement.confidence:g}"
    return f"{said}; {outcome.bill}" if outcome.bill else said


def _invented(now: datetime) -> Case:
    """A headline nobody asked about before: an answer kept from the last test would test nothing."""
    title = f"Examplewidgets to acquire Sampleworks for $12 million, test of {now:%Y-%m-%d %H:%M:%S.%f}"
    by_rules = Judgement(category=Category.ACQUISITION, confidence=0.9, relevance=0.7)
    return Case(new_id(), Profile(key="test", name="Examplewidgets"), Text(title, None), by_rules)


class _Unavailable:
    """Stands for a classifier that cannot be made: says why, and leaves everything to the rules."""

    about: ClassVar[About] = About(title="", recipient="nobody", sends="")
    version = ""

    def __init__(self, name: str, trouble: str) -> None:
        self.name = name
        self._trouble = trouble

    def judge(self, cases: Sequence[Case]) -> Outcome:
        return Outcome(left={case.key: OUTAGE for case in cases}, trouble=self._trouble)
