"""What a program writes to its terminal: told from the text in it."""

from __future__ import annotations

import re
from typing import Final

# ECMA-48: CSI with parameters, OSC and other strings to their end, two-character escapes, and
# what else moves the cursor: also an escape that begins none of these, which would begin one with
# what follows once the sequence behind it is gone, and C1, of which some terminals take CSI.
SEQUENCE: Final = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]"
    r"|\x1b[\]PX^_][^\x07\x1b]*(?:\x07|\x1b\\)?"
    r"|\x1b[ -/]*[0-~]"
    r"|[\x00-\x08\x0b-\x1f\x7f-\x9f]"
)
# Programs that paint write a blank by moving over it.
_FORWARD: Final = re.compile(r"\x1b\[(\d{0,4})C")
_MOST_SPACES: Final = 200
_MODE: Final = re.compile(rb"\x1b\[\?([0-9;]*)([hl])")
_BRACKETED: Final = b"2004"
# The longest beginning of a mode's sequence that may come in two parts.
_LONGEST: Final = 24


def strip(text: str) -> str:
    """The text without what only moves the cursor or changes colours. A carriage return in a
    line means that it was written again: what came last stands."""
    return "\n".join(map(_strip_line, text.split("\n")))


def _strip_line(line: str) -> str:
    spaced = _FORWARD.sub(lambda found: " " * min(int(found[1] or 1), _MOST_SPACES), line)
    parts = [SEQUENCE.sub("", part) for part in spaced.split("\r")]
    return next((part for part in reversed(parts) if part.strip()), "")


class PasteMode:
    """Whether a program takes what is pasted as such, told from what it writes."""

    def __init__(self, *, is_on: bool = False) -> None:
        self.is_on = is_on
        self._rest = b""

    def feed(self, data: bytes) -> bool:
        """Whether that has changed with these bytes."""
        before, text = self.is_on, self._rest + data
        for modes, switch in _MODE.findall(text):
            if _BRACKETED in modes.split(b";"):
                self.is_on = switch == b"h"
        start = text.rfind(b"\x1b", -_LONGEST)
        whole = start >= 0 and _MODE.match(text, start)
        self._rest = b"" if start < 0 or whole else text[start:]
        return self.is_on != before
