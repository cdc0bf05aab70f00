"""What a token costs, for budgets and the bill. Prices change: a deployment may name its own (``CM_AI_PRICES``)."""

from collections.abc import Mapping
from dataclasses import dataclass

from models.settings import AiPrice
from tasks.classify.ai.ends import family
from tasks.classify.ai.model import Prompt, Usage

BYTES_A_TOKEN = 3.0
"""English has four or more, and scripts of three bytes a letter about a token each: reserved rather too much."""
TOKENS_AROUND = 200
"""What providers put around a prompt, and the schema."""
CACHE_WRITE = 1.25
"""What Anthropic bills for input that it keeps five minutes, in prices of input; we ask for no longer keeping."""


@dataclass(frozen=True, slots=True)
class Price:
    """US dollars a million tokens."""

    input: float
    cached: float
    output: float

    def of(self, usage: Usage) -> float:
        """What a call cost."""
        million = 1_000_000
        return (
            (usage.input_tokens + CACHE_WRITE * usage.written_tokens) * self.input
            + usage.cached_tokens * self.cached
            + usage.output_tokens * self.output
        ) / million

    def at_most(self, prompt: Prompt, correction: str = "") -> float:
        """What a request may cost: nothing cached, and the whole room for the answer used."""
        asked = len(f"{prompt.corrected(correction)}{prompt.user}".encode()) / BYTES_A_TOKEN + TOKENS_AROUND
        return self.of(Usage(written_tokens=int(asked), output_tokens=prompt.room))


FREE = Price(0.0, 0.0, 0.0)
"""A server of one's own."""
UNKNOWN = Price(5.0, 0.5, 25.0)
"""For a model we know no price of: as dear as a provider's large one, so that a budget errs on the safe side."""
PRICES = {
    "claude-haiku-4-5": Price(1.00, 0.10, 5.00),
    "claude-haiku-5-5": Price(0.10, 0.01, 0.50),
    "claude-sonnet-4-6": Price(3.00, 0.30, 15.00),
    "claude-sonnet-5-5": Price(2.00, 0.20, 10.00),
    "gpt-5.4": Price(2.50, 0.25, 15.00),
    "gpt-5.4-mini": Price(0.75, 0.075, 4.50),
    "gpt-5.5": Price(5.00, 0.50, 30.00),
    "gpt-5.6-luna": Price(0.20, 0.02, 1.20),
    "gpt-5.6-terra": Price(2.00, 0.20, 12.00),
    "gpt-6-astra": Price(10.00, 1.00, 50.00),
    "gpt-6-luna": Price(0.10, 0.01, 0.50),
    "gpt-6-sol": Price(2.00, 0.20, 10.00),
}
"""The providers' price lists of November 2026, for prompts of ordinary length, dated versions included."""


def price_of(model: str, own: Mapping[str, AiPrice] | None = None, *, otherwise: Price = UNKNOWN) -> Price:
    """The price of a model: the deployment's, by the longest beginning of the name; else as published."""
    named = [name for name in own or {} if model.startswith(name)]
    if own and named:
        price = own[max(named, key=len)]
        return Price(price.input, price.cached, price.output)
    return PRICES.get(family(model), otherwise)
