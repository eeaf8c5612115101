"""polis agents attach: shows an agent's terminal here."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from cash.cli.calls import agent_argument, ask, here, places
from cash.cli.printing import one_line
from cash.cli.table import command as make_command
from cash.faults import Fault, UsageFault
from cash.wire import ConnectionEnded

# polisd hears of a window's end a moment after whoever looked at it.
_WORD: Final = 0.2


@make_command("polis agents attach alice", name="attach")
@agent_argument
def command(name: str) -> int:
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
    status = _show(argv, environment)
    print(f"polis: {_told(name)}", file=sys.stderr)
    return status


def _show(argv: Sequence[str], environment: Mapping[str, str]) -> int:
    """Runs tmux at this terminal until it is left; what would end this process ends that."""
    tmux = subprocess.Popen(argv, env=environment)
    ended_by: list[int] = []

    def pass_on(number: int, _frame: object) -> None:
        ended_by.append(number)
        tmux.send_signal(signal.SIGTERM)

    ending = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)
    before = {number: signal.signal(number, pass_on) for number in ending}
    try:
        status = tmux.wait()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    return 128 + ended_by[0] if ended_by else status


def _told(name: str) -> str:
    """What became of the agent's program: tmux says the same whoever ended the look at it."""
    from cash.daemon.client import call

    time.sleep(_WORD)
    try:
        told = call(places(), "agents.logs", start=False, cwd=here(), agent=name, lines=1)
    except (Fault, ConnectionEnded) as fault:
        return f"{name}'s terminal is gone: {fault}"
    if told["living"]:
        return f"you have left {name}'s terminal; it goes on (polis agents attach {name})"
    return f"{name} has ended: {one_line(told['reason'] or 'well')}"
