"""What language models are sent is what OpenAI documents, and what its strict schemas allow."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any
from uuid import uuid4

import pytest
from conftest import SHARED
from fakes import NewsServer, Reply
from jsonschema import Draft202012Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

from models.events import Category
from tasks.classify.ai.asking import Case, Question
from tasks.classify.ai.insights import Advising
from tasks.classify.ai.judge import Judging
from tasks.classify.ai.model import ModelError, schema
from tasks.classify.ai.openai import CompatibleModel, OpenAIModel
from tasks.classify.classifier import InsightCase, Text
from tasks.companies.names import Profile

SPEC = SHARED / "specs" / "openai.openapi.yaml"
ACME = Profile(key="1", name="Acme", aliases=("Acme Corp",), industry="Widgets")
TEXTS = (Text("Acme buys Orrin", "The deal closes in May."), Text("Acme opens a plant", None))
QUESTIONS: dict[str, tuple[Question[Any, Any], list[Case]]] = {
    "judging": (Judging(), [Case(uuid4(), ACME, text, facts={"tier": "Gold"}) for text in TEXTS]),
    "insights": (
        Advising(),
        [
            InsightCase(
                key=uuid4(),
                profile=ACME,
                text=text,
                category=Category.EXPANSION,
                risk="low",
                certainty="stated",
            )
            for text in TEXTS
        ],
    ),
}
PATHS = {"openai": "/responses", "openai_compatible": "/chat/completions"}

purposes = pytest.mark.parametrize("purpose", QUESTIONS)
providers = pytest.mark.parametrize("provider", PATHS)


@pytest.fixture(scope="module")
def server() -> Iterator[NewsServer]:
    with NewsServer() as found:
        for path in PATHS.values():
            found.serve(f"/v1{path}", Reply(b"{}", 400, "application/json"))
        yield found


def sent(server: NewsServer, provider: str, purpose: str, correction: str) -> dict[str, Any]:
    """The body of the request that asks this question."""
    question, cases = QUESTIONS[purpose]
    base = server.url("/v1")
    model = (
        OpenAIModel("sk-x", "gpt-6-luna", base_url=base)
        if provider == "openai"
        else CompatibleModel(None, "llama3.3", base_url=base)
    )
    with pytest.raises(ModelError):
        model.ask(question.prompt(cases), question.form, correction)
    body: dict[str, Any] = json.loads(server.asked[-1].body)
    return body


# by the specification


@pytest.fixture(scope="module")
def spec() -> Any:
    if not SPEC.exists():
        pytest.skip(f"{SPEC.name} is not on this machine: the contract cannot be checked")
    import yaml

    # The pure-Python loader takes half a minute.
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    return yaml.load(SPEC.read_text(encoding="utf-8"), Loader=loader)


def validator(spec: Any, path: str) -> Draft202012Validator:
    """Of the request body of this path; references are resolved as they are met."""
    registry: Registry[Any] = Registry().with_resource(
        "openai", Resource(contents=spec, specification=DRAFT202012)
    )
    place = f"/paths/{path.replace('/', '~1')}/post/requestBody/content/application~1json/schema"
    return Draft202012Validator({"$ref": f"openai#{place}"}, registry=registry)


def documented(spec: Any, node: Mapping[str, Any]) -> set[str]:
    """The names of the fields that a schema made of others has."""
    if reference := node.get("$ref"):
        found: Any = spec
        for step in reference.removeprefix("#/").split("/"):
            found = found[step]
        return documented(spec, found)
    parts = [documented(spec, part) for part in node.get("allOf", ())]
    return set(node.get("properties", ())).union(*parts)


@pytest.mark.full
@purposes
@providers
@pytest.mark.parametrize("correction", ["", "An earlier answer could not be used (story 1: not answered)."])
def test_a_request_is_as_openai_documents_it(
    spec: Any, server: NewsServer, provider: str, purpose: str, correction: str
) -> None:
    body = sent(server, provider, purpose, correction)
    validator(spec, PATHS[provider]).validate(body)
    content = spec["paths"][PATHS[provider]]["post"]["requestBody"]["content"]
    assert set(body) <= documented(spec, content["application/json"]["schema"])


@pytest.mark.full
@providers
@pytest.mark.parametrize(
    "change", [{"model": 5}, {"input": 5, "messages": 5}, {"text": {"format": 5}, "response_format": 5}]
)
def test_the_specification_would_refuse_what_is_wrong(
    spec: Any, server: NewsServer, provider: str, change: dict[str, Any]
) -> None:
    body = sent(server, provider, "judging", "")
    wrong = body | {name: value for name, value in change.items() if name in body}
    assert wrong != body
    assert not validator(spec, PATHS[provider]).is_valid(wrong)


# strict schemas: what structured output supports, whoever checks it

KEYWORDS = {"type", "properties", "required", "additionalProperties", "items", "enum", "$ref", "$defs"}


def nodes(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """A schema and all in it."""
    yield node
    for name in ("properties", "$defs"):
        for inner in node.get(name, {}).values():
            yield from nodes(inner)
    if "items" in node:
        yield from nodes(node["items"])


@purposes
def test_a_schema_keeps_to_what_strict_output_supports(purpose: str) -> None:
    form = QUESTIONS[purpose][0].form
    found = schema(form)
    Draft202012Validator.check_schema(found)
    assert found["type"] == "object"
    for node in nodes(found):
        assert set(node) <= KEYWORDS
        if node.get("type") == "object":
            assert node["additionalProperties"] is False
            assert set(node["required"]) == set(node["properties"])
    assert re.fullmatch(r"[a-zA-Z0-9_-]{1,64}", form.__name__)


@purposes
@providers
def test_the_schema_is_asked_for_strictly_and_nothing_is_to_be_stored(
    server: NewsServer, provider: str, purpose: str
) -> None:
    body = sent(server, provider, purpose, "")
    if provider == "openai":
        asked = body["text"]["format"]
        assert body["store"] is False
        assert asked["type"] == "json_schema"
    else:
        assert body["response_format"]["type"] == "json_schema"
        asked = body["response_format"]["json_schema"]
    assert asked["strict"] is True
    assert asked["schema"] == schema(QUESTIONS[purpose][0].form)


@purposes
def test_an_answer_by_the_schema_is_one_we_read(purpose: str) -> None:
    """The schema that is sent and the form that is read are the same thing."""
    form = QUESTIONS[purpose][0].form
    judged = {
        "about": "main",
        "category": "expansion",
        "relevance": 0.5,
        "sentiment": 0,
        "risk": "none",
        "confidence": 1,
        "evidence": "a plant",
        "reason": "It grows.",
    }
    advised = {"meaning": "It grows.", "actions": ["Ask."], "urgency": "low"}
    answer = {"stories": [{"number": 1, **(judged if purpose == "judging" else advised)}]}
    Draft202012Validator(schema(form)).validate(answer)
    form.model_validate(answer)
