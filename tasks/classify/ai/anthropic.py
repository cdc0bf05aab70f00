"""Anthropic's Messages API with a JSON schema for the answer."""

import time
from collections.abc import Callable, Sequence
from typing import ClassVar

from anthropic import Anthropic, AnthropicError, APIConnectionError, APIStatusError

from models.base import utc_now
from tasks.classify.ai.client import BoundedClient, was_sent
from tasks.classify.ai.model import (
    TIMEOUT_SECONDS,
    Answer,
    Prompt,
    Reply,
    Usage,
    asked_patiently,
    cut_off,
    fault_of,
    refused,
    reply_of,
    schema,
    unreachable,
    unreadable,
)
from tasks.net.faults import seconds_until


class AnthropicModel:
    """Asked with ``messages.create``: ``parse`` raises on a refusal or a cut answer, and loses why and the bill."""

    provider: ClassVar[str] = "anthropic"

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
        bounded = BoundedClient(timeout, addresses)
        self._client = Anthropic(
            api_key=key, base_url=base_url, timeout=timeout, max_retries=0, http_client=bounded
        )

    def ask(self, prompt: Prompt, answer_type: type[Answer], correction: str = "") -> Reply[Answer]:
        return asked_patiently(lambda: self._guarded(prompt, answer_type, correction), self._sleep)

    def _ask(self, prompt: Prompt, answer_type: type[Answer], correction: str) -> Reply[Answer]:
        message = self._client.messages.create(
            model=self.name,
            max_tokens=prompt.room,
            # The instructions are the same in every call: cached, they cost a tenth.
            system=[
                {
                    "type": "text",
                    "text": prompt.corrected(correction),
                    "cache_control": {"type": "ephemeral"},
                }
            ],
            messages=[{"role": "user", "content": prompt.user}],
            output_config={"format": {"type": "json_schema", "schema": schema(answer_type)}},
        )
        bill = message.usage
        usage = Usage(
            bill.input_tokens,
            bill.cache_read_input_tokens or 0,
            bill.output_tokens,
            bill.cache_creation_input_tokens or 0,
        )
        if message.stop_reason == "refusal":
            return refused(usage)
        if message.stop_reason in ("max_tokens", "model_context_window_exceeded"):
            return cut_off(usage, message.stop_reason)
        text = "".join(block.text for block in message.content if block.type == "text")
        return reply_of(text, answer_type, usage)

    def _guarded(self, prompt: Prompt, answer_type: type[Answer], correction: str) -> Reply[Answer]:
        """The SDK's exceptions as ModelError; their messages may quote the request, so they are not passed on."""
        try:
            return self._ask(prompt, answer_type, correction)
        except APIStatusError as error:
            after = seconds_until(error.response.headers.get("retry-after"), utc_now())
            raise fault_of(self.provider, error.status_code, after) from None
        except APIConnectionError as error:
            raise unreachable(self.provider, sent=was_sent(error)) from None
        except (AnthropicError, ValueError, TypeError, AttributeError) as error:
            raise unreadable(self.provider, error) from None
