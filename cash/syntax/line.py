"""From a text to a Line: the readers, their union, and what wrappers launch."""

from __future__ import annotations

import os
import shlex
import threading
import time
from collections.abc import Sequence

from cash.syntax.command import Command, Line
from cash.syntax.reading import Reading
from cash.syntax.readers import READERS, Entry, Reader
from cash.syntax.union import unite
from cash.syntax.word import literal_word

LONGEST = 64 * 1024  # bytes
SLOWEST = 0.9  # seconds; whoever waits for the parser process gives up after one


class LineReader:
    """Reads lines. Not for two threads at once."""

    def __init__(self) -> None:
        self._readers: list[tuple[Entry, Reader]] = []

    def prepare(self) -> None:
        """Opens the readers and gets them ready for the next line."""
        if not self._readers:
            opened = [(entry, entry.open()) for entry in READERS]
            self._readers = [(entry, reader) for entry, reader in opened if reader is not None]
        for _, reader in self._readers:
            reader.prepare()

    def close(self) -> None:
        """Ends what the readers started."""
        for _, reader in self._readers:
            reader.close()
        self._readers = []

    def read(self, text: str, *, entry: bool = True) -> Line:
        """See cash.syntax.read."""
        if not self._readers:
            self.prepare()
        trouble = refusal(text)
        if trouble is not None:
            return Line(text, trouble=trouble, entry=text)
        source = text.encode("utf-8", "surrogateescape")
        commands, findings, trouble, incomplete = self._texts(
            source, entry, time.monotonic() + SLOWEST
        )
        return Line(text, commands, trouble, incomplete, None, text, findings)

    def read_argv(self, argv: Sequence[str]) -> Line:
        """See cash.syntax.read_argv."""
        text = shlex.join(argv)
        command = Command(tuple(literal_word(word) for word in argv))
        return Line(text, (command,), entry=text)

    def _texts(
        self, source: bytes, entry: bool, deadline: float
    ) -> tuple[tuple[Command, ...], dict[str, str], str | None, bool]:
        readings: dict[str, Reading] = {}
        decisive: list[Reading] = []
        for kind, reader in self._readers:
            if not (entry or kind.nested):
                continue
            reading = reader.read(source, deadline)
            readings[kind.name] = reading
            if kind.decides:
                decisive.append(reading)
            if reading.failure == "nested too deeply":
                break
        findings = {name: reading.failure or "ok" for name, reading in readings.items()}
        commands, alone = (
            unite(decisive[1].commands, decisive[0].commands)
            if len(decisive) > 1
            else (decisive[0].commands, ())
        )
        trouble = None
        for name, reading in readings.items():
            if reading in decisive and reading.failure:
                trouble = f"{name}: {reading.failure}"
        if trouble is None and alone:
            trouble = "the readers disagree"
        incomplete = any(reading.incomplete for reading in decisive)
        return commands, findings, trouble, incomplete


def refusal(text: str) -> str | None:
    """Why a text is not even read: too long, or no text bash could be given."""
    if len(text) > LONGEST:
        return "longer than 64 kB"
    if "\0" in text:
        return "it holds a NUL"
    try:
        length = len(text.encode("utf-8", "surrogateescape"))
    except UnicodeEncodeError:
        return "it is no text"
    return "longer than 64 kB" if length > LONGEST else None


class _Shared(threading.local):
    """One reader a thread and process: a fork must not share a waiting shfmt with its parent."""

    def __init__(self) -> None:
        self.pid = 0
        self.reader = LineReader()


_shared = _Shared()


def shared_reader() -> LineReader:
    """The reader behind cash.syntax.read."""
    if _shared.pid != os.getpid():
        _shared.pid = os.getpid()
        _shared.reader = LineReader()
    return _shared.reader
