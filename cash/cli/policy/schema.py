"""polis policy schema: the JSON schema of policy files, for editors."""

from __future__ import annotations

from cash.cli.printing import print_text
from cash.cli.table import command as make_command
from cash.content import content_folder


@make_command("polis policy schema > policy.schema.json", name="schema")
def command() -> None:
    """Print the JSON schema of policy files."""
    print_text((content_folder("policies") / "schema.json").read_text().rstrip())
