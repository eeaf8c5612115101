"""From words to paths of a repository: what a person or an agent names from where it stands."""

from __future__ import annotations

import posixpath
from collections.abc import Sequence

from cash.faults import UsageFault
from cash.guard.pattern import Pattern, Unreadable, of_path, read_pattern


def place_globs(words: Sequence[str], cwd: str, tree: str) -> Pattern:
    """Globs as typed in the directory `cwd` of a tree (both absolute), `!` before what is taken
    out. UsageFault in one line."""
    if not words:
        raise UsageFault("there is no glob", hint="polis reserve 'src/**'")
    sources = []
    for word in words:
        sign = "!" if word.startswith("!") else ""
        sources.append(sign + _place(word.removeprefix("!"), cwd, tree))
    try:
        return read_pattern(tuple(sources))
    except Unreadable as fault:
        raise UsageFault(f"{' '.join(words)!r} cannot be reserved: {fault}") from fault


def place_path(word: str, cwd: str, tree: str) -> str:
    """One file, relative to the tree's root. UsageFault in one line."""
    place = _place(word, cwd, tree)
    try:
        of_path(place)
    except Unreadable as fault:
        raise UsageFault(f"{word!r} cannot be locked: {fault}") from fault
    return place


def _place(word: str, cwd: str, tree: str) -> str:
    if not word or "\0" in word:
        raise UsageFault(f"{word!r} names no path")
    end = "/" if word.endswith("/") else ""
    whole = posixpath.normpath(posixpath.join(cwd, word))
    if whole == tree:
        return "**"
    if not whole.startswith(f"{tree}/"):
        raise UsageFault(
            f"{word!r} is outside of the repository's tree", hint=f"a path below {tree}"
        )
    inner = whole[len(tree) + 1 :]
    if inner == ".git" or inner.startswith(".git/"):
        raise UsageFault(f"{word!r} is git's own, which no claim is on")
    return inner + end
