"""Outside services of a business: providers list, enable, disable, test, reseal; new-key."""

import os
import sys
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from cli.business import BusinessOption
from cli.output import clean, err, note, print_json, say
from cli.provider_table import show_listing

if TYPE_CHECKING:
    from models.providers import ProviderKind
    from models.scope import Scope
    from services.providers import Change, Provider


class Kind(StrEnum):
    """The kinds that a business switches; here too, so that --help need not load the database."""

    SOURCE = "source"
    CRM = "crm"
    CLASSIFIER = "classifier"


NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="As providers list shows it.")]
KindOption = Annotated[Kind | None, typer.Option("--kind", help="Needed where two kinds share a name.")]
SetOption = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="NAME=VALUE", help="An option, such as language=de; empty forgets it."),
]
SecretOption = Annotated[
    list[str] | None,
    typer.Option(
        "--secret",
        metavar="FIELD[=VARIABLE]",
        help="A key of the business's own: asked for unseen, or taken from that environment variable.",
    ),
]


def register(app: typer.Typer) -> None:
    """Add ``providers`` and its commands, and ``new-key``."""
    group = typer.Typer(
        name="providers",
        help="Sources, CRMs and AIs: what they are sent, switched on and off.",
        no_args_is_help=True,
    )
    group.command("list")(show)
    group.command("enable")(enable)
    group.command("disable")(disable)
    group.command("test")(try_one)
    group.command("reseal")(reseal)
    app.add_typer(group)
    app.command("new-key")(new_key)


def show(
    business: BusinessOption = None,
    kind: KindOption = None,
    runs_a_day: Annotated[
        float, typer.Option(min=0.01, max=1440, help="What calls and cost a month are reckoned with.")
    ] = 24,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object instead of a table.")] = False,
) -> None:
    """Every provider: who receives what, its key, its state, and calls and cost a month for this portfolio."""
    from services.providers import list_providers

    listing = list_providers(_scope(business), kind=_kind(kind), runs_a_day=runs_a_day)
    if as_json:
        print_json(listing.model_dump(mode="json"))
        return
    show_listing(listing)


def enable(
    name: NameArgument,
    options: SetOption = None,
    secrets: SecretOption = None,
    from_stdin: Annotated[
        bool, typer.Option("--stdin", help="The key from standard input; several as FIELD=VALUE lines.")
    ] = False,
    kind: KindOption = None,
    business: BusinessOption = None,
) -> None:
    """Switch a provider on. A key is never an argument: it is asked for, piped in, or named by its variable."""
    from services.providers import enable as switch_on
    from services.providers import find_provider, recipient_with

    scope = _scope(business)
    one = find_provider(name, _kind(kind))
    recipient = recipient_with(scope, one, _pairs(options or []))
    say(f"{one.about.title}: {recipient} receives: {one.about.sends}")
    if one.about.terms:
        say(f"terms: {one.about.terms}")
    given = _piped(one) if from_stdin else {}
    for secret in secrets or _asked_for(scope, one, given):
        given |= _secret(one, secret)
    change = switch_on(scope, name, kind=one.kind, options=_pairs(options or []), secrets=given)
    _tell(change, f"{name} is on")
    note(f"try it: client-monitor providers test {name}")


def disable(
    name: NameArgument,
    forget_key: Annotated[
        bool, typer.Option("--forget-key", help="Also delete the business's own keys for it.")
    ] = False,
    kind: KindOption = None,
    business: BusinessOption = None,
) -> None:
    """Switch a provider off. Its options stay, and its key unless it is to be forgotten."""
    from services.providers import disable as switch_off

    _tell(switch_off(_scope(business), name, kind=_kind(kind), forget_key=forget_key), f"{name} is off")


def try_one(name: NameArgument, kind: KindOption = None, business: BusinessOption = None) -> None:
    """Ask a provider one real question, about an invented company: never about a client. It may cost a call."""
    from contextlib import nullcontext

    from services.providers import try_provider

    scope = _scope(business)
    with err.status(f"asking {clean(name)} …") if err.is_terminal else nullcontext():
        said = try_provider(scope, name, kind=_kind(kind))
    say(said)


def reseal() -> None:
    """Seal every business's keys with the first of CM_SECRET_KEYS; afterwards the older ones may go."""
    from services.providers import reseal_keys
    from services.setup import ensure_schema

    ensure_schema()
    count = reseal_keys()
    keys = "1 stored key" if count == 1 else f"{count} stored keys"
    say(f"{keys} sealed with the first of CM_SECRET_KEYS; the others may be removed from it")


def new_key() -> None:
    """Print a fresh key for CM_SECRET_KEYS, which seals the keys that businesses store."""
    from models.vault import new_key as make

    say(make())
    note("put it first in CM_SECRET_KEYS, keep the old ones behind it, then: client-monitor providers reseal")


def _kind(kind: Kind | None) -> "ProviderKind | None":
    from models.providers import ProviderKind

    return None if kind is None else ProviderKind(kind.value)


def _scope(business: str | None) -> "Scope":
    from models.scope import Scope
    from services.accounts import own_business
    from services.setup import ensure_schema

    ensure_schema()
    return Scope.system(own_business(business).id)


def _pairs(given: list[str]) -> dict[str, str]:
    from services.errors import UserError

    pairs = {}
    for text in given:
        name, mark, value = text.partition("=")
        if not mark:
            raise UserError(f"{name!r} has no value", "write --set NAME=VALUE")
        pairs[name.strip()] = value.strip()
    return pairs


def _asked_for(scope: "Scope", one: "Provider", given: dict[str, str]) -> list[str]:
    """The secrets to ask for because they are needed and nobody gave them; none away from a terminal."""
    from services.providers import list_providers

    if given or not sys.stdin.isatty():
        return []
    line = next(x for x in list_providers(scope, kind=one.kind).providers if x.name == one.name)
    secrets = {field.name for field in one.about.secrets}
    return [name for name in line.missing if name in secrets]


def _secret(one: "Provider", text: str) -> dict[str, str]:
    from services.errors import UserError

    name, mark, variable = text.partition("=")
    if mark:
        if variable not in os.environ:
            # Not repeated: somebody may have written the key itself.
            raise UserError(
                f"--secret {name}=…: there is no environment variable of that name",
                "name a variable that holds the key; the key itself would stay in the shell's history",
            )
        return {name: os.environ[variable]}
    label = next((field.label for field in one.about.secrets if field.name == name), name)
    return {name: typer.prompt(f"{one.about.title}: {label} (not shown)", hide_input=True, err=True)}


def _piped(one: "Provider") -> dict[str, str]:
    """Secrets from standard input: one bare value where the provider has one secret, else FIELD=VALUE lines."""
    text = sys.stdin.read().strip()
    names = [field.name for field in one.about.secrets]
    if len(names) == 1 and not text.startswith(f"{names[0]}="):
        return {names[0]: text}
    found: dict[str, str] = {}
    last = ""
    for line in text.splitlines():
        name, mark, value = line.partition("=")
        if mark and name.strip() in names:
            last = name.strip()
            found[last] = value
        elif last:
            found[last] += f"\n{line}"  # a private key has many lines
    return found


def _tell(change: "Change", done: str) -> None:
    said = [done if change.switched else f"{done} already"]
    said += [f"set: {', '.join(change.options)}"] if change.options else []
    said += [f"keys changed: {', '.join(change.keys)}"] if change.keys else []
    said += [f"switched off instead: {', '.join(change.switched_off)}"] if change.switched_off else []
    say("; ".join(said))
