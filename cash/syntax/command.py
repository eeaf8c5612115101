"""What a bash line says: the closed, immutable values every later stage reads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

ExpansionKind = Literal[
    "parameter", "command", "arithmetic", "process", "tilde", "glob", "brace", "unknown"
]


@dataclass(frozen=True, slots=True)
class Expansion:
    """A part of a word that bash decides when it runs.

    text: the source, `$HOME`, `~bob`, `*`, `$(…)`. name: the parameter or the user, else "".
    """

    kind: ExpansionKind
    text: str
    name: str = ""


# A tuple, since a line makes dozens: a frozen dataclass takes twice as long to make.
class Word(NamedTuple):
    """One argument. parts: literal text (quotes removed) and expansions, in order.

    span: byte offsets into the line's UTF-8 text when the word stands there itself, else None
    (it came from inside a quoted `bash -c` text, or from a split).
    """

    parts: tuple[str | Expansion, ...]
    source: str
    span: tuple[int, int] | None = None

    @property
    def literal(self) -> bool:
        """Whether the value is known before running."""
        parts = self.parts
        if len(parts) == 1:  # asked so often that a generator would be felt
            return isinstance(parts[0], str)
        return all(isinstance(part, str) for part in parts)

    @property
    def text(self) -> str:
        """The value if literal; otherwise the literal parts with expansions as written."""
        parts = self.parts
        if len(parts) == 1 and isinstance(parts[0], str):
            return parts[0]
        return "".join([part if isinstance(part, str) else part.text for part in parts])


@dataclass(frozen=True, slots=True)
class Assignment:
    """`NAME=value` before a command or alone; append for `+=`."""

    name: str
    value: Word
    append: bool = False


@dataclass(frozen=True, slots=True)
class Redirect:
    """operator: `<`, `>`, `>>`, `>|`, `<>`, `&>`, `&>>`, `<<<`, `<<`, `<<-`, `>&`, `<&`.

    target: the word behind it (for a here-doc its delimiter). body: a here-doc's text, else None.
    fd: the descriptor as written (`2`, `{fd}`), or "".
    """

    operator: str
    target: Word
    fd: str = ""
    body: str | None = None


@dataclass(frozen=True, slots=True)
class Command:
    """One simple command, wherever in the line it hides.

    argv: empty for a bare assignment or a bare redirect.
    span: byte offsets of the command in the line's text, or None when it does not stand there
    as written (inside a quoted `bash -c`, behind xargs, made by a split).
    inside: constructs and wrappers around it, outermost first, e.g. ("pipeline", "sudo"),
    ("substitution",), ("function f",), ("trap",), ("heredoc",), ("xargs",), ("bash -c",).
    within: index in Line.commands of the command whose words contain or launch it, else None.
    pipe: (number of the pipeline in the line, place in it), else None.
    remote: the host, when it runs elsewhere (ssh HOST cmd).
    """

    argv: tuple[Word, ...]
    assignments: tuple[Assignment, ...] = ()
    redirects: tuple[Redirect, ...] = ()
    span: tuple[int, int] | None = None
    inside: tuple[str, ...] = ()
    within: int | None = None
    pipe: tuple[int, int] | None = None
    remote: str | None = None

    @property
    def name(self) -> str | None:
        """The command name if literal, else None (a dynamic name, or no argv)."""
        if not self.argv:
            return None
        first = self.argv[0]
        parts = first.parts
        if len(parts) == 1:  # nearly always, and asked several times of every command
            return parts[0] if isinstance(parts[0], str) else None
        return first.text if first.literal else None


@dataclass(frozen=True, slots=True)
class Line:
    """A whole line as understood.

    trouble: why it cannot be understood (reader failed, readers disagree, too deep, too long,
    too slow), else None; such a line is asked about, never allowed.
    broken: what bash says of it, with the place, where it cannot read what was asked and no reader
    can: such a line can only be refused. "" else.
    incomplete: more input is needed (an open quote or here-doc); only an editor cares.
    frame: the agent CLI whose fixed frame was found around the text, else None.
    entry: what was really asked: the text inside the frame, or that of `bash -c TEXT` when it came
    as words, or the text itself.
    readers: reader name → "ok" or what went wrong; for `explain`.
    """

    text: str
    commands: tuple[Command, ...] = ()
    trouble: str | None = None
    incomplete: bool = False
    frame: str | None = None
    entry: str = ""
    readers: Mapping[str, str] = field(default_factory=dict)
    broken: str = ""
