"""polis agents login: one account for all agents of a provider."""

from __future__ import annotations

import click

from cash.cli.calls import places
from cash.cli.printing import json_option, print_json, print_text
from cash.cli.providers import provider as find_provider
from cash.cli.providers import provider_argument
from cash.cli.table import command as make_command


@make_command(
    "polis agents login claude",
    "polis agents login codex --key <key.txt     # an API key, from standard input",
    name="login",
)
@provider_argument
@click.option("--key", "with_key", is_flag=True, help="Store an API key, read from standard input.")
@json_option
def command(provider: str, with_key: bool, as_json: bool) -> None:
    """Log in to PROVIDER once, for all its agents.

    The program's own login runs here, outside the walls (it opens your browser and hears from
    it), in a home of its own: your own login and settings are neither read nor changed. With
    --key there is no login: an API key is read from standard input, never from the command line.
    """
    from cash.cli.login import log_in, take_key, tell_polisd
    from cash.providers.accounts import read_account

    manifest = find_provider(provider)
    here = places()
    (take_key if with_key else log_in)(here, manifest)
    tell_polisd(here, provider)
    held = read_account(here, manifest)
    if as_json:
        print_json(held.describe() if held else None)
    else:
        print_text(f"agents of provider {provider} are logged in")
