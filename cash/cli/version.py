"""polis version: what is installed here."""

from __future__ import annotations

import os
import sys

import click

from cash import __version__
from cash.cli.printing import json_option, print_json, print_text
from cash.cli.table import command as make_command

version_option = click.version_option(
    __version__, message="%(prog)s %(version)s", help="Print the version."
)


@make_command("polis version", "polis version --json", name="version")
@json_option
def command(as_json: bool) -> None:
    """The versions of polis, Python and the kernel."""
    found = {
        "polis": __version__,
        "python": ".".join(map(str, sys.version_info[:3])),
        "kernel": os.uname().release,
    }
    if as_json:
        print_json(found)
    else:
        print_text("  ".join(f"{name} {version}" for name, version in found.items()))
