"""How the file of a tree is named: by its path from the tree's top, in one spelling."""

from __future__ import annotations

import os
import posixpath
import re

from cash.faults import UsageFault

_LONGEST_NAME = 255
_LONGEST_PATH = 4096
_PASSING = re.compile(r"(?<=[^/])\.tmp(?:\.\d+)?\.[0-9a-f]{6,16}\Z")


def meant(path: str) -> str:
    """The file that is written under this name: many programs write it under a passing name beside
    it, NAME.tmp.PID.HEX, and rename that (Claude Code's Write tool, and polis' own)."""
    return _PASSING.sub("", path)


def name_in_tree(path: str, cwd: str, tree: str) -> str:
    """The path from the top of `tree`, of one that is meant from `cwd`; all links still in it.
    Bytes that are no UTF-8 are surrogates. UsageFault for what can be no file of the tree."""
    if not path:
        raise UsageFault("a file needs a name")
    if "\0" in path:
        raise UsageFault("a file's name cannot hold a NUL")
    if path.endswith(("/", "/.", "/..")) or path in (".", ".."):
        raise UsageFault(f"{shown(path)} is a folder", hint="name a file in it")
    whole = posixpath.normpath(posixpath.join(cwd, path))
    below = whole.removeprefix(tree.rstrip("/") + "/")
    if below == whole:
        raise UsageFault(
            f"{shown(path)} is outside the tree", hint=f"name a file below {shown(tree)}"
        )
    check_name(below)
    return below


def check_name(path: str) -> None:
    """UsageFault for a path from a tree's top that nobody writes by its name."""
    raw = os.fsencode(path)
    names = raw.split(b"/")
    if len(raw) >= _LONGEST_PATH or any(len(name) > _LONGEST_NAME for name in names):
        raise UsageFault(f"{shown(path)[:60]}… is too long a name")
    if b".git" in names:
        raise UsageFault(f"{shown(path)} is git's own", hint="use git for what git keeps")


def shown(path: str) -> str:
    """A path for people: on one line, whatever bytes it has."""
    return "".join(
        char if char.isprintable() else char.encode("unicode_escape").decode("ascii")
        for char in path
    )
