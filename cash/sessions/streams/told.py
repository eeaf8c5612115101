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
