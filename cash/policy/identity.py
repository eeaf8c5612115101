"""Which program a command is, whatever it is called by."""

from __future__ import annotations

import os
import posixpath
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from cash.policy.glob import UNKNOWN, has_holes
from cash.policy.value import Value

# Programs that are many: the applet is argv[0] or the first argument.
_MULTICALL = frozenset(("busybox", "toybox", "coreutils", "uutils"))
_PROGRAM_FLAG = "--coreutils-prog="


@dataclass(frozen=True, slots=True)
class Identities:
    """The files behind program names, looked up once: name → (real path, (device, inode))."""

    files: Mapping[str, tuple[str, tuple[int, int]]] = field(default_factory=dict)
    names: Mapping[tuple[int, int], frozenset[str]] = field(default_factory=dict)


def find_identities(programs: Iterable[str], path: str) -> Identities:
    """programs: names that rules use. path: a PATH. A file with several names (a hard link, an
    alternative) keeps them all; multicall programs tell by their applet instead."""
    files: dict[str, tuple[str, tuple[int, int]]] = {}
    names: dict[tuple[int, int], set[str]] = {}
    for name in programs:
        found = _find(name, path)
        if found is None or posixpath.basename(found[0]) in _MULTICALL:
            continue
        files[name] = found
        names.setdefault(found[1], set()).update((name, posixpath.basename(found[0])))
    return Identities(files, {inode: frozenset(known) for inode, known in names.items()})


def _find(name: str, path: str) -> tuple[str, tuple[int, int]] | None:
    for folder in path.split(":"):
        candidate = f"{folder or '.'}/{name}"
        try:
            status = os.stat(candidate)
        except (OSError, ValueError):
            continue
        if status.st_mode & 0o111:
            return os.path.realpath(candidate), (status.st_dev, status.st_ino)
    return None


class Naming(NamedTuple):
    """name: what a program may be called by rules. skip: words of the argv before its own
    arguments (2 for `busybox rm`). sure: enough for an allow."""

    name: str
    skip: int = 1
    sure: bool = False


def namings_of(
    values: list[Value],
    program: str | None,
    resolved: str | None,
    inode: tuple[int, int] | None,
    identities: Identities,
) -> tuple[Naming, ...]:
    """All names under which rules know the command; the spelled one first."""
    spelled = values[0].text if values else program or ""
    base = program if program is not None else posixpath.basename(spelled)
    if has_holes(base) or not base or (has_holes(spelled) and "/" not in spelled):
        base = ""
    elif values and values[0].assumed:
        spelled = UNKNOWN  # `R=rm; $R x` is rm for who refuses it, nothing for who allows it
    if base and not resolved and inode is None and base not in _MULTICALL:
        return (Naming(base, 1, _is_sure(base, spelled, resolved, inode, identities)),)
    found: dict[str, Naming] = {}
    if base:
        sure = _is_sure(base, spelled, resolved, inode, identities)
        found[base] = Naming(base, sure=sure)
    real = posixpath.basename(resolved) if resolved else ""
    if real and real not in found:
        found[real] = Naming(real, sure=inode is None or inode not in identities.names)
    legitimate = identities.names.get(inode, frozenset()) if inode else frozenset()
    if base not in legitimate:
        for name in sorted(legitimate):  # the order shows: the first of them is the one rewritten
            found.setdefault(name, Naming(name))
    if base in _MULTICALL or real in _MULTICALL:
        _add_applet(found, values, base)
    return tuple(found.values())


def _is_sure(
    name: str,
    spelled: str,
    resolved: str | None,
    inode: tuple[int, int] | None,
    identities: Identities,
) -> bool:
    known = identities.files.get(name)
    if resolved is None:
        # Before it runs only the spelling is there; the exec itself is judged again.
        if spelled == UNKNOWN:
            return False
        return "/" not in spelled or (known is not None and known[0] == spelled)
    if known is None:
        return posixpath.basename(resolved) == name
    return resolved == known[0] and inode == known[1]


def _add_applet(found: dict[str, Naming], values: list[Value], base: str) -> None:
    if base not in _MULTICALL:
        return
    for place, value in enumerate(values[1:], start=1):
        text = value.text
        if text.startswith(_PROGRAM_FLAG):
            name = posixpath.basename(text[len(_PROGRAM_FLAG) :])
        elif text.startswith("-"):
            continue
        else:
            name = posixpath.basename(text)
        found.setdefault(name, Naming(name, skip=place + 1, sure=False))
        return
