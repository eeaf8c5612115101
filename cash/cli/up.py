"""polis up: start polisd now rather than on demand."""

from __future__ import annotations

from cash.cli.calls import ask
from cash.cli.printing import json_option, print_json, print_text
from cash.cli.table import command as make_command


@make_command("polis up", name="up")
@json_option
def command(as_json: bool) -> None:
    """Start polis. Other commands do it themselves when they need it."""
    answer = ask("starting", "up")
    if as_json:
        print_json(answer)
    else:
        print_text("polis is up")
