"""A language model on loopback: speaks OpenAI's Responses API over real HTTP and judges as a test tells it."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from conftest import Tenant
from fakes import Asked, NewsServer, Reply

from models.base import utc_now
from models.providers import ProviderConfig, ProviderKind
from models.settings import get_settings

KEY = "sk-0a1b-not-a-real-key"

Judge = Callable[[dict[str, Any], dict[str, Any]], dict[str, Any]]
"""From the client and the story of a prompt to the fields in which the answer differs from ``plain``."""


def plain(_client: dict[str, Any], _story: dict[str, Any]) -> dict[str, Any]:
    return {}


class Oracle:
    """Answers every story it is asked about, and remembers what it was asked."""

    def __init__(self, server: NewsServer, judge: Judge = plain) -> None:
        self.server = server
        self.judge = judge
        self.fault: Reply | None = None
        """Answered instead, while set."""
        self.faults_after: int | None = None
        """Calls that go well before the fault; None: none do."""
        self.bodies: list[str] = []
        """Of the requests for judgements that were answered, as they came."""
        self.advised: list[str] = []
        """Of those for insights."""
        self.refusals = 0
        self._lock = threading.Lock()
        server.serve("/v1/responses", self.answer)

    @property
    def calls(self) -> int:
        return len(self.bodies)

    @property
    def titles(self) -> list[str]:
        """Of the stories it was asked about, in order."""
        return [story["title"] for body in self.bodies for story in data(body)["stories"]]

    def answer(self, asked: Asked) -> Reply:
        """What the server says to a request."""
        body = asked.body.decode()
        prompt = data(body)
        with self._lock:
            if self.fault is not None and (self.faults_after is None or self.calls >= self.faults_after):
                self.refusals += 1
                return self.fault
            if json.loads(body)["text"]["format"]["name"] == "InsightAnswers":
                self.advised.append(body)
                stories = [self._advice(story) for story in prompt["stories"]]
            else:
                self.bodies.append(body)
                stories = [self._judged(prompt["client"], story) for story in prompt["stories"]]
        said = json.dumps({"stories": stories})
        return Reply(json.dumps(response(said)).encode(), media_type="application/json")

    def _advice(self, story: dict[str, Any]) -> dict[str, Any]:
        return {
            "number": story["number"],
            "meaning": "The model has a view.",
            "actions": ["Call them."],
            "urgency": "normal",
        }

    def _judged(self, client: dict[str, Any], story: dict[str, Any]) -> dict[str, Any]:
        judgement = {
            "number": story["number"],
            "about": "main",
            "category": "partnership",
            "relevance": 0.9,
            "sentiment": 0.5,
            "risk": "low",
            "confidence": 0.9,
            "evidence": story["title"].split(maxsplit=1)[0],
            "reason": "The model says so.",
        }
        return judgement | self.judge(client, story)


def data(body: str) -> dict[str, Any]:
    """The data of a request: the client and the stories."""
    found: dict[str, Any] = json.loads(json.loads(body)["input"])
    return found


def response(text: str) -> dict[str, Any]:
    """A Responses API answer that costs 1,000 tokens in, 100 of them cached, and 100 out."""
    part = {"type": "output_text", "text": text, "annotations": []}
    message = {"id": "m", "type": "message", "role": "assistant", "status": "completed", "content": [part]}
    usage = {
        "input_tokens": 1_000,
        "input_tokens_details": {"cached_tokens": 100, "cache_write_tokens": 0},
        "output_tokens": 100,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": 1_100,
    }
    return {
        "id": "r",
        "object": "response",
        "created_at": 1,
        "status": "completed",
        "model": "m",
        "output": [message],
        "parallel_tool_calls": True,
        "tool_choice": "auto",
        "tools": [],
        "usage": usage,
    }


def switch_on(tenant: Tenant, name: str = "openai", **options: Any) -> None:
    """As a tenant's admin does it."""
    tenant.add(
        ProviderConfig(
            business_id=tenant.business_id,
            kind=ProviderKind.CLASSIFIER,
            name=name,
            is_enabled=True,
            options=options,
            changed_at=utc_now(),
        )
    )


@contextmanager
def consulted(monkeypatch: pytest.MonkeyPatch, judge: Judge = plain) -> Iterator[Oracle]:
    """An oracle that the deployment's settings name as OpenAI; nobody has switched it on yet."""
    with NewsServer() as server:
        monkeypatch.setenv("CM_OPENAI_API_KEY", KEY)
        monkeypatch.setenv("CM_OPENAI_BASE_URL", server.url("/v1"))
        get_settings.cache_clear()
        yield Oracle(server, judge)
    get_settings.cache_clear()
