"""What bash itself says of a text that no reader can read: the last word on whether it is broken.

bash reads a text command by command and runs each before it reads the next. With -n it reads all of
it and runs, expands and opens nothing.
"""

from __future__ import annotations

import re
import subprocess
import time
from typing import Final

_BASH: Final = ("/bin/bash", "--norc", "--noprofile", "-n", "-c", "--")
_SECONDS: Final = 0.5
_COMPLAINT: Final = re.compile(r"\S*bash: (?:-c: )?(line \d+: .*)")
_LONGEST: Final = 200


def bash_complaint(source: bytes, deadline: float) -> str:
    """Its first complaint, with the line it is about; "" where it can read the text, or does not
    say in time. deadline: of time.monotonic()."""
    left = min(_SECONDS, deadline - time.monotonic())
    if left <= 0:
        return ""
    try:
        ran = subprocess.run(
            [*_BASH, source],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            cwd="/",
            env={"LC_ALL": "C"},
            timeout=left,
            check=False,
        )
    except (OSError, ValueError, subprocess.TimeoutExpired):
        return ""
    if ran.returncode <= 0:  # killed: it has said nothing
        return ""
    said = ran.stderr.decode("ascii", "backslashreplace")
    found = next(filter(None, map(_COMPLAINT.fullmatch, said.split("\n"))), None)
    text = found[1] if found else ""
    shown = "".join(one if one.isprintable() else f"\\x{ord(one):02x}" for one in text)
    return shown[:_LONGEST]
