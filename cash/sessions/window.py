"""The windows of a repository's tmux: one for each agent that is at work."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

# What is kept with a window, so that the next polisd finds it there.
AGENT, INCARNATION, NUMBER, COMMAND, PASTES = (
    "@polis_agent",
    "@polis_incarnation",
    "@polis_number",
    "@polis_command",
    "@polis_pastes",
)
_OPTIONS: Final = (AGENT, INCARNATION, NUMBER, COMMAND, PASTES)
_FIELDS: Final = ("window_id", "pane_id", "pane_pid", "window_activity", "pane_dead", *_OPTIONS)
# One call tells of all windows: what a sweep asks.
SWEEP: Final = ("list-panes", "-s", "-F", " ".join(f"#{{{field}}}" for field in _FIELDS))


@dataclass(frozen=True, slots=True)
class Window:
    """One window. window, pane: tmux's ids. pid: of the client in it, which runs outside the
    walls. activity: when something was last written there, seconds since the epoch. agent,
    incarnation: whose it is. number: of the session in it. command: the journal's id of what runs
    there, "" before it does. pastes: whether its program has asked
    to be told what is pasted (bracketed paste)."""

    window: str
    pane: str
    pid: int
    activity: float
    dead: bool
    agent: str
    incarnation: str
    number: str
    command: str
    pastes: bool


def read_windows(lines: Iterable[bytes]) -> tuple[Window, ...]:
    """The agents' windows in the answer to SWEEP; what a person opened there is left out."""
    return tuple(found for line in lines if (found := _read(line.decode())) is not None)


def _read(line: str) -> Window | None:
    fields = line.split(" ")
    if len(fields) != len(_FIELDS):
        return None
    window, pane, pid, activity, dead, agent, incarnation, number, command, pastes = fields
    if not (agent and incarnation and number):
        return None
    return Window(
        window=window,
        pane=pane,
        pid=int(pid),
        activity=float(activity or 0),
        dead=dead == "1",
        agent=agent,
        incarnation=incarnation,
        number=number,
        command=command,
        pastes=pastes == "1",
    )
