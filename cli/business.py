"""Which business a command is about, and in whose name it acts."""

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from models.scope import Scope

BusinessOption = Annotated[
    str | None,
    typer.Option("--business", "-b", help="The business's slug; not needed when there is only one."),
]


def scope_for(business: str | None, person: str | None = None) -> "Scope":
    """The machinery's scope for the business: who has a shell here may do anything. With an address, that person's."""
    from models.scope import Scope
    from services.accounts import pick_business, scope_of
    from services.setup import ensure_schema

    ensure_schema()
    scope = Scope.system(pick_business(business).id)
    return scope if person is None else scope_of(scope, person)
