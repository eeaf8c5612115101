"""What a rule can speak about: the closed union of an agent's actions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, NamedTuple, get_args

from cash.syntax.command import Command, Word

WriteKind = Literal["create", "overwrite", "append", "delete", "rename", "metadata"]
WRITE_KINDS: tuple[WriteKind, ...] = get_args(WriteKind)


# A tuple, since every command is one: a frozen dataclass takes twice as long to make.
class Exec(NamedTuple):
    """A program about to start. program: the last path component of argv[0], or None when the
    name is not known before running. resolved: the real path and (device, inode) where the
    caller looked it up, else None. cwd: absolute, or None when the line moved elsewhere."""

    command: Command
    program: str | None
    cwd: str | None
    resolved: str | None = None
    inode: tuple[int, int] | None = None
    surprise: bool = False


@dataclass(frozen=True, slots=True)
class Start:
    """How a line's first command really starts: judged where it does. program: its name; resolved,
    inode, surprise: see Exec."""

    program: str
    resolved: str | None = None
    inode: tuple[int, int] | None = None
    surprise: bool = False


@dataclass(frozen=True, slots=True)
class Write:
    """A file about to change. path: absolute and normalised if known, else as written. count: how
    many files the same command has changed in this way before; 0 where nobody counts."""

    path: Word
    kind: WriteKind
    command: Command | None = None
    cwd: str | None = None
    count: int = 0


@dataclass(frozen=True, slots=True)
class GitOp:
    """A git operation with what configures it (`-c`, GIT_CONFIG_*, effective refspecs). unclear:
    why it is not known what git will do, or ""."""

    operation: str
    args: tuple[Word, ...]
    flags: frozenset[str] = frozenset()
    remote: str | None = None
    refspecs: tuple[str, ...] = ()
    branches: tuple[str, ...] = ()
    config: Mapping[str, str] = field(default_factory=dict)
    command: Command | None = None
    unclear: str = ""


@dataclass(frozen=True, slots=True)
class Connect:
    """A connection to a host, as the proxy sees it (or as a line predicts it)."""

    host: str
    port: int
    command: Command | None = None


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A tool of an agent's own (Write, Edit, MCP) with its input."""

    tool: str
    arguments: Mapping[str, str]


Action = Exec | Write | GitOp | Connect | ToolCall
