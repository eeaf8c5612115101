"""What was tried on this machine, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing tried. mend: the exact step that would make it hold, "" when there is none.
    needed: agents cannot run without it."""

    name: str
    holds: bool
    detail: str
    mend: str = ""
    needed: bool = True
