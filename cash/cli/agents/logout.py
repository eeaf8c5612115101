"""polis agents logout: agents of a provider have no account any more."""

from __future__ import annotations

from cash.cli.calls import places
from cash.cli.printing import json_option, print_json, print_text
from cash.cli.providers import provider as find_provider
from cash.cli.providers import provider_argument
from cash.cli.table import command as make_command


@make_command("polis agents logout claude", name="logout")
@provider_argument
@json_option
def command(provider: str, as_json: bool) -> None:
    """Forget the account of PROVIDER, here and in the homes of its agents.

    Agents that run keep what they have read until they are stopped. The provider itself is told
    where its program has a command for that.
    """
    from cash.cli.login import tell_polisd, tell_provider
    from cash.providers.accounts import account_folder, forget_account

    manifest = find_provider(provider)
    here = places()
    tell_provider(manifest, account_folder(here, provider) / "home")
    was = forget_account(here, provider)
    tell_polisd(here, provider)
    if as_json:
        print_json({"provider": provider, "was_logged_in": was})
    elif was:
        print_text(f"logged out of {manifest.description}")
    else:
        print_text(f"there was no account of {manifest.description}")
