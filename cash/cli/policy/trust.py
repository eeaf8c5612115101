"""polis policy trust: let a repository's policy file do more than tighten."""

from __future__ import annotations

import os

import click

from cash.cli.calls import ask
from cash.cli.printing import json_option, print_json, print_text
from cash.cli.table import command as make_command


@make_command("polis policy trust .polis/policy.yaml", name="trust")
@click.argument("file", metavar="FILE", type=click.Path(dir_okay=False))
@json_option
def command(file: str, as_json: bool) -> None:
    """Trust the exact bytes of a policy FILE of the repository.

    Until then, and again after any change to it, the file can only make rules stricter.
    """
    answer = ask("asking polisd", "policy.trust", path=os.path.abspath(file))
    if as_json:
        print_json(answer)
    else:
        print_text(f"{answer['path']} is trusted as it is now (sha256 {answer['sha256'][:12]}…)")
