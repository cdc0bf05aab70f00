"""What a language model is to us: a prompt in, an answer of a given form and a bill out."""

from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, Generic, Protocol, TypeVar

from pydantic import BaseModel, ValidationError

from models.news import SourceState
from tasks.net.patience import Fault, patiently

Answer = TypeVar("Answer", bound=BaseModel)

TIMEOUT_SECONDS = 90.0
PATIENCE = 2
"""How many time-outs, each for one silence, a whole answer may take: a byte a minute trips none of them."""
ATTEMPTS = 3
BACKOFF_CAP = 8.0
WAIT_CAP = 30.0
"""Seconds a Retry-After may hold up a run; a longer one ends the asking, and the rules go on alone."""
LONGEST_CALL = ATTEMPTS * (PATIENCE * TIMEOUT_SECONDS + WAIT_CAP)
"""Seconds that one ``ask`` may take with all its attempts and waits."""
TOKENS_TO_THINK = 1_000
"""Room for models that reason before they answer, beside twice that of the answer itself."""


@dataclass(frozen=True, slots=True)
class Prompt:
    """What one call sends."""

    system: str
    user: str
    """A JSON object: data, whatever it says."""
    count: int
    """Items it asks about, numbered from 1."""
    tokens_an_item: int
    """Room for the answer about one, generously; room that is not used costs nothing."""

    @property
    def room(self) -> int:
        """Tokens the answer may have."""
        return 2 * self.tokens_an_item * self.count + TOKENS_TO_THINK

    def with_more_room(self) -> "Prompt":
        """The same, for an answer that was cut off."""
        return replace(self, tokens_an_item=2 * self.tokens_an_item)

    def corrected(self, correction: str) -> str:
        """The instructions, and what was wrong with the answer before."""
        return f"{self.system}\n\n{correction}" if correction else self.system


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens as they are billed. ``input_tokens`` counts neither the cached nor the written ones."""

    input_tokens: int = 0
    cached_tokens: int = 0
    output_tokens: int = 0
    written_tokens: int = 0
    """Put into the provider's cache: input at a higher price, where writing is billed."""

    @property
    def sent_tokens(self) -> int:
        """What went in and did not come from the cache."""
        return self.input_tokens + self.written_tokens

    def __add__(self, other: "Usage") -> "Usage":
        return Usage(
            self.input_tokens + other.input_tokens,
            self.cached_tokens + other.cached_tokens,
            self.output_tokens + other.output_tokens,
            self.written_tokens + other.written_tokens,
        )


class Ending(StrEnum):
    """How an answer ended."""

    WHOLE = "whole"
    CUT_OFF = "cut_off"
    """More room may help."""
    REFUSED = "refused"
    """Asking again does not help."""


@dataclass(frozen=True, slots=True)
class Reply(Generic[Answer]):
    """What came back from one call that was billed."""

    answer: Answer | None
    """None: it was refused, cut off, or no JSON of the form asked for."""
    usage: Usage
    trouble: str = ""
    """Why there is no answer, in a few words."""
    ending: Ending = Ending.WHOLE
    requests: int = 1
    """How many it took; those before the last one failed."""
    unbilled: int = 0
    """Of them: broken off after they were sent. The provider may bill them, and nobody said how much."""


class ModelError(Fault):
    """The model could not be asked. One line a person can act on, without secrets or prompts."""

    def __init__(
        self,
        message: str,
        *,
        retry: bool = False,
        after: float | None = None,
        spent: bool = False,
        status: int | None = None,
        state: SourceState = SourceState.FAILED,
        unbilled: bool = False,
    ) -> None:
        super().__init__(message, retry=retry, after=after)
        self.requests = 1
        self.unbilled = int(unbilled)
        """As a Reply's; an answer with an error status is not billed."""
        self.status = status
        self.state = state
        self.is_outage = retry
        self.spent = spent
        """Asking again in this run is of no use: the key, the model or the credit is not good, or it is busy."""


class Model(Protocol):
    """One provider's model. Called from one thread at a time."""

    @property
    def provider(self) -> str: ...

    @property
    def name(self) -> str:
        """The model's own name."""
        ...

    def ask(self, prompt: Prompt, answer_type: type[Answer], correction: str = "") -> Reply[Answer]:
        """One call, with retries; ``correction`` says what was wrong with the answer before. Raises ModelError."""
        ...


def schema(answer_type: type[BaseModel]) -> dict[str, Any]:
    """The answer's JSON schema: every field required, nothing added, none of our own docstrings."""
    return _bare(answer_type.model_json_schema())


def _bare(node: dict[str, Any]) -> dict[str, Any]:
    kept = {name: value for name, value in node.items() if name not in ("title", "description")}
    for name in ("properties", "$defs"):
        if name in kept:
            kept[name] = {key: _bare(value) for key, value in kept[name].items()}
    if "items" in kept:
        kept["items"] = _bare(kept["items"])
    return kept


def reply_of(text: str | None, answer_type: type[Answer], usage: Usage) -> Reply[Answer]:
    """A whole answer as a reply; without an answer when it is not of our form. Some servers fence their JSON."""
    body = (text or "").strip().removeprefix("```json").removeprefix("```").removesuffix("```")
    try:
        return Reply(answer_type.model_validate_json(body), usage)
    except ValidationError:
        return Reply(None, usage, "no JSON of our schema")


def cut_off(usage: Usage, why: str) -> Reply[Any]:
    """An answer that ended before its end."""
    return Reply(None, usage, f"the answer is cut off ({why})", Ending.CUT_OFF)


def refused(usage: Usage) -> Reply[Any]:
    """The model would not answer."""
    return Reply(None, usage, "it refused to answer", Ending.REFUSED)


def passing(
    message: str,
    after: float | None = None,
    *,
    status: int | None = None,
    state: SourceState = SourceState.FAILED,
    unbilled: bool = False,
) -> ModelError:
    """A fault that may be gone in a moment, unless the provider asks for more patience than a run has."""
    in_time = after is None or after <= WAIT_CAP
    return ModelError(
        message,
        retry=in_time,
        after=after,
        spent=not in_time,
        status=status,
        state=state,
        unbilled=unbilled,
    )


def fault_of(provider: str, status: int, after: float | None) -> ModelError:
    """What an error status means; ``after`` is its Retry-After in seconds."""
    if status in (401, 403):
        return ModelError(
            f"{provider}: refused the key ({status}); check it and what it may do", spent=True, status=status
        )
    if status == 402:
        return credit_used_up(provider)
    if 300 <= status < 400:
        return ModelError(
            f"{provider}: sends us elsewhere ({status}); check the address", spent=True, status=status
        )
    if status == 404:
        return ModelError(
            f"{provider}: does not know this model, or this address (404)", spent=True, status=status
        )
    if status == 429:
        return passing(f"{provider}: asks us to wait (429)", after, status=status, state=SourceState.QUOTA)
    if status in (408, 409, 425) or status >= 500:
        return passing(f"{provider}: a fault on its side ({status})", after, status=status)
    return ModelError(f"{provider}: does not accept the request ({status})", status=status)


def credit_used_up(provider: str) -> ModelError:
    """Money is missing there, not a budget of ours."""
    return ModelError(
        f"{provider}: the account's credit is used up; add some, or change the key",
        spent=True,
        state=SourceState.QUOTA,
    )


def unreachable(provider: str, *, sent: bool) -> ModelError:
    """No connection, or none that held. ``sent``: it broke after the request may have got there."""
    return passing(f"{provider}: cannot be reached, or did not answer in time", unbilled=sent)


def unreadable(provider: str, error: Exception) -> ModelError:
    """A 200 that the SDK cannot read: HTML, another form, a cut body. Its words may quote the answer: not shown."""
    return passing(f"{provider}: an answer that cannot be read ({type(error).__name__})", unbilled=True)


def known_word(word: str | None, words: Collection[str]) -> str:
    """A server's word where it is a documented one: its free text goes into no prompt and no report."""
    return word if word is not None and word in words else "no reason we know"


def asked_patiently(call: Callable[[], Reply[Answer]], sleep: Callable[[float], None]) -> Reply[Answer]:
    """Call, and again while the fault is a passing one. The SDKs' own retries are off: they would multiply."""
    requests = unbilled = 0

    def counted() -> Reply[Answer]:
        nonlocal requests, unbilled
        requests += 1
        try:
            return call()
        except ModelError as error:
            unbilled += error.unbilled
            raise

    try:
        reply = patiently(counted, attempts=ATTEMPTS, longest=BACKOFF_CAP, sleep=sleep)
    except ModelError as error:
        error.requests, error.unbilled = requests, unbilled
        raise
    return replace(reply, requests=requests, unbilled=unbilled)
