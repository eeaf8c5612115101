"""How the prompt looks: who, on which branch, how walled, where, and the last status."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass

from prompt_toolkit.formatted_text import StyleAndTextTuples

from cash.shell.question import printable

_LONGEST_PATH = 32
_BRANCH = re.compile(rb"ref: refs/heads/([^\s\x00-\x20\x7f]{1,200})\s*$")


@dataclass(slots=True)
class Appearance:
    """agent, branch (as made), mode, tree, home: fixed. directory, status: bash's last report."""

    agent: str
    branch: str
    mode: str
    tree: str
    home: str
    git_directory: str
    directory: str = "/"
    status: int = 0

    def describe(self) -> StyleAndTextTuples:
        """The prompt as prompt-toolkit draws it."""
        failed = f" [{self.status}]" if self.status else ""
        return [
            ("class:agent", self.agent),
            ("class:branch", f" {read_branch(self.git_directory) or self.branch}"),
            ("class:mode", f" {self.mode}"),
            ("", f" {shorten(self.directory, home=self.home, tree=self.tree)}"),
            ("class:failed", failed),
            ("", " $ "),
        ]


def shorten(directory: str, *, home: str, tree: str) -> str:
    """The directory with ~ for the home; what lies between the home and a workspace says
    nothing, so that it becomes an ellipsis when it is long."""
    shown = directory
    if is_below(directory, home):
        shown = "~" + directory[len(home) :]
    if len(shown) > _LONGEST_PATH and is_below(directory, tree):
        start = "~/" if shown.startswith("~") else "/"
        inner = directory[len(tree) :]
        shown = f"{start}…/{os.path.basename(tree)}{inner}"
    return printable(shown).replace("\n", "?")


def is_below(path: str, folder: str) -> bool:
    """Whether `path` is `folder` or lies in it."""
    folder = folder.rstrip("/")
    return path == folder or path.startswith(folder + "/")


def read_branch(git_directory: str) -> str:
    """The branch checked out inside, or "". The agent writes this file: no link is followed, no
    pipe waited for, and only what a branch can be called is shown."""
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    try:
        descriptor = os.open(os.path.join(git_directory, "HEAD"), flags)
        try:
            found = _BRANCH.match(os.read(descriptor, 300))
        finally:
            os.close(descriptor)
    except OSError:
        return ""
    return printable(found.group(1).decode(errors="replace")) if found else ""


def fresh_line(columns: int) -> bytes:
    """Moves to the start of a line whatever column output ended in: where it is not the first,
    a mark stands and the rest of the row is filled, so that the terminal wraps."""
    return b"\x1b[7m%\x1b[0m" + b" " * (columns - 1) + b"\r \r"
