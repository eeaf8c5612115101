"""polis agents accounts: whose account agents use."""

from __future__ import annotations

import time

from cash.cli.calls import places
from cash.cli.printing import json_option, print_columns, print_json, print_text
from cash.cli.table import command as make_command


@make_command("polis agents accounts", "polis agents accounts --json", name="accounts")
@json_option
def command(as_json: bool) -> None:
    """List the accounts that agents use: one for all agents of a provider."""
    from cash.providers.accounts import read_account
    from cash.providers.manifest import Catalogue

    here = places()
    read = (read_account(here, manifest) for manifest in Catalogue(here).values())
    found = [held for held in read if held is not None]
    if as_json:
        print_json([held.describe() for held in found])
    elif not found:
        print_text("no accounts yet; next: polis agents login claude")
    else:
        rows = [
            (
                held.provider,
                "API key" if held.sort == "key" else "login",
                time.strftime("%Y-%m-%d %H:%M", time.localtime(held.since)),
            )
            for held in found
        ]
        print_columns(("provider", "kind", "since"), rows)
