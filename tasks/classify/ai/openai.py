"""OpenAI's Responses API, and any server that speaks its chat completions (Ollama, vLLM)."""

import time
from collections.abc import Callable
from typing import Any, ClassVar

from openai import (
    APIConnectionError,
    APIStatusError,
    OpenAI,
    OpenAIError,
    RateLimitError,
)

from models.base import utc_now
from tasks.classify.ai.model import (
    TIMEOUT_SECONDS,
    TOKENS_A_STORY,
    ModelError,
    Reply,
    Usage,
    passing,
    read_answers,
    schema,
    with_patience,
)
from tasks.classify.ai.prompt import Prompt
from tasks.net.faults import seconds_until

_ANSWER = "judgement"
_SPENT = {"insufficient_quota", "billing_hard_limit_reached"}


class OpenAIModel:
    """The Responses API with a strict schema. Nothing is stored there (``store=False``)."""

    provider: ClassVar[str] = "openai"

    def __init__(
        self, key: str, name: str, *, base_url: str | None = None, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self.name = name
        self._sleep = sleep
        # Its own retries would multiply with ours.
        self._client = OpenAI(api_key=key, base_url=base_url, timeout=TIMEOUT_SECONDS, max_retries=0)

    def ask(self, prompt: Prompt, correction: str = "") -> Reply:
        return with_patience(
            lambda: _guarded(self.provider, lambda: self._ask(prompt, correction)), self._sleep
        )

    def _ask(self, prompt: Prompt, correction: str) -> Reply:
        answer = self._client.responses.create(
            model=self.name,
            instructions=_system(prompt, correction),
            input=prompt.user,
            text={"format": {"type": "json_schema", "name": _ANSWER, "strict": True, "schema": schema()}},
            max_output_tokens=_room(prompt),
            store=False,
        )
        usage = Usage()
        if answer.usage is not None:
            cached = answer.usage.input_tokens_details.cached_tokens
            usage = Usage(answer.usage.input_tokens - cached, cached, answer.usage.output_tokens)
        if answer.status == "incomplete":
            why = answer.incomplete_details.reason if answer.incomplete_details else None
            return Reply(None, usage, f"the answer is cut off ({why or 'unknown'})")
        if answer.error is not None:
            return Reply(None, usage, f"it failed ({answer.error.code})")
        answers = read_answers(answer.output_text)
        return Reply(answers, usage, "" if answers else "refused, or no JSON of our schema")


class CompatibleModel:
    """A server of one's own that speaks chat completions; it may need no key."""

    provider: ClassVar[str] = "openai_compatible"

    def __init__(
        self, key: str | None, name: str, *, base_url: str, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self.name = name
        self._sleep = sleep
        self._client = OpenAI(
            api_key=key or "none", base_url=base_url, timeout=TIMEOUT_SECONDS, max_retries=0
        )

    def ask(self, prompt: Prompt, correction: str = "") -> Reply:
        return with_patience(
            lambda: _guarded(self.provider, lambda: self._ask(prompt, correction)), self._sleep
        )

    def _ask(self, prompt: Prompt, correction: str) -> Reply:
        answer = self._client.chat.completions.create(
            model=self.name,
            messages=[
                {"role": "system", "content": _system(prompt, correction)},
                {"role": "user", "content": prompt.user},
            ],
            response_format={
                "type": "json_schema",
                "json_schema": {"name": _ANSWER, "strict": True, "schema": schema()},
            },
            max_tokens=_room(prompt),
        )
        usage = Usage()
        if answer.usage is not None:
            details = answer.usage.prompt_tokens_details
            cached = (details.cached_tokens if details else None) or 0
            usage = Usage(answer.usage.prompt_tokens - cached, cached, answer.usage.completion_tokens)
        choice = answer.choices[0] if answer.choices else None
        if choice is None or choice.finish_reason == "length":
            return Reply(None, usage, "the answer is cut off")
        answers = read_answers(choice.message.content)
        return Reply(answers, usage, "" if answers else "refused, or no JSON of our schema")


def _system(prompt: Prompt, correction: str) -> str:
    return f"{prompt.system}\n\n{correction}" if correction else prompt.system


def _room(prompt: Prompt) -> int:
    """Tokens for the answer, with as much again for models that reason first."""
    return 2 * TOKENS_A_STORY * prompt.count + 1_000


def _guarded(provider: str, call: Callable[[], Reply]) -> Reply:
    """The SDK's exceptions as ModelError; their messages may quote the request, so they are not passed on."""
    try:
        return call()
    except RateLimitError as error:
        if error.code in _SPENT:
            message = f"{provider}: the account's credit is used up; add some, or change the key"
            raise ModelError(message, spent=True) from None
        raise passing(f"{provider}: asks us to wait (429)", _retry_after(error)) from None
    except APIStatusError as error:
        raise _status(provider, error) from None
    except APIConnectionError:
        raise passing(f"{provider}: cannot be reached, or did not answer in time", None) from None
    except (OpenAIError, ValueError, TypeError, AttributeError) as error:
        # A 200 that is not what the SDK knows: HTML, another schema, a cut body.
        raise passing(f"{provider}: an answer that cannot be read ({type(error).__name__})", None) from None


def _status(provider: str, error: APIStatusError) -> ModelError:
    status = error.status_code
    if status in (401, 403):
        return ModelError(f"{provider}: refused the key ({status}); check it and what it may do", spent=True)
    if status == 404:
        return ModelError(f"{provider}: does not know this model, or this address (404)", spent=True)
    if status in (408, 409) or status >= 500:
        return passing(f"{provider}: a fault on its side ({status})", _retry_after(error))
    return ModelError(f"{provider}: does not accept the request ({status})")


def _retry_after(error: APIStatusError) -> float | None:
    headers: Any = error.response.headers
    return seconds_until(headers.get("retry-after"), utc_now())
