"""What is heard of an agent at work, and from where."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Literal

Status = Literal[
    "creating",
    "running",
    "waiting_approval",
    "waiting_input",
    "idle",
    "completed",
    "error",
    "stopped",
    "paused",
    "unknown",
]


class Source(IntEnum):
    """Where it comes from; of two that differ the greater is believed."""

    SCREEN = 1
    PROCESS = 2
    HOOK = 3
    PROTOCOL = 4


@dataclass(frozen=True, slots=True)
class Signal:
    """One thing heard. reason: for people, one line. at: seconds since the epoch. call: the
    provider's own id of the tool call it is about, "" for none. bars: nothing goes on while this is
    so, whatever was said before: its program wants to be logged in."""

    source: Source
    status: Status
    reason: str
    at: float
    call: str = ""
    bars: bool = False
