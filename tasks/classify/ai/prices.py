"""What a token costs, for budgets and the bill. Prices change: a deployment may name its own."""

from dataclasses import dataclass
from datetime import date

from tasks.classify.ai.model import TOKENS_A_STORY, Usage
from tasks.classify.ai.prompt import Prompt

CHARACTERS_A_TOKEN = 3.0
"""English has about four; a budget is better reserved too high than too low."""


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
            usage.input_tokens * self.input
            + usage.cached_tokens * self.cached
            + usage.output_tokens * self.output
        ) / million

    def at_most(self, prompt: Prompt) -> float:
        """What a call may cost: nothing cached, and the whole room for the answer used."""
        characters = len(prompt.system) + len(prompt.user)
        room = 2 * TOKENS_A_STORY * prompt.count + 1_000
        return self.of(Usage(input_tokens=int(characters / CHARACTERS_A_TOKEN) + 200, output_tokens=room))


FREE = Price(0.0, 0.0, 0.0)
"""A server of one's own."""
UNKNOWN = Price(5.0, 0.5, 25.0)
"""For a model we know no price of: dear, so that a budget errs on the safe side."""
PRICES = {
    "gpt-6-luna": Price(0.10, 0.01, 0.50),
}
"""Published prices we could check; a name that begins with one of these has its price."""

SHUTDOWNS = {
    "claude-sonnet-4-5": date(2026, 11, 30),
    "gpt-5": date(2026, 12, 11),
    "gpt-5-mini": date(2026, 12, 11),
    "gpt-5-nano": date(2026, 12, 11),
    "o3": date(2026, 12, 11),
    "gpt-4o": date(2027, 1, 14),
    "gpt-4o-mini": date(2027, 1, 14),
    "gpt-4.1": date(2027, 1, 14),
    "gpt-4.1-mini": date(2027, 1, 14),
    "gpt-5.4-nano": date(2027, 4, 1),
    "gpt-5.1": date(2027, 4, 1),
    "gpt-4.1-nano": date(2026, 10, 23),
    "o4-mini": date(2026, 10, 23),
    "gpt-4-turbo": date(2026, 10, 23),
    "gpt-3.5-turbo": date(2026, 10, 23),
}
"""Announced ends, by exact name, as the providers published them in November 2026."""


def price_of(model: str) -> Price:
    """The price of a model, its dated versions included."""
    return next((price for name, price in PRICES.items() if model.startswith(name)), UNKNOWN)
