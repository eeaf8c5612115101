"""What a terminal shows → what the program on it does, by the signs of its manifest. Pure."""

from __future__ import annotations

from typing import cast

import re2

from cash.providers.manifest import Manifest
from cash.sessions.signal import Signal, Source, Status

# Below the lines of a program that does not use the whole screen.
_BLANK = "\n \t"


def read_screen(manifest: Manifest, text: str, at: float) -> Signal | None:
    """What the screen tells; text: its lines, trailing blanks left out. The first sign that is
    found counts. None where none is: an unknown dialog is not called idle."""
    shown = "\n".join(line.rstrip() for line in text.splitlines()).rstrip(_BLANK)
    found = next((sign for sign in manifest.signs if re2.search(sign.pattern, shown)), None)
    account = manifest.account
    works = found is not None and found.status == "running"
    if account and not works and any(re2.search(pattern, shown) for pattern in account.asks):
        reason = f"not logged in: {account.way(manifest.name)}"
        return Signal(Source.SCREEN, "error", reason, at, bars=True)
    if found is None:
        return None
    # The manifest's reader has let no other word through.
    return Signal(Source.SCREEN, cast("Status", found.status), found.reason, at)
