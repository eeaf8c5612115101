"""How sure a match is: a word that bash completes only when it runs leaves it open."""

from __future__ import annotations

from typing import Final

Certainty = int
NO: Final[Certainty] = 0
MAYBE: Final[Certainty] = 1
YES: Final[Certainty] = 2


def of(holds: bool) -> Certainty:
    """YES or NO."""
    return YES if holds else NO
