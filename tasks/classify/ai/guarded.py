"""A model behind its circuit breaker: one that is down is not asked by every batch of every run."""

from models import breakers
from models.breakers import Ended
from models.providers import ProviderKind
from models.scope import Scope
from tasks.classify.ai.model import Answer, Model, ModelError, Prompt, Reply
from tasks.net.ended import ended

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
        how, said = Ended.UNDECIDED, ""
        try:
            reply = self._inside.ask(prompt, answer_type, correction)
            how = Ended.ANSWERED
        except ModelError as error:
            how, said = ended(error, of_all=error.spent), str(error)
            raise
        finally:
            breakers.leave(self._scope, _KIND, self.provider, admission, how, said)
        return reply
