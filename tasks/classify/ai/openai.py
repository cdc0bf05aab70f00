"""OpenAI's Responses API, and any server that speaks its chat completions (Ollama, vLLM)."""

import time
from collections.abc import Callable, Sequence
from typing import ClassVar

from openai import APIConnectionError, APIStatusError, OpenAI, OpenAIError, RateLimitError
from openai.types.chat import ChatCompletion
from openai.types.responses import Response

from models.base import utc_now
from tasks.classify.ai.client import BoundedClient, was_sent
from tasks.classify.ai.model import (
    TIMEOUT_SECONDS,
    Answer,
    ModelError,
    Prompt,
    Reply,
    Usage,
    asked_patiently,
    credit_used_up,
    cut_off,
    fault_of,
    known_word,
    passing,
    refused,
    reply_of,
    schema,
    unreachable,
    unreadable,
)
from tasks.net.faults import seconds_until

_SPENT = {"insufficient_quota", "billing_hard_limit_reached"}
_FAILURES = {"server_error", "rate_limit_exceeded", "invalid_prompt"}
_CUTS = {"max_output_tokens"}


class OpenAIModel:
    """The Responses API with a strict schema. Nothing is stored there (``store=False``)."""

    provider: ClassVar[str] = "openai"

    def __init__(
        self,
        key: str,
        name: str,
        *,
        base_url: str | None = None,
        addresses: Sequence[str] = (),
        timeout: float = TIMEOUT_SECONDS,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.name = name
        self._sleep = sleep
        self._client = _client(key, base_url, timeout, addresses)

    def ask(self, prompt: Prompt, answer_type: type[Answer], correction: str = "") -> Reply[Answer]:
        def call() -> Reply[Answer]:
            return _guarded(self.provider, lambda: self._ask(prompt, answer_type, correction))

        return asked_patiently(call, self._sleep)

    def _ask(self, prompt: Prompt, answer_type: type[Answer], correction: str) -> Reply[Answer]:
        response = self._client.responses.create(
            model=self.name,
            instructions=prompt.corrected(correction),
            input=prompt.user,
            text={
                "format": {
                    "type": "json_schema",
                    "name": answer_type.__name__,
                    "strict": True,
                    "schema": schema(answer_type),
                }
            },
            max_output_tokens=prompt.room,
            store=False,
        )
        usage = Usage()
        if response.usage is not None:
            cached = response.usage.input_tokens_details.cached_tokens
            usage = Usage(response.usage.input_tokens - cached, cached, response.usage.output_tokens)
        if response.status == "failed" or response.error is not None:
            code = known_word(response.error.code if response.error is not None else None, _FAILURES)
            raise passing(f"{self.provider}: it failed ({code})", unbilled=True)
        if _is_refusal(response):
            return refused(usage)
        if response.status == "incomplete":
            details = response.incomplete_details
            return cut_off(usage, known_word(details.reason if details else None, _CUTS))
        return reply_of(response.output_text, answer_type, usage)


class CompatibleModel:
    """A server of one's own that speaks chat completions; it may need no key."""

    provider: ClassVar[str] = "openai_compatible"

    def __init__(
        self,
        key: str | None,
        name: str,
        *,
        base_url: str,
        addresses: Sequence[str] = (),
        timeout: float = TIMEOUT_SECONDS,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.name = name
        self._sleep = sleep
        # The SDK insists on a key.
        self._client = _client(key or "none", base_url, timeout, addresses)

    def ask(self, prompt: Prompt, answer_type: type[Answer], correction: str = "") -> Reply[Answer]:
        def call() -> Reply[Answer]:
            return _guarded(self.provider, lambda: self._ask(prompt, answer_type, correction))

        return asked_patiently(call, self._sleep)

    def _ask(self, prompt: Prompt, answer_type: type[Answer], correction: str) -> Reply[Answer]:
        completion = self._client.chat.completions.create(
            model=self.name,
            messages=[
                {"role": "system", "content": prompt.corrected(correction)},
                {"role": "user", "content": prompt.user},
            ],
            response_format={
                "type": "json_schema",
                "json_schema": {
                    "name": answer_type.__name__,
                    "strict": True,
                    "schema": schema(answer_type),
                },
            },
            max_tokens=prompt.room,
        )
        usage = _chat_usage(completion)
        choice = completion.choices[0] if completion.choices else None
        if choice is None:
            return cut_off(usage, "it is empty")
        if choice.message.refusal or choice.finish_reason == "content_filter":
            return refused(usage)
        if choice.finish_reason == "length":
            return cut_off(usage, "length")
        return reply_of(choice.message.content, answer_type, usage)


def _client(key: str, base_url: str | None, timeout: float, addresses: Sequence[str]) -> OpenAI:
    bounded = BoundedClient(timeout, addresses)
    return OpenAI(api_key=key, base_url=base_url, timeout=timeout, max_retries=0, http_client=bounded)


def _chat_usage(completion: ChatCompletion) -> Usage:
    if completion.usage is None:
        return Usage()
    details = completion.usage.prompt_tokens_details
    cached = (details.cached_tokens if details else None) or 0
    return Usage(completion.usage.prompt_tokens - cached, cached, completion.usage.completion_tokens)


def _is_refusal(response: Response) -> bool:
    if response.incomplete_details is not None and response.incomplete_details.reason == "content_filter":
        return True
    said = (part for item in response.output if item.type == "message" for part in item.content)
    return any(part.type == "refusal" for part in said)


def _guarded(provider: str, call: Callable[[], Reply[Answer]]) -> Reply[Answer]:
    """The SDK's exceptions as ModelError; their messages may quote the request, so they are not passed on."""
    try:
        return call()
    except RateLimitError as error:
        if error.code in _SPENT:
            raise credit_used_up(provider) from None
        raise _of_status(provider, error) from None
    except APIStatusError as error:
        raise _of_status(provider, error) from None
    except APIConnectionError as error:
        raise unreachable(provider, sent=was_sent(error)) from None
    except (OpenAIError, ValueError, TypeError, AttributeError) as error:
        raise unreadable(provider, error) from None


def _of_status(provider: str, error: APIStatusError) -> ModelError:
    after = seconds_until(error.response.headers.get("retry-after"), utc_now())
    return fault_of(provider, error.status_code, after)
