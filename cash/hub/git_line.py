"""A git command line taken apart, as git 2.39 reads it: words in, values out."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

# Global options whose value may be the next word.
_VALUED: Final = frozenset(
    (
        *("-C", "-c", "--git-dir", "--work-tree", "--namespace", "--super-prefix"),
        *("--config-env", "--attr-source", "--shallow-file"),
    )
)
# They choose the repository, so a git that looks around is given them too.
_PLACING: Final = frozenset(("-C", "--git-dir", "--work-tree", "--bare"))
# They answer by themselves, whatever follows.
_ANSWERING: Final = frozenset(
    ("-v", "--version", "-h", "--help", "--html-path", "--man-path", "--info-path")
)
# A shorter prefix of a long option is ambiguous for every operation that has a lock.
_SHORTEST: Final = len("--xx")


@dataclass(frozen=True, slots=True)
class GitLine:
    """settings: its `-c`, by key. flags: other global options, by name. place: those of them that
    choose the repository, as words. operation: "" when there is none. words: what follows it."""

    settings: Mapping[str, str] = field(default_factory=dict)
    flags: frozenset[str] = frozenset()
    place: tuple[str, ...] = ()
    operation: str = ""
    words: tuple[str, ...] = ()


def split_line(words: Sequence[str]) -> GitLine:
    """words: everything behind `git`."""
    settings: dict[str, str] = {}
    flags: set[str] = set()
    place: list[str] = []
    index = 0
    while index < len(words) and words[index].startswith("-"):
        name, equals, value = words[index].partition("=")
        taken = [words[index]]
        if name in _ANSWERING:
            return GitLine(settings, frozenset(flags | {name}), tuple(place))
        if name in _VALUED and not equals:
            index += 1
            value = words[index] if index < len(words) else ""
            taken.append(value)
        if name == "-c":
            key, has_value, text = value.partition("=")
            settings[normal_key(key)] = text if has_value else "true"
        if name in _PLACING:
            place += taken
        flags.add(name)
        index += 1
    operation, *rest = words[index:] or [""]
    return GitLine(settings, frozenset(flags), tuple(place), operation, tuple(rest))


def normal_key(key: str) -> str:
    """As `git config --list` writes it: section and name in lower case, the subsection as it is."""
    section, dot, rest = key.partition(".")
    middle, inner, name = rest.rpartition(".")
    return f"{section.lower()}{dot}{middle}{inner}{name.lower()}"


def split_alias(text: str) -> list[str] | None:
    """The words an alias stands for; None for one git cannot read either."""
    try:
        return shlex.split(text)
    except ValueError:
        return None


@dataclass(frozen=True, slots=True)
class Options:
    """flags: options with their values, in order. words: what is no option. paths: what stands
    behind `--`, None without one."""

    flags: tuple[tuple[str, str | None], ...]
    words: tuple[str, ...]
    paths: tuple[str, ...] | None

    def has(self, *names: str) -> bool:
        """Whether one of them is given. An abbreviation counts, also one that may stand for
        something else: good for what raises a level."""
        return any(_may_be(flag, name) for flag, _ in self.flags for name in names)

    def says(self, *names: str) -> bool:
        """Whether one of them is given in full: for what lowers a level."""
        return any(flag in names for flag, _ in self.flags)

    def value(self, *names: str) -> str | None:
        """The last value given to one of them."""
        found = [value for flag, value in self.flags for name in names if _may_be(flag, name)]
        return found[-1] if found else None


def read_options(words: Sequence[str], valued: str = "") -> Options:
    """valued: the options whose value is the next word, separated by spaces."""
    takes = frozenset(valued.split())
    flags: list[tuple[str, str | None]] = []
    plain: list[str] = []
    rest = list(words)
    while rest:
        word = rest.pop(0)
        if word == "--":
            return Options(tuple(flags), tuple(plain), tuple(rest))
        if word == "--end-of-options":
            return Options(tuple(flags), (*plain, *rest), None)
        if word.startswith("--"):
            flags.append(_read_long(word, rest, takes))
        elif word.startswith("-") and word != "-":
            flags += _read_short(word, rest, takes)
        else:
            plain.append(word)
    return Options(tuple(flags), tuple(plain), None)


def _read_long(word: str, rest: list[str], takes: frozenset[str]) -> tuple[str, str | None]:
    name, equals, value = word.partition("=")
    if equals:
        return name, value
    wants = name in takes or [one for one in takes if _may_be(name, one)]
    return name, rest.pop(0) if wants and rest else None


def _read_short(word: str, rest: list[str], takes: frozenset[str]) -> list[tuple[str, str | None]]:
    """`-fqb NAME`: each letter is an option; the first with a value takes all that follows."""
    found: list[tuple[str, str | None]] = []
    for place, letter in enumerate(word[1:], 2):
        name = f"-{letter}"
        if name in takes:
            value = word[place:] or (rest.pop(0) if rest else None)
            return [*found, (name, value)]
        found.append((name, None))
    return found


def _may_be(given: str, name: str) -> bool:
    if given == name:
        return True
    return name.startswith("--") and len(given) >= _SHORTEST and name.startswith(given)
