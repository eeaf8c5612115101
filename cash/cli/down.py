"""polis down: stop polisd and everything that runs in agents' walls."""

from __future__ import annotations

from cash.cli.calls import places
from cash.cli.printing import json_option, print_json, print_text
from cash.cli.table import command as make_command
from cash.shell.progress import progress


@make_command("polis down", name="down")
@json_option
def command(as_json: bool) -> None:
    """Stop polis: every agent's commands end, nothing of their work is lost."""
    from cash.daemon.client import stop

    with progress("stopping"):
        running = stop(places())
    if as_json:
        print_json({"stopped": running})
    else:
        print_text("polis is down" if running else "polis was not running")
