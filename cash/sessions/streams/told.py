"""What one event of a stream tells."""

from __future__ import annotations

from dataclasses import dataclass

from cash.sessions.signal import Status

_LONGEST = 200


@dataclass(frozen=True, slots=True)
class Told:
    """See Signal."""

    status: Status
    reason: str
    call: str = ""


def in_short(text: object) -> str:
    """The first line of what others wrote, cut."""
    first = next((line for line in str(text).splitlines() if line.strip()), "")
    return first if len(first) <= _LONGEST else first[: _LONGEST - 1] + "…"


def call_line(tool: str, about: object) -> str:
    """A call of a tool, as people read it. about: its command or file, if it has one."""
    return in_short(f"→ {': '.join(str(part) for part in (tool, about) if part)}")


def failure_line(said: object) -> str:
    """That a call has failed. said: what came of it, text or blocks of it."""
    if isinstance(said, list):
        said = "\n".join(str(one.get("text", "")) for one in said if isinstance(one, dict))
    return in_short(f"✗ {in_short(said)}")
