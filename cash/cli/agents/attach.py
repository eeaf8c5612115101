"""polis agents attach: shows an agent's terminal here."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from cash.cli.calls import agent_argument, ask
from cash.cli.table import command as make_command
from cash.faults import UsageFault


@make_command("polis agents attach alice", name="attach")
@agent_argument
def command(name: str) -> None:
    """Show the terminal of the agent NAME here. Ctrl-B D leaves it; the agent goes on.

    Ctrl-B Page-Up scrolls back, q ends that. What is typed goes to the agent's program.
    """
    if not (os.isatty(0) and os.isatty(1)):
        raise UsageFault("attach needs a terminal", hint=f"polis agents logs {name}")
    answer = ask("attaching", "agents.attach", agent=name)
    from cash.sessions.tmux import DETACH, Place, attaching

    place = Place(
        Path(answer["socket"]),
        Path(answer["configuration"]),
        answer["session"],
        answer["program"],
    )
    argv = attaching(place, answer["window"])
    print(f"polis: {DETACH} leaves {name}'s terminal; it goes on", file=sys.stderr)
    # A person's own tmux may be around: this one is another.
    environment = {key: value for key, value in os.environ.items() if key != "TMUX"}
    os.execve(argv[0], argv, environment)
