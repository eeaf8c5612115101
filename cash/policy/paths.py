"""Paths as rules see them: absolute, normalised, with holes where bash decides at run time."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from cash.policy.certainty import MAYBE, NO, YES, Certainty
from cash.policy.glob import (
    ANY,
    HOLES,
    NAME,
    UNKNOWN,
    VISIBLE,
    Glob,
    Globs,
    compile_glob,
    covers,
    has_holes,
    make_glob,
    overlap,
    sort_globs,
)
from cash.policy.pattern import NAMES, PLACES, PatternError, check_names, split_alternatives

_SYSTEM = (
    *("/bin", "/boot", "/dev", "/etc", "/lib", "/lib32", "/lib64", "/libx32", "/opt", "/proc"),
    *("/run", "/sbin", "/srv", "/sys", "/usr", "/var"),
)
_HARMLESS = frozenset(
    (
        *("/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom", "/dev/tty"),
        *("/dev/stdin", "/dev/stdout", "/dev/stderr", "/dev/ptmx"),
    )
)
_SCRATCH = ("/tmp", "/var/tmp", "/dev/fd", "/dev/pts", "/dev/shm", "/proc/self/fd")
# Where homes and checkouts lie too: those of services, of build machines, of shared hosts.
_HOUSING = ("/opt/", "/run/", "/srv/", "/var/")
# What is the machine's there, whoever has a home around it.
_NEVER_HOUSED = (
    *("/run/dbus", "/run/systemd", "/run/udev", "/var/lib/apt", "/var/lib/docker"),
    *("/var/lib/dpkg", "/var/lib/systemd", "/var/spool/cron"),
)
_BELOW_SYSTEM = tuple(folder + "/" for folder in _SYSTEM)
_BELOW_SCRATCH = tuple(folder + "/" for folder in _SCRATCH)
_ALL_OF = ("/" + NAME, "/" + VISIBLE)
PATH_NAMES = (*NAMES, *PLACES)
# Other names of the same tree: every process has its root and its directory below /proc.
_DETOUR = re.compile(r"/+proc/+(?:self|thread-self|\d+)(?:/+task/+\d+)?/+(root|cwd)(?=/|$)")


class Ground(NamedTuple):
    """The folders that patterns name. tree, home: absolute."""

    tree: str
    home: str
    agent: str = ""
    branch: str = ""


# Compared by identity: patterns of a hundred globs are looked up for every command.
@dataclass(frozen=True, slots=True, eq=False)
class PathPattern:
    """Alternatives. places: classes such as `$outside`; globs: with names still in them."""

    places: tuple[str, ...] = ()
    globs: tuple[str, ...] = ()
    local: bool = False

    def bind(self, ground: Ground, cwd: str | None) -> BoundPaths:
        """The alternatives with names put in, sorted by how fast they are compared."""
        return _bind(self, ground, (cwd or "") if self.local else "")


def join_patterns(patterns: Iterable[PathPattern]) -> PathPattern:
    """What any of the patterns speaks of."""
    known = list(patterns)
    places = {place: None for one in known for place in one.places}
    globs = {glob: None for one in known for glob in one.globs}
    return PathPattern(tuple(places), tuple(globs), any(one.local for one in known))


@dataclass(frozen=True, slots=True)
class BoundPaths:
    """exact paths; folders with all below; names that fit at any depth; other globs; places."""

    exact: frozenset[str]
    folders: frozenset[str]
    below: tuple[str, ...]
    names: frozenset[str]
    globs: tuple[Glob, ...]
    sorted: Globs
    places: tuple[str, ...]
    ground: Ground

    def test(self, path: str, *, whole: bool = False) -> Certainty:
        """path: from locate. whole: a glob is YES only when all it may name is the pattern's,
        not already when some of it is."""
        return self.best((path,), whole=whole)

    def best(self, paths: Iterable[str], *, whole: bool = False, guess: bool = True) -> Certainty:
        """The surest of what `test` says of each. guess: a bare `*` may be taken for any name."""
        best = NO
        # Asked about every word of nearly every command: no call that is not needed.
        exact, folders, below, names = self.exact, self.folders, self.below, self.names
        fit = self.sorted.fit
        for path in paths:
            if not path.isascii() and has_holes(path):
                strictly = whole or (not guess and is_bare(path))
                here = self._test_whole(path) if strictly else self._test_glob(path)
                if here == YES:
                    return YES
                best = max(best, here)
                continue
            if path in exact or path in folders or path.startswith(below):
                return YES
            if names and path[path.rfind("/") + 1 :] in names:
                return YES
            if fit(path):
                return YES
            for place in self.places:
                best = max(best, _test_place(path, place, self.ground))
        return best

    def _test_glob(self, path: str) -> Certainty:
        # `dir/*` is all of dir: what happens to it happens to the folder.
        if path[-2:] in _ALL_OF and self.test(path[:-2] or "/") == YES:
            return YES
        best = max((_test_place(path, place, self.ground) for place in self.places), default=NO)
        found = MAYBE if UNKNOWN in path else YES
        if best >= found:
            return best
        return found if any(overlap(path, tokens) for tokens in self._tokens()) else best

    def _test_whole(self, path: str) -> Certainty:
        if UNKNOWN not in path:
            if any(covers(tokens, path) for tokens in self._tokens()):
                return YES
            start = _known_start(path)
            if start and any(_holds_all(start, place, self.ground) for place in self.places):
                return YES
        return min(MAYBE, self._test_glob(path))

    def _tokens(self) -> Iterator[str]:
        yield from self.exact
        yield from self.folders
        yield from (folder + ANY for folder in self.below)
        yield from (ANY + "/" + name for name in self.names)
        yield from (glob.tokens for glob in self.globs)


def compile_paths(source: str | Sequence[str]) -> PathPattern:
    """source: path patterns, each with alternatives. Raises PatternError."""
    places: list[str] = []
    globs: list[str] = []
    for one in (source,) if isinstance(source, str) else source:
        for text in split_alternatives(one):
            if text.startswith("re:"):
                raise PatternError("a path pattern is a glob, not a regular expression")
            check_names(text, one, PATH_NAMES)
            name = text[1:].strip("{}") if text.startswith("$") else ""
            if name in PLACES and name not in ("tree", "home", "cwd"):
                places.append(name)
            else:
                home = text == "~" or text.startswith("~/")
                globs.append(compile_glob("$home" + text[1:] if home else text, star=NAME))
    local = any("$cwd" in glob or "${cwd}" in glob for glob in globs)
    return PathPattern(tuple(places), tuple(globs), local)


@lru_cache(maxsize=4096)
def _bind(pattern: PathPattern, ground: Ground, cwd: str) -> BoundPaths:
    exact: set[str] = set()
    folders: set[str] = set()
    names: set[str] = set()
    globs: list[str] = []
    for source in pattern.globs:
        glob = _put_names_in(source, ground, cwd)
        if glob.startswith("/"):
            glob = tidy(glob)
        if not has_holes(glob):
            _sort_in(glob, exact, names, globs)
        elif glob.endswith("/" + ANY) and not has_holes(glob[:-2]) and glob.startswith("/"):
            folders.add(glob[:-2] or "/")
        else:
            _add_glob(glob, globs)
    compiled = tuple([make_glob(glob) for glob in globs])
    return BoundPaths(
        exact=frozenset(exact),
        folders=frozenset(folders),
        below=tuple(folder.rstrip("/") + "/" for folder in folders),
        names=frozenset(names),
        globs=compiled,
        sorted=sort_globs(compiled),
        places=pattern.places,
        ground=ground,
    )


def _put_names_in(glob: str, ground: Ground, cwd: str) -> str:
    known = {"tree": ground.tree, "home": ground.home, "agent": ground.agent}
    for name, value in {**known, "branch": ground.branch, "cwd": cwd}.items():
        glob = glob.replace(f"${{{name}}}", value).replace(f"${name}", value)
    return glob


def _sort_in(glob: str, exact: set[str], names: set[str], globs: list[str]) -> None:
    if glob.startswith("/"):
        exact.add(glob)
    elif "/" not in glob:
        names.add(glob)
    else:
        _add_glob(glob, globs)


def _add_glob(glob: str, globs: list[str]) -> None:
    if not glob.startswith(("/", ANY)):
        glob = ANY + "/" + glob
    globs.append(glob)
    if glob.endswith("/" + ANY):
        globs.append(glob[:-2])


def tidy(path: str) -> str:
    """An absolute path without `.`, `..`, doubled slashes and detours through /proc/self."""
    if "/proc/" in path:
        path = _DETOUR.sub("", path)
    if not ("/." in path or "//" in path or path[-1:] == "/" or path[:1] != "/"):
        return path  # nothing to tidy, which is the usual case
    path = posixpath.normpath(path)
    return "/" + path.lstrip("/") if path.startswith("//") else path


def locate(text: str, cwd: str | None) -> str:
    """The absolute path of a word's value (which may have holes); unknown where the line is
    in a directory nobody knows."""
    if text[:1] == "/":
        return tidy(text)
    if text[:1] in (UNKNOWN, ANY):
        return text
    if cwd is None:
        return UNKNOWN + "/" + text
    return tidy(cwd + "/" + text)


def is_below(path: str, folder: str) -> bool:
    """Whether path is folder or in it."""
    return path == folder or folder == "/" or path.startswith(folder + "/")


def _test_place(path: str, place: str, ground: Ground) -> Certainty:
    if place == "unknown":
        return YES if path[:1] in (UNKNOWN, ANY) else NO
    start = _known_start(path)
    if start is None:
        return MAYBE
    certain = YES if UNKNOWN not in path else MAYBE
    match place:
        case "root":
            return _test_folders(path, ("/",))
        case "above":
            return _test_folders(path, _ancestors(ground))
        case "inside":
            return certain if is_below(start, ground.tree) else NO
        case "system":
            return certain if _is_system(path, start, ground) else NO
        case _:
            return certain if _is_outside(path, start, ground) else NO


def _holds_all(start: str, place: str, ground: Ground) -> bool:
    """Whether the folder start, with all below it, is of the place."""
    match place:
        case "inside":
            return is_below(start, ground.tree)
        case "system":
            is_own = _is_harmless(start) or _is_housed(start, ground)
            return not is_own and any(is_below(start, one) for one in _SYSTEM)
        case "outside":
            inside = is_below(start, ground.tree) or is_below(ground.tree, start)
            return not inside and not _is_harmless(start)
        case _:
            return False


def is_bare(path: str) -> bool:
    """Whether a name in path is a bare `*`."""
    return not path.isascii() and any(name in (NAME, VISIBLE) for name in path.split("/"))


def _known_start(path: str) -> str | None:
    """The part of path before its first hole, down to whole names; None when there is none."""
    if not has_holes(path):
        return path
    at = next(index for index, char in enumerate(path) if char in HOLES)
    return None if at == 0 else path[:at].rpartition("/")[0] or "/"


def _test_folders(path: str, folders: Sequence[str]) -> Certainty:
    if path in folders or (path[-2:] in _ALL_OF and (path[:-2] or "/") in folders):
        return YES
    if has_holes(path) and any(overlap(path, folder) for folder in folders):
        return MAYBE if UNKNOWN in path else YES
    return NO


@lru_cache(maxsize=256)
def _ancestors(ground: Ground) -> tuple[str, ...]:
    found = {"/"}
    for folder in (ground.tree, ground.home):
        while folder != "/":
            folder = posixpath.dirname(folder)
            found.add(folder)
    return tuple(found)


def _is_harmless(path: str) -> bool:
    return path in _HARMLESS or path in _SCRATCH or path.startswith(_BELOW_SCRATCH)


def _is_housed(start: str, ground: Ground) -> bool:
    """Whether it is of the tree or the home, though these lie in a folder of the system."""
    if any(is_below(start, one) for one in _NEVER_HOUSED):
        return False
    homes = [one for one in (ground.tree, ground.home) if one.startswith(_HOUSING)]
    return any(is_below(start, home) for home in homes)


def _is_system(path: str, start: str, ground: Ground) -> bool:
    if _is_harmless(path) or (start.startswith(_HOUSING) and _is_housed(start, ground)):
        return False
    if start == "/" and start != path:
        return any(overlap(path, folder) for folder in _SYSTEM)
    return start in _SYSTEM or start.startswith(_BELOW_SYSTEM)


def _is_outside(path: str, start: str, ground: Ground) -> bool:
    if _is_harmless(path):
        # The tree may itself lie below /tmp; another agent's, too: only the walls know.
        return False
    return not is_below(start, ground.tree)
