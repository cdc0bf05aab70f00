"""A model behind its circuit breaker: one that is down is not asked by every batch of every run."""

from models import breakers
from models.providers import ProviderKind
from models.scope import Scope
from tasks.classify.ai.model import Answer, Model, ModelError, Prompt, Reply

_KIND = ProviderKind.CLASSIFIER


class GuardedModel:
    """Asks the model inside while its breaker lets it, and tells the breaker how it went."""

    def __init__(self, scope: Scope, inside: Model) -> None:
        self.provider = inside.provider
        self.name = inside.name
        self._scope = scope
        self._inside = inside

    def ask(self, prompt: Prompt, answer_type: type[Answer], correction: str = "") -> Reply[Answer]:
        admission = breakers.admit(self._scope, _KIND, self.provider)
        if not admission.may_ask:
            raise ModelError(f"{self.provider}: {admission.refusal}", spent=True)
        try:
            reply = self._inside.ask(prompt, answer_type, correction)
        except ModelError as error:
            if error.retry or error.spent:
                breakers.failed(self._scope, _KIND, self.provider, str(error))
            else:  # this one request was not accepted: that says nothing of the next
                breakers.undecided(self._scope, _KIND, self.provider)
            raise
        except BaseException:
            breakers.undecided(self._scope, _KIND, self.provider)
            raise
        breakers.succeeded(self._scope, _KIND, self.provider)
        return reply
