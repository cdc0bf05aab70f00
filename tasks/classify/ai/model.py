"""What a language model is to us: a prompt in, checked JSON and a bill out."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

from pydantic import ValidationError
from tenacity import (
    RetryCallState,
    Retrying,
    retry_if_exception,
    stop_after_attempt,
    wait_exponential,
    wait_random,
)

from tasks.classify.ai.answers import Answers
from tasks.classify.ai.prompt import Prompt

TIMEOUT_SECONDS = 90.0
ATTEMPTS = 3
WAIT_CAP = 30.0
"""Seconds a Retry-After may hold up a run; a longer one ends the asking, and the rules classify."""
TOKENS_A_STORY = 220
"""Room for one story's answer, generously; the room that is not used costs nothing."""


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens as they are billed. ``input_tokens`` does not count the cached ones."""

    input_tokens: int = 0
    cached_tokens: int = 0
    output_tokens: int = 0


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back from one call that was billed."""

    answers: Answers | None
    """None: it was refused, cut off, or no JSON of our schema."""
    usage: Usage
    trouble: str = ""
    """Why there are no answers, in a few words."""


class ModelError(RuntimeError):
    """The model could not be asked. One line a person can act on, without secrets or prompts."""

    def __init__(
        self, message: str, *, retry: bool = False, after: float | None = None, spent: bool = False
    ) -> None:
        super().__init__(message)
        self.retry = retry
        self.after = after
        """Seconds it asked us to wait."""
        self.spent = spent
        """A quota or budget is used up: asking again in this run is of no use."""


class Model(Protocol):
    """One provider's model. Called from one thread at a time."""

    provider: ClassVar[str]
    name: str
    """The model's own name."""

    def ask(self, prompt: Prompt, correction: str = "") -> Reply:
        """One call; ``correction`` says what was wrong with the answer before. Raises ModelError."""
        ...


def read_answers(text: str | None) -> Answers | None:
    """The answer's JSON; None when it is not of our schema. Some servers wrap it in a code fence."""
    if not text:
        return None
    body = text.strip().removeprefix("```json").removeprefix("```").removesuffix("```")
    try:
        return Answers.model_validate_json(body)
    except ValidationError:
        return None


def schema() -> dict[str, Any]:
    """The answer's JSON schema: every field required, nothing added."""
    return Answers.model_json_schema()


def with_patience(call: Callable[[], Reply], sleep: Callable[[float], None]) -> Reply:
    """Call again, at most ``ATTEMPTS`` times in all, while the fault is a passing one."""
    backoff = wait_exponential(multiplier=0.5, max=8) + wait_random(0, 0.5)

    def wait(state: RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome else None
        return max(backoff(state), getattr(error, "after", None) or 0.0)

    retrying = Retrying(
        stop=stop_after_attempt(ATTEMPTS),
        wait=wait,
        retry=retry_if_exception(lambda error: isinstance(error, ModelError) and error.retry),
        sleep=sleep,
        reraise=True,
    )
    return retrying(call)


def passing(message: str, after: float | None) -> ModelError:
    """A fault that may be gone in a moment, unless the provider asks for more patience than a run has."""
    return ModelError(message, retry=after is None or after <= WAIT_CAP, after=after)
