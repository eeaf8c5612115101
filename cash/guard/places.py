"""From words to paths of a repository: what a person or an agent names from where it stands."""

from __future__ import annotations

import errno
import os
import posixpath
import stat
from collections.abc import Sequence

from cash.faults import UsageFault
from cash.guard.pattern import Pattern, Unreadable, of_path, read_pattern
from cash.walls import syscalls

_EXAMPLE = "for example: polis reserve 'src/**' '!src/generated/**'"
_RESOLVE = syscalls.RESOLVE_BENEATH | syscalls.RESOLVE_NO_MAGICLINKS


def place_globs(words: Sequence[str], cwd: str, tree: str) -> Pattern:
    """Globs as typed in the directory `cwd` of a tree (both absolute), `!` before what is taken
    out. UsageFault in one line."""
    if not words:
        raise UsageFault("there is no glob", hint=_EXAMPLE)
    sources = []
    for word in words:
        sign = "!" if word.startswith("!") else ""
        sources.append(sign + _place(word.removeprefix("!"), cwd, tree))
    try:
        return read_pattern(tuple(sources))
    except Unreadable as fault:
        said = " ".join(words)
        raise UsageFault(f"{said!r} cannot be reserved: {fault}", hint=_EXAMPLE) from fault


def place_path(word: str, cwd: str, tree: str) -> str:
    """One file, relative to the tree's root. UsageFault in one line."""
    place = _place(word, cwd, tree)
    try:
        of_path(place)
    except Unreadable as fault:
        raise UsageFault(f"{word!r} cannot be locked: {fault}") from fault
    return place


def real_place(place: str, tree: str) -> str:
    """The file that a path relative to the tree leads to, through links within it; a file that is
    yet to be made has the folder it will be in. UsageFault for what can be no file of the tree."""
    try:
        top = os.open(tree, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as fault:
        raise UsageFault(f"{tree} is not there: {fault.strerror}") from fault
    try:
        found, is_folder = _follow(top, place)
    finally:
        os.close(top)
    if is_folder:
        raise UsageFault(
            f"{place!r} is a folder, and a lock is on a file", hint=f"polis reserve '{place}/**'"
        )
    return found


def _follow(top: int, place: str) -> tuple[str, bool]:
    try:
        return _look(top, place)
    except OSError as fault:
        match fault.errno:
            case errno.ENOENT | errno.ENOTDIR:
                pass
            case errno.ELOOP:
                raise UsageFault(f"{place!r} is a link that leads round in a circle") from fault
            case errno.EXDEV:
                raise UsageFault(f"{place!r} leads out of the tree") from fault
            case _:
                raise UsageFault(f"{place!r} cannot be locked: {fault.strerror}") from fault
    folder, _, name = place.rpartition("/")
    if not folder:
        return name, False
    above, _ = _follow(top, folder)
    return f"{above}/{name}" if above != "." else name, False


def _look(top: int, place: str) -> tuple[str, bool]:
    """What is there, and whether it is a folder. OSError."""
    descriptor = syscalls.openat2(top, place, os.O_PATH | os.O_CLOEXEC, _RESOLVE)
    try:
        is_folder = stat.S_ISDIR(os.fstat(descriptor).st_mode)
        whole = os.readlink(f"/proc/self/fd/{descriptor}")
        return os.path.relpath(whole, os.readlink(f"/proc/self/fd/{top}")), is_folder
    finally:
        os.close(descriptor)


def _place(word: str, cwd: str, tree: str) -> str:
    if not word or "\0" in word:
        raise UsageFault(f"{word!r} names no path", hint=f"a path below {tree}")
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
        raise UsageFault(f"{word!r} is git's own, which no claim is on", hint=_EXAMPLE)
    return inner + end
