"""Anthropic's Messages API with a JSON schema for the answer."""

import time
from collections.abc import Callable
from typing import ClassVar

from anthropic import (
    Anthropic,
    AnthropicError,
    APIConnectionError,
    APIStatusError,
    transform_schema,
)

from models.base import utc_now
from tasks.classify.ai.answers import Answers
from tasks.classify.ai.model import (
    TIMEOUT_SECONDS,
    TOKENS_A_STORY,
    ModelError,
    Reply,
    Usage,
    passing,
    read_answers,
    with_patience,
)
from tasks.classify.ai.prompt import Prompt
from tasks.net.faults import seconds_until

_REFUSED = {401: "refused the key", 402: "the account's credit is used up", 403: "refused the key"}


class AnthropicModel:
    """Asked with ``messages.create``: ``parse`` raises on a refusal or a cut answer, and loses why and the bill."""

    provider: ClassVar[str] = "anthropic"

    def __init__(
        self, key: str, name: str, *, base_url: str | None = None, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self.name = name
        self._sleep = sleep
        # Its own retries would multiply with ours.
        self._client = Anthropic(api_key=key, base_url=base_url, timeout=TIMEOUT_SECONDS, max_retries=0)

    def ask(self, prompt: Prompt, correction: str = "") -> Reply:
        return with_patience(lambda: self._guarded(prompt, correction), self._sleep)

    def _ask(self, prompt: Prompt, correction: str) -> Reply:
        system = f"{prompt.system}\n\n{correction}" if correction else prompt.system
        message = self._client.messages.create(
            model=self.name,
            max_tokens=2 * TOKENS_A_STORY * prompt.count + 1_000,
            # The instructions are the same in every call: cached, they cost a tenth.
            system=[{"type": "text", "text": system, "cache_control": {"type": "ephemeral"}}],
            messages=[{"role": "user", "content": prompt.user}],
            output_config={"format": {"type": "json_schema", "schema": transform_schema(Answers)}},
        )
        bill = message.usage
        # What is written to the cache is billed as input, a quarter dearer.
        usage = Usage(
            bill.input_tokens + (bill.cache_creation_input_tokens or 0),
            bill.cache_read_input_tokens or 0,
            bill.output_tokens,
        )
        if message.stop_reason == "refusal":
            return Reply(None, usage, "refused")
        if message.stop_reason in ("max_tokens", "model_context_window_exceeded"):
            return Reply(None, usage, f"the answer is cut off ({message.stop_reason})")
        answers = read_answers("".join(block.text for block in message.content if block.type == "text"))
        return Reply(answers, usage, "" if answers else "no JSON of our schema")

    def _guarded(self, prompt: Prompt, correction: str) -> Reply:
        """The SDK's exceptions as ModelError; their messages may quote the request, so they are not passed on."""
        name = self.provider
        try:
            return self._ask(prompt, correction)
        except APIStatusError as error:
            status = error.status_code
            after = seconds_until(error.response.headers.get("retry-after"), utc_now())
            if status in _REFUSED:
                raise ModelError(
                    f"{name}: {_REFUSED[status]} ({status}); check the key", spent=True
                ) from None
            if status == 404:
                raise ModelError(
                    f"{name}: does not know this model, or this address (404)", spent=True
                ) from None
            if status in (408, 409, 429) or status >= 500:
                raise passing(f"{name}: busy, or a fault on its side ({status})", after) from None
            raise ModelError(f"{name}: does not accept the request ({status})") from None
        except APIConnectionError:
            raise passing(f"{name}: cannot be reached, or did not answer in time", None) from None
        except (AnthropicError, ValueError, TypeError, AttributeError) as error:
            raise passing(f"{name}: an answer that cannot be read ({type(error).__name__})", None) from None
