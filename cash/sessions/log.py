"""What an agent's program wrote to its terminal, kept in its folder: without secrets, bounded."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from cash.hub.adoption import write_whole
from cash.sessions.ansi import SEQUENCE, strip
from cash.store.redaction import redact_text

# Two files of this size: the newest, and the one before.
MOST: Final = 2 << 20
# A line that does not end is written all the same.
_LONGEST_LINE: Final = 16 << 10
# Of a program that tells an event a line, in JSON: a part of one is nothing that can be read.
_LONGEST_EVENT: Final = 1 << 20
_TAIL: Final = 1 << 20


def log_file(folder: Path) -> Path:
    """Where the output of the agent in `folder` is."""
    return folder / "output.log"


def _older(path: Path) -> Path:
    return path.with_suffix(".log.1")


class Log:
    """Writes one agent's output, line by line: a secret is found in whole lines only."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._rest = b""

    def write(self, data: bytes) -> None:
        """Takes what was written. A full disk costs the log, never the agent."""
        lines = (self._rest + data).split(b"\n")
        self._rest = lines.pop()
        longest = _LONGEST_EVENT if self._rest.startswith(b'{"') else _LONGEST_LINE
        if len(self._rest) > longest:
            lines.append(self._rest)
            self._rest = b""
        if lines:
            with contextlib.suppress(OSError):
                self._append(b"".join(redact_line(line) + b"\n" for line in lines))

    @property
    def rest(self) -> bytes:
        """What was written of a line that has not ended."""
        return self._rest

    def end(self) -> None:
        """Writes what is left of the last line."""
        if self._rest:
            self.write(b"\n")

    def _append(self, data: bytes) -> None:
        if self._size() + len(data) > MOST:
            self._path.replace(_older(self._path))
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW
        descriptor = os.open(self._path, flags, 0o600)
        try:
            os.write(descriptor, data)
        finally:
            os.close(descriptor)

    def _size(self) -> int:
        try:
            return os.lstat(self._path).st_size
        except FileNotFoundError:
            return -MOST  # there is nothing to put aside


def redact_line(line: bytes) -> bytes:
    """The line without its secrets. What holds one loses its colours: a secret may be torn apart
    by them."""
    text = line.decode("utf-8", "surrogateescape")
    plain = SEQUENCE.sub("", text)
    redacted = redact_text(plain)
    kept = text if redacted == plain else redacted
    return kept.encode("utf-8", "surrogateescape")


def write_screen(folder: Path, lines: Sequence[str]) -> None:
    """Keeps what stood on an agent's terminal when its program ended. A program that paints its
    screen is read better so than in what it wrote."""
    text = "".join(f"{redact_text(line)}\n" for line in lines)
    with contextlib.suppress(OSError):
        write_whole(folder / "screen.txt", text.encode("utf-8", "replace"))


def read_screen(folder: Path, count: int) -> list[str]:
    """Its last lines; nothing when it was not kept."""
    try:
        text = (folder / "screen.txt").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return []
    return text.splitlines()[-count:]


def forget_screen(folder: Path) -> None:
    """A new session begins."""
    with contextlib.suppress(OSError):
        (folder / "screen.txt").unlink()


def read_events(path: Path) -> list[str]:
    """All lines that are kept, as they were written: of a program that tells an event a line."""
    data = b""
    for part in (_older(path), path):
        with contextlib.suppress(OSError):
            data += part.read_bytes()
    lines = data.decode("utf-8", "backslashreplace").split("\n")
    return [line.rstrip() for line in lines if line.strip()]


def read_log(path: Path, count: int, *, raw: bool = False) -> list[str]:
    """The last `count` lines; without raw only what can be read, and no empty ones. Nothing when
    nothing was ever written."""
    data = b""
    for part in (_older(path), path):
        with contextlib.suppress(OSError):
            data += part.read_bytes()
    text = data[-_TAIL:].decode("utf-8", "backslashreplace")
    lines = text.removesuffix("\n").split("\n") if text else []
    if not raw:
        lines = [line.rstrip() for line in map(strip, lines) if line.strip()]
        # A program that paints a line again and again has said it once.
        lines = [line for place, line in enumerate(lines) if not place or lines[place - 1] != line]
    return lines[-count:]
