"""What one reader found in a text, and how readers gather it while they walk their trees."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple, TypeVar

from cash.syntax.command import Assignment, Command, Redirect, Word

# Nested constructs and substitutions; a line that goes deeper is asked about.
DEEPEST = 100

_SUBSTITUTIONS = frozenset({"substitution", "process substitution"})

Node = TypeVar("Node")


class TooDeep(Exception):
    """More than DEEPEST constructs inside each other."""


class Reading(NamedTuple):
    """commands: in the order of the text, a command before those its words hold.
    failure: why the reader could not read the text, else None; what it found is kept.
    incomplete: it failed because the text ends too early. too_deep: no other need try."""

    commands: tuple[Command, ...] = ()
    failure: str | None = None
    incomplete: bool = False
    too_deep: bool = False


# A tuple, since it is made for every construct: see Word.
class Place(NamedTuple):
    """Where in the line a command stands: see Command for inside, within and pipe."""

    inside: tuple[str, ...] = ()
    within: int | None = None
    pipe: tuple[int, int] | None = None
    depth: int = 0

    def deeper(self, label: str | None = None) -> Place:
        """One construct further in."""
        if self.depth >= DEEPEST:
            raise TooDeep
        inside = self.inside if label is None else (*self.inside, label)
        return Place(inside, self.within, self.pipe, self.depth + 1)

    def substitution(self, label: str = "substitution") -> Place:
        """Inside a substitution: what runs there is in nobody's pipeline."""
        if self.depth >= DEEPEST:
            raise TooDeep
        return Place((*self.inside, label), self.within, None, self.depth + 1)

    def of(self, index: int) -> Place:
        """For what stands in the words of the command with this index."""
        return Place(self.inside, index, self.pipe, self.depth)


class Collector:
    """Gathers commands while a reader walks."""

    def __init__(self) -> None:
        self.commands: list[Command] = []
        self._highest: list[int] = []  # by pipeline: the last place given out

    def add(
        self,
        place: Place,
        argv: tuple[Word, ...],
        assignments: tuple[Assignment, ...],
        redirects: tuple[Redirect, ...],
        span: tuple[int, int] | None,
    ) -> int:
        """Adds one command; returns its index."""
        command = Command(
            argv, assignments, redirects, span, place.inside, place.within, place.pipe
        )
        self.commands.append(command)
        return len(self.commands) - 1

    def stages(self, place: Place, members: Iterable[Node]) -> Iterator[tuple[Node, Place]]:
        """Each member of a pipeline with its place. A pipeline inside a member of another one
        shares its number, so that data always flows from lower to higher places."""
        if place.pipe is None:
            number, stage = len(self._highest), 0
            self._highest.append(0)
        else:
            number, stage = place.pipe
        here = place.deeper("pipeline")
        for member in members:
            self._highest[number] = max(self._highest[number], stage)
            yield member, Place(here.inside, here.within, (number, stage), here.depth)
            stage = self._highest[number] + 1

    def embed(self, commands: Sequence[Command], place: Place) -> None:
        """Adds what another reading found in a text that stands at this place."""
        base = len(self.commands)
        pipelines = len(self._highest)
        embedded = embedded_at(commands, place, base, pipelines)
        self._highest.extend(0 for _ in range(pipelines_of(commands)))
        self.commands.extend(embedded)


def pipelines_of(commands: Sequence[Command]) -> int:
    """How many pipeline numbers the commands use."""
    return 1 + max((command.pipe[0] for command in commands if command.pipe), default=-1)


def embedded_at(
    commands: Sequence[Command], place: Place, base: int, pipelines: int
) -> list[Command]:
    """The commands of a nested text as they are seen from the line around it: base is the index
    the first one gets, pipelines how many pipeline numbers are taken."""
    embedded = []
    for command in commands:
        within = place.within if command.within is None else base + command.within
        pipe = command.pipe
        detached = not _SUBSTITUTIONS.isdisjoint(command.inside)
        if not detached and place.pipe is not None:
            number, stage = place.pipe
            pipe = (number, stage + (pipe[1] if pipe else 0))
        elif pipe is not None:
            pipe = (pipelines + pipe[0], pipe[1])
        inside = (*place.inside, *command.inside)
        embedded.append(replace(command, inside=inside, within=within, pipe=pipe))
    return embedded
