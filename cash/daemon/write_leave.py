"""A person's leave to write one file, for as long as one write takes.

Many programs write a file under a passing name beside it and rename that (Claude Code's Write tool
does: NAME.tmp.PID.HEX): to the walls that is three writes of two files. A person answers once, and
no second write of the file itself follows from that.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

# From the first of a write's calls to the last, on a slow machine.
_SECONDS = 3.0
_MOST = 1000


@dataclass(slots=True)
class WriteLeave:
    """By command, file and the rules that asked."""

    clock: Callable[[], float] = time.monotonic
    _until: dict[tuple[str, str, frozenset[str]], float] = field(default_factory=dict)

    def give(self, command: str, path: str, rules: frozenset[str]) -> None:
        """An answer has just been used up for its passing name."""
        if len(self._until) >= _MOST:
            self._until.clear()
        self._until[command, path, rules] = self.clock() + _SECONDS

    def holds(self, command: str, path: str, rules: frozenset[str]) -> bool:
        """Whether that was a moment ago."""
        return self.clock() < self._until.get((command, path, rules), 0.0)
