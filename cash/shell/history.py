"""What was typed, kept per agent without its secrets."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterable
from pathlib import Path

from prompt_toolkit.history import History

from cash.store.redaction import redact_text

_MOST_LINES = 5000


class RedactedHistory(History):
    """One JSON string a line, newest last, readable by its owner alone. Within the session the
    lines come back as typed; on disk stands only what redaction leaves. As in bash, a line that
    begins with a space is not kept."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path = path

    def load_history_strings(self) -> Iterable[str]:
        """The kept lines, newest first; a damaged one is passed over."""
        try:
            written = self._path.read_text(errors="replace").splitlines()
        except OSError:
            return
        for entry in reversed(written[-_MOST_LINES:]):
            with contextlib.suppress(ValueError):
                line = json.loads(entry)
                if isinstance(line, str):
                    yield line

    def append_string(self, string: str) -> None:
        """Remembers a line, unless it begins with a space."""
        if not string.startswith(" "):
            super().append_string(string)

    def store_string(self, string: str) -> None:
        """Appends one line to the file; a full disk costs the entry, not the command."""
        entry = json.dumps(redact_text(string)).encode() + b"\n"
        with contextlib.suppress(OSError):
            descriptor = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
            try:
                os.write(descriptor, entry)
            finally:
                os.close(descriptor)
