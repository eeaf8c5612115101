"""Follows every command to what it starts, until nothing new is found."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from cash.syntax.command import Assignment, Command, Expansion, Word
from cash.syntax.feeds import SOMETHING, input_of, process_output
from cash.syntax.launch import Launch, Listens, Reads, Starts
from cash.syntax.launches import launches_of
from cash.syntax.nested import restored, text_of
from cash.syntax.reading import Place, embedded_at, pipelines_of

# Wrappers and texts inside each other, and texts in one line.
_DEEPEST = 20
_MOST_TEXTS = 64
_MOST_LISTENERS = 300
_MOST_COMMANDS = 20_000

# Reads a nested text: its commands, and why it cannot be understood.
ReadText = Callable[[str], tuple[Sequence[Command], str | None]]


class Unwrapped(NamedTuple):
    """commands: those given, then those found. trouble: of a text among them."""

    commands: tuple[Command, ...]
    trouble: str | None = None


def unwrap(commands: Sequence[Command], read: ReadText) -> Unwrapped:
    """All commands, with those that others launch."""
    walk = _Unwrapping(commands, read)
    walk.run()
    return Unwrapped(tuple(walk.commands), walk.trouble)


class _Unwrapping:
    def __init__(self, commands: Sequence[Command], read: ReadText) -> None:
        self.commands = list(commands)
        self.read = read
        self.depths = [0] * len(self.commands)
        self.texts = 0
        self.listened = 0
        self.trouble: str | None = None

    def run(self) -> None:
        index = 0
        while index < len(self.commands):
            for launch in launches_of(self.commands[index]):
                self.follow(index, launch)
            index += 1

    def follow(self, index: int, launch: Launch) -> None:
        if self.depths[index] >= _DEEPEST or len(self.commands) > _MOST_COMMANDS:
            self.trouble = self.trouble or "too many wrappers inside each other"
            return
        match launch:
            case Starts():
                self.start(index, launch)
            case Reads():
                self.text(index, launch)
            case Listens():
                self.listen(index, launch)

    def start(self, index: int, launch: Starts) -> None:
        wrapper = self.commands[index]
        argv = launch.argv
        remote = launch.remote or wrapper.remote
        self.add(index, argv, launch.label, launch.assignments, remote, _span(wrapper, argv))

    def add(
        self,
        index: int,
        argv: tuple[Word, ...],
        label: str,
        assignments: tuple[Assignment, ...] = (),
        remote: str | None = None,
        span: tuple[int, int] | None = None,
    ) -> None:
        wrapper = self.commands[index]
        inside = (*wrapper.inside, label)
        self.commands.append(
            Command(argv, assignments, (), span, inside, index, wrapper.pipe, remote)
        )
        self.depths.append(self.depths[index] + 1)

    def text(self, index: int, launch: Reads) -> None:
        text, unknown = text_of(launch.parts)
        remote = launch.remote or self.commands[index].remote
        if not text.strip():
            return
        if self.texts >= _MOST_TEXTS:
            self.trouble = self.trouble or "too many texts inside each other"
            return
        self.texts += 1
        found, trouble = self.read(text)
        if trouble is not None and not launch.foreign:
            self.trouble = self.trouble or f"in {launch.label}: {trouble}"
        commands = restored(found, unknown, launch.arguments)
        wrapper = self.commands[index]
        place = Place((*wrapper.inside, launch.label), index, wrapper.pipe)
        embedded = embedded_at(commands, place, len(self.commands), pipelines_of(self.commands))
        self.commands.extend(
            command if remote is None else _moved(command, remote) for command in embedded
        )
        self.depths.extend([self.depths[index] + 1] * len(embedded))
        if launch.foreign or (not launch.quotes and any(map(_can_be_more, unknown))):
            self.unknown(index, launch.parts, launch.label, remote)

    def unknown(
        self, index: int, parts: Sequence[str | Expansion], label: str, remote: str | None
    ) -> None:
        """A command that only running will tell: its name is not literal."""
        source = "".join(part if isinstance(part, str) else part.text for part in parts)
        if all(isinstance(part, str) for part in parts):
            parts = (Expansion("unknown", source),)
        word = Word(tuple(parts), source)
        for command in self.commands:
            if command.within == index and command.argv and command.argv[0].parts == word.parts:
                return
        self.add(index, (word,), label, (), remote)

    def listen(self, index: int, launch: Listens) -> None:
        self.listened += 1
        if self.texts >= _MOST_TEXTS or self.listened > _MOST_LISTENERS:
            self.trouble = self.trouble or "too many shells in one line"
            return
        if launch.source is not None:
            parts = process_output(self.commands, index, launch.source)
        else:
            known = input_of(self.commands, index)
            if known is None:
                return
            parts = known
        if parts == SOMETHING:
            remote = launch.remote or self.commands[index].remote
            self.unknown(index, parts, f"{launch.label} input", remote)
            return
        label = f"{launch.label} input"
        self.text(index, Reads(parts, label, (), launch.remote, launch.foreign))


def _span(wrapper: Command, argv: tuple[Word, ...]) -> tuple[int, int] | None:
    """Where the wrapped command stands, if its words are the wrapper's last ones as written."""
    if not argv or wrapper.argv[len(wrapper.argv) - len(argv) :] != argv:
        return None
    first, last = argv[0].span, argv[-1].span
    return None if first is None or last is None else (first[0], last[1])


def _can_be_more(part: Expansion) -> bool:
    """Whether the value could hold commands that nobody sees: a number could not."""
    return part.kind != "arithmetic"


def _moved(command: Command, remote: str) -> Command:
    return Command(
        command.argv, command.assignments, command.redirects, command.span, command.inside,
        command.within, command.pipe, command.remote or remote,
    )  # fmt: skip
