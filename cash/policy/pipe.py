"""What one program prints, another runs: the same danger in every spelling."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from cash.policy.action import Exec
from cash.policy.certainty import NO, YES, Certainty, of
from cash.policy.matcher import Asking
from cash.policy.pattern import Pattern, compile_pattern
from cash.policy.programs import SETS
from cash.policy.subject import OUTPUTS, Scene, Subject
from cash.syntax.command import Command, Expansion, Word

_SHELLS = frozenset(SETS["shell"])
_INTERPRETERS = compile_pattern("$interpreter", SETS)
_EVALUATORS = frozenset(("eval", "source", "."))
_STDIN = frozenset(("-", "/dev/stdin", "/dev/fd/0", "/proc/self/fd/0"))
_PROGRAM_FLAGS = frozenset(("-c", "-e", "-E", "-m", "-p", "-r", "--eval", "--print", "-x"))
_OUTPUT_FLAGS = ("-o", "--output", "-O", "--output-document")
_DETACHED = ("substitution", "process substitution")


@dataclass(frozen=True, slots=True)
class Pipe:
    """`pipe: {from: $fetcher, into: $interpreter}`; the rule speaks of the command that runs."""

    kinds: ClassVar[frozenset[str]] = frozenset(("exec",))
    source: Pattern
    into: Pattern

    def test(self, subject: Subject, _asking: Asking) -> Certainty:
        """YES when something of `source` feeds this command its program."""
        scene = subject.scene
        action = subject.action
        if len(scene.execs) < 2 or not isinstance(action, Exec):
            return NO
        sources = self._sources(scene)
        if not sources:
            return NO
        flow = Flow(scene, sources)
        index = scene.places[id(action)]
        if self._is_named(self.into, subject):
            return of(flow.is_fed(index, subject))
        return of(flow.is_file_run(subject)) if "bash" in self.into.exact else NO

    def _sources(self, scene: Scene) -> list[int]:
        """The places of the commands that `source` names, found once a line."""
        known = scene.sources.get(id(self.source))
        if known is None:
            source = self.source
            named = [at for name, at in scene.programs if source.test(name) == YES]
            known = scene.sources[id(source)] = sorted(set(named)) if named else []
        return known

    @staticmethod
    def _is_named(pattern: Pattern, subject: Subject) -> bool:
        return any(pattern.test(naming.name) == YES for naming in subject.namings)


@dataclass(frozen=True, slots=True)
class Flow:
    """Which commands of a line a set of sources reaches. sources: indices of execs."""

    scene: Scene
    sources: list[int]

    def is_fed(self, index: int, subject: Subject) -> bool:
        """Whether the command at index gets what a source prints: an interpreter as its program,
        any other program as input or in its words."""
        command = self._command(index)
        if not is_interpreter(subject):
            return self._is_piped(index) or (
                self._is_around(index) and any(_is_computed(word) for word in _all_words(command))
            )
        program = list(_program_words(subject))
        if self._is_around(index) and any(_is_computed(word) for word in program):
            return True
        names = {name for word in program for name in _variables_in(word)}
        if names and not names.isdisjoint(self._tainted()):
            return True
        if self._is_piped(index) and reads_program_from_input(subject):
            return True
        return self.is_file_run(subject)

    def is_file_run(self, subject: Subject) -> bool:
        """Whether the command runs a file that a source wrote earlier on the line."""
        files = {path for index in self.sources for path in self._outputs(index)}
        return bool(files) and not files.isdisjoint(_scripts(subject))

    def _command(self, index: int) -> Command:
        return self.scene.execs[index].command

    def _ancestors(self, index: int) -> Iterator[int]:
        """The command at index and what launches it."""
        seen = 0
        place: int | None = index
        while place is not None and 0 <= place < len(self.scene.execs) and seen < 100:
            yield place
            place = self._command(place).within
            seen += 1

    def _is_around(self, index: int) -> bool:
        """Whether a source stands in a substitution in this command's words."""
        launchers = set(self._ancestors(index))
        return any(
            place != source and place in launchers
            for source in self.sources
            for place in self._ancestors(source)
            if source not in launchers
        )

    def _is_piped(self, index: int) -> bool:
        """Whether a source, or a command with one in its words, is earlier in a pipeline whose
        input reaches the command at index."""
        for place in self._input_chain(index):
            pipe = self._command(place).pipe
            if pipe is None or pipe[1] == 0:
                continue
            for source in self.sources:
                for one in self._ancestors(source):
                    other = self._command(one).pipe
                    if other is not None and other[0] == pipe[0] and other[1] < pipe[1]:
                        return True
        return False

    def _input_chain(self, index: int) -> Iterator[int]:
        """The command and the wrappers whose standard input it inherits."""
        for place in self._ancestors(index):
            yield place
            command = self._command(place)
            if command.within is None:
                return
            outer = self._command(command.within).inside
            added = command.inside[len(outer) :]
            if any(one.startswith(_DETACHED) for one in added):
                return

    def _tainted(self) -> set[str]:
        """Variables set from what a source prints."""
        found: set[str] = set()
        for source in self.sources:
            for place in self._ancestors(source):
                command = self._command(place)
                found.update(one.name for one in command.assignments if _is_computed(one.value))
                for word in command.argv[1:]:
                    first = word.parts[0] if word.parts else ""
                    if isinstance(first, str) and "=" in first and _is_computed(word):
                        found.add(first.partition("=")[0])
        return found

    def _outputs(self, index: int) -> Iterator[str]:
        subject = self.scene.subject(self.scene.execs[index])
        naming = next(iter(subject.namings), None)
        arguments = subject.arguments(naming, {})
        names = frozenset(_OUTPUT_FLAGS)
        for flag in arguments.flags:
            if flag.name in names and flag.value is not None and flag.value.text not in _STDIN:
                yield subject.path_of(flag.value).text
        for value in subject.redirected(OUTPUTS):
            yield value.text
        if any(flag.name in ("-O", "--remote-name") for flag in arguments.flags):
            for value, _ in arguments.positionals:
                yield subject.path_of(value, value.text.rfind("/") + 1).text


def can_feed(command: Command) -> bool:
    """Whether what the command prints may reach another one: in a pipe, a substitution, a file or
    a variable. `export A=1` on its own cannot."""
    if command.pipe or command.within is not None or command.inside or command.redirects:
        return True
    if command.assignments:
        return True
    # Flags may name a file to write; what is not known yet may be one.
    return any([not word.literal or word.text.startswith("-") for word in command.argv[1:]])


def is_interpreter(subject: Subject) -> bool:
    """Whether the program runs texts that it is given."""
    return any(_INTERPRETERS.test(naming.name) == YES for naming in subject.namings)


def _all_words(command: Command) -> Iterator[Word]:
    yield from command.argv
    yield from (redirect.target for redirect in command.redirects)


def reads_program_from_input(subject: Subject) -> bool:
    """Whether the command runs its standard input, rather than reading it as data."""
    naming = next(iter(subject.namings), None)
    if naming is None:
        return False
    name = naming.name
    arguments = subject.arguments(naming, {})
    command = subject.command
    if name in _SHELLS and command is not None and {"xargs", "parallel"} & set(command.inside):
        return True
    words = [value.text for value, _ in arguments.positionals]
    if name in _EVALUATORS:
        return bool(words) and words[0] in _STDIN
    given = {flag.name for flag in arguments.flags}
    if name in _SHELLS and "-s" in given:
        return True
    if given & (_PROGRAM_FLAGS if name not in _SHELLS else {"-c"}):
        return False
    return not words or words[0] in _STDIN


def _program_words(subject: Subject) -> Iterator[Word]:
    """The words that hold, or name, what the interpreter runs."""
    command = subject.command
    naming = next(iter(subject.namings), None)
    if command is None or naming is None:
        return
    arguments = subject.arguments(naming, {})
    if naming.name in _EVALUATORS:
        yield from command.argv[1:]
    else:
        inline = False
        for flag in arguments.flags:
            if flag.name in _PROGRAM_FLAGS:
                inline = True
                if flag.value is not None:
                    yield flag.value.word
        if arguments.positionals:
            yield arguments.positionals[0][0].word
        elif inline and command.argv:
            yield command.argv[-1]
    for redirect in command.redirects:
        if redirect.operator in ("<", "<<<"):
            yield redirect.target
        elif redirect.body is not None and ("$(" in redirect.body or "`" in redirect.body):
            yield Word((Expansion("command", redirect.body),), redirect.body)


def _is_computed(word: Word) -> bool:
    return any(
        isinstance(part, Expansion) and part.kind in ("command", "process", "unknown")
        for part in word.parts
    )


def _variables_in(word: Word) -> Iterator[str]:
    for part in word.parts:
        if isinstance(part, Expansion) and part.kind == "parameter":
            yield part.name or part.text.strip("${}")


def _scripts(subject: Subject) -> set[str]:
    """Files the command runs: its own path, or an interpreter's first argument."""
    found: set[str] = set()
    values = subject.values
    if values and "/" in values[0].text:
        found.add(subject.path_of(values[0]).text)
    naming = next(iter(subject.namings), None)
    if naming is not None and is_interpreter(subject):
        arguments = subject.arguments(naming, {})
        found.update(subject.path_of(value).text for value, _ in arguments.positionals[:1])
        found.update(one.text for one in subject.redirected(frozenset(("<",))))
    return found
