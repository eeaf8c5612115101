"""From a text to a Line: the readers, their union, what wrappers launch, what frames hold."""

from __future__ import annotations

import atexit
import os
import shlex
import threading
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from cash.syntax.command import Command, Line
from cash.syntax.complaint import bash_complaint
from cash.syntax.frames import Framed, find_fixed_frame, find_frame
from cash.syntax.incomplete import ends_too_early
from cash.syntax.nested import moved
from cash.syntax.readers import READERS, Entry, Reader
from cash.syntax.reading import Reading
from cash.syntax.spelling import spell
from cash.syntax.union import add_findings, unite
from cash.syntax.unwrap import unwrap
from cash.syntax.word import hides_nothing, literal_word
from cash.syntax.wrappers import SHELLS

LONGEST = 64 * 1024  # bytes
LONGEST_FRAMED = 2 * LONGEST  # what Linux takes as one argument (MAX_ARG_STRLEN)
SLOWEST = 0.9  # seconds; whoever waits for the parser process gives up after one


class _Text(NamedTuple):
    """One text as the readers understood it, before anything is unwrapped."""

    commands: tuple[Command, ...]
    trouble: str | None = None
    incomplete: bool = False
    findings: tuple[tuple[str, str], ...] = ()
    broken: bool = False  # none of those that decide, and more than one, can read it


class LineReader:
    """Reads lines. Not for two threads at once."""

    def __init__(self, readers: Sequence[Entry] = READERS) -> None:
        self._entries = readers
        self._readers: list[tuple[Entry, Reader]] = []
        self._nested: list[tuple[Entry, Reader]] = []

    def prepare(self) -> None:
        """Gets all readers ready for the next line."""
        for _, reader in self._for(entry=True):
            reader.prepare()

    def close(self) -> None:
        """Ends what the readers started."""
        for _, reader in self._readers or self._nested:
            reader.close()
        self._readers, self._nested = [], []

    def _for(self, *, entry: bool) -> list[tuple[Entry, Reader]]:
        """The readers of such texts, opened at their first one: who reads nested texts only, as
        whoever tries a policy's examples, needs no shfmt waiting."""
        if not self._nested:
            self._nested = _opened([one for one in self._entries if one.nested])
        if entry and not self._readers:
            known = {one.name: reader for one, reader in self._nested}
            others = dict(_opened([one for one in self._entries if not one.nested]))
            found = [(one, known.get(one.name) or others.get(one)) for one in self._entries]
            self._readers = [(one, reader) for one, reader in found if reader is not None]
        return self._readers if entry else self._nested

    def read(self, text: str, *, entry: bool = True) -> Line:
        """See cash.syntax.read."""
        trouble = _refusal(text, LONGEST_FRAMED)
        if trouble is not None:
            return Line(text, trouble=trouble, entry=text)
        deadline = time.monotonic() + SLOWEST
        inner, framed = self._unframed(text, entry, deadline)
        commands, trouble, _, _ = self._unwrap(inner, entry, deadline)
        asked = framed.entry if framed else text
        broken = _complaint(asked, deadline) if inner.broken else ""
        frame = framed.frame if framed else None
        commands = _with_its_shell(commands, framed, 0) if framed else commands
        findings = dict(inner.findings)
        return Line(text, commands, trouble, inner.incomplete, frame, asked, findings, broken)

    def read_argv(self, argv: Sequence[str], *, entry: bool = True) -> Line:
        """See cash.syntax.read_argv."""
        trouble = _refusal("".join(argv), LONGEST_FRAMED)
        if trouble is not None or not argv:
            text = shlex.join(argv)
            return Line(text, trouble=trouble or "no command", entry=text)
        line = spell(argv)
        text, inner = line.text, _Text(line.commands)
        deadline = time.monotonic() + SLOWEST
        commands, trouble, framed, broken = self._unwrap(inner, entry, deadline)
        asked = framed.entry if framed else _text_of(argv)
        why = _complaint(asked, deadline) if asked in broken else ""
        frame = framed.frame if framed else None
        commands = _with_its_shell(commands, framed, 1) if framed else commands
        return Line(text, commands, trouble, frame=frame, entry=asked or text, broken=why)

    def _unframed(self, text: str, entry: bool, deadline: float) -> tuple[_Text, Framed | None]:
        """The text as understood, or the line in the frame it is."""
        framed = find_fixed_frame(text)
        if framed is None:
            outer = self._text(text, entry, deadline)
            framed = find_frame(text, outer.commands) if outer.trouble is None else None
            if framed is None:
                return outer, None
        inner = self._text(framed.entry, entry, deadline)
        return inner._replace(commands=_moved(inner.commands, framed)), framed

    def _unwrap(
        self, inner: _Text, entry: bool, deadline: float
    ) -> tuple[tuple[Command, ...], str | None, Framed | None, set[str]]:
        frames: list[Framed] = []
        broken: set[str] = set()

        def read(text: str) -> tuple[Sequence[Command], str | None]:
            nested, framed = self._unframed(text, entry, deadline)
            if framed is not None:
                frames.append(framed)
            if nested.broken:
                broken.add(framed.entry if framed else text)
            return nested.commands, nested.trouble

        try:
            whole = unwrap(inner.commands, read)
        except RecursionError:
            return inner.commands, inner.trouble or "nested too deeply", None, set()
        found = frames[0] if frames else None
        return whole.commands, inner.trouble or whole.trouble, found, broken

    def _text(self, text: str, entry: bool, deadline: float) -> _Text:
        """One text by the readers it is for."""
        trouble = _refusal(text, LONGEST)
        if trouble is not None:
            return _Text((), trouble)
        if time.monotonic() > deadline:
            return _Text((), "it took too long")
        source = text.encode("utf-8", "surrogateescape")
        readings: list[tuple[Entry, Reading]] = []
        for kind, reader in self._for(entry=entry):
            if kind.decides or not hides_nothing(source):
                reading = reader.read(source, deadline)
                readings.append((kind, reading))
                if reading.too_deep:
                    break
        return _judged(source, readings)


def _judged(source: bytes, readings: Sequence[tuple[Entry, Reading]]) -> _Text:
    if len(readings) == 1 and readings[0][1].failure is None:
        # A nested text without mistakes: nothing to compare.
        kind, reading = readings[0]
        incomplete = ends_too_early(source, [reading])
        trouble = "it is not finished" if incomplete else None
        return _Text(reading.commands, trouble, incomplete, ((kind.name, "ok"),))
    deciding = [(kind, reading) for kind, reading in readings if kind.decides]
    # The last that decides is the one that knows the most, so its places are taken.
    commands = deciding[-1][1].commands
    alone: tuple[Command, ...] = ()
    for _, reading in deciding[:-1]:
        commands, alone = unite(commands, reading.commands)
    trouble = next(
        (f"{kind.name}: {reading.failure}" for kind, reading in deciding[::-1] if reading.failure),
        "the readers disagree" if alone else None,
    )
    for kind, reading in readings:
        if not kind.decides:
            commands = add_findings(commands, reading.commands)
    incomplete = ends_too_early(source, [reading for _, reading in deciding])
    if incomplete and trouble is None:
        trouble = "it is not finished"
    findings = tuple((kind.name, reading.failure or "ok") for kind, reading in readings)
    broken = len(deciding) > 1 and all(reading.failure for _, reading in deciding)
    return _Text(commands, trouble, incomplete, findings, broken)


def _complaint(text: str, deadline: float) -> str:
    return bash_complaint(text.encode("utf-8", "surrogateescape"), deadline)


def _opened(entries: Sequence[Entry]) -> list[tuple[Entry, Reader]]:
    opened = [(entry, entry.open()) for entry in entries]
    return [(entry, reader) for entry, reader in opened if reader is not None]


def _moved(commands: tuple[Command, ...], framed: Framed) -> tuple[Command, ...]:
    """Positions in the framed text as positions in the whole."""
    return tuple([moved(command, framed.start) for command in commands])


def _with_its_shell(
    commands: tuple[Command, ...], framed: Framed, place: int
) -> tuple[Command, ...]:
    """With the shell that the frame starts the line with, put in at its place."""
    if not framed.runs:
        return commands
    behind = [
        one if one.within is None or one.within < place else replace(one, within=one.within + 1)
        for one in commands[place:]
    ]
    shell = Command(tuple([literal_word(word) for word in framed.runs]))
    return (*commands[:place], shell, *behind)


def _text_of(argv: Sequence[str]) -> str:
    """The text of a shell that is given one and nothing else; "" when it is no such command."""
    match argv:
        case [shell, "-c" | "-lc", text] if shell.rpartition("/")[2] in SHELLS:
            return text
        case _:
            return ""


def _refusal(text: str, longest: int) -> str | None:
    """Why a text is not even read: too long, or no text bash could be given."""
    if len(text) > longest:
        return f"longer than {longest // 1024} kB"
    if "\0" in text:
        return "it holds a NUL"
    if text.isascii():
        return None
    try:
        length = len(text.encode("utf-8", "surrogateescape"))
    except UnicodeEncodeError:
        return "it is no text"
    return f"longer than {longest // 1024} kB" if length > longest else None


class _Shared(threading.local):
    """One reader a thread and process: a fork must not share a waiting shfmt with its parent."""

    def __init__(self) -> None:
        self.reader: LineReader | None = None

    def forget(self) -> None:
        """The child of a fork has one thread, and makes a reader of its own."""
        self.reader = None


_shared = _Shared()
os.register_at_fork(after_in_child=_shared.forget)


def shared_reader() -> LineReader:
    """The reader behind cash.syntax.read."""
    if _shared.reader is None:
        _shared.reader = LineReader()
        atexit.register(_close, _shared.reader, os.getpid())
    return _shared.reader


def _close(reader: LineReader, pid: int) -> None:
    """At exit; a fork leaves its parent's processes alone."""
    if pid == os.getpid():
        reader.close()
