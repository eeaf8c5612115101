"""What a manifest is made of, as values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Purpose = Literal["interactive", "headless", "prompt", "resumed", "resumed-headless"]
# Without a terminal, to the end of one task.
HEADLESS: frozenset[str] = frozenset({"headless", "resumed-headless"})
# What an account is: an API key, a login of the program's own, or nothing.
Sort = Literal["", "key", "login"]
PURPOSES: tuple[Purpose, ...] = (
    *("interactive", "headless", "prompt", "resumed", "resumed-headless"),
)


@dataclass(frozen=True, slots=True)
class Version:
    """How a program tells its version. words: after the program. pattern: its first group is the
    version. least: the oldest that polis can drive, () for any. help: words that show its help.
    package: the npm package whose package.json says the version; nothing is run then."""

    words: tuple[str, ...] = ("--version",)
    pattern: str = r"(\d+(?:\.\d+)+)"
    least: tuple[int, ...] = ()
    help: tuple[str, ...] = ("--help",)
    package: str = ""


@dataclass(frozen=True, slots=True)
class Capability:
    """Something a program can do in some of its versions. help: text that its help holds when it
    can; least: the first version that can. note: what is missed when it cannot, one line."""

    help: str = ""
    least: tuple[int, ...] = ()
    note: str = ""


@dataclass(frozen=True, slots=True)
class Words:
    """Words of a command line, kept or left out together. They may hold {prompt}, {model},
    {resume}, {session}, {tree} and {home}; a group with one that is empty is left out, and so is
    one whose needed capability is missing, or whose `unless` is not empty."""

    words: tuple[str, ...]
    needs: str = ""
    unless: str = ""


@dataclass(frozen=True, slots=True)
class Start:
    """How it is started for one purpose. input: the prompt goes to its standard input, never
    into its argv (where Linux takes 128 kB a word). output: how it tells what it does there, for
    example claude-stream-json; "" for plain text."""

    groups: tuple[Words, ...] = ()
    input: bool = False
    output: str = ""


@dataclass(frozen=True, slots=True)
class Settled:
    """A file of the agent's HOME that must hold something before the program starts. path:
    relative. value: a JSON mapping that is put into what is there, key by key, or a whole text;
    strings and keys may hold {tree}, {home} and {key_tail}. account: only where the agent has an
    account of that sort."""

    path: str
    value: Any
    needs: str = ""
    account: Sort = ""


@dataclass(frozen=True, slots=True)
class Hooks:
    """Its own hook protocol. protocol: the name that `polis hook NAME` speaks, which knows what is
    installed where. events: its event → the state it tells, for example Stop: idle."""

    protocol: str
    events: Mapping[str, str] = field(default_factory=dict)
    needs: str = ""


@dataclass(frozen=True, slots=True)
class Shell:
    """How it names its shell. tool: its tool for commands; key: where in the tool's input the
    line stands. argv: what it starts, the line comes last. frame: what it puts around the line
    (cash/syntax/frames.py), "" for nothing."""

    tool: str
    key: str
    argv: tuple[str, ...]
    frame: str = ""


@dataclass(frozen=True, slots=True)
class Sign:
    """Text on its screen (RE2) and what it tells."""

    pattern: str
    status: str
    reason: str


@dataclass(frozen=True, slots=True)
class Account:
    """How it logs in.

    login, logout: words after the program; None: it cannot. login_input: the login reads what it
    wants to know from standard input and needs no terminal. files: below HOME, credentials whole.
    parts: JSON file below HOME → the keys of it that are the account's. same: dotted keys of the
    first file that a renewed one must have unchanged. key: the environment variable of an API
    key. key_login: words that make it take a key from its standard input, for one that wants it
    in a file. asks: text on its screen (RE2) where it wants to be logged in first."""

    login: tuple[str, ...] | None = None
    login_input: bool = False
    logout: tuple[str, ...] | None = None
    files: tuple[str, ...] = ()
    parts: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    same: tuple[str, ...] = ()
    key: str = ""
    key_login: tuple[str, ...] | None = None
    asks: tuple[str, ...] = ()

    def way(self, provider: str) -> str:
        """The command that gives all agents of the provider an account."""
        return f"polis agents login {provider}" + (" --key" if self.login is None else "")
