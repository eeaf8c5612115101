"""The patterns of rules: words, globs, alternatives, and bounded regular expressions."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from cash.policy.certainty import MAYBE, NO, YES, Certainty
from cash.policy.glob import (
    ANY,
    Glob,
    Globs,
    compile_glob,
    has_holes,
    make_glob,
    overlap,
    sort_globs,
)

_LONGEST_REGEX = 512
_LARGEST_PROGRAM = 1 << 20


class PatternError(Exception):
    """A pattern that means nothing. at: offset of the mistake in the pattern's text."""

    def __init__(self, message: str, at: int = 0) -> None:
        super().__init__(message)
        self.message = message
        self.at = at


class Searcher(Protocol):
    """A compiled regular expression, as far as it is needed."""

    @property
    def pattern(self) -> str:
        """What it was compiled from."""

    def search(self, text: bytes) -> object | None:
        """A match, or None. text: UTF-8."""


@dataclass(frozen=True, slots=True)
class Pattern:
    """Alternatives: exact words, globs, names that are put in when judging, and regexes."""

    exact: frozenset[str] = frozenset()
    globs: tuple[Glob, ...] = ()
    named: tuple[str, ...] = ()
    regexes: tuple[Searcher, ...] = ()
    _sorted: Globs | None = field(init=False, compare=False, repr=False, default=None)

    def __post_init__(self) -> None:
        if self.globs:
            object.__setattr__(self, "_sorted", sort_globs(self.globs))

    def bind(self, names: Mapping[str, str]) -> Pattern:
        """The pattern with `$agent` and `$branch` put in, as plain text."""
        if not self.named:
            return self
        filled = [_fill(text, names) for text in self.named]
        return Pattern(
            self.exact | {text for text in filled if not has_holes(text)},
            (*self.globs, *(make_glob(text) for text in filled if has_holes(text))),
            (),
            self.regexes,
        )

    def test(self, text: str) -> Certainty:
        """text: a value, which may have holes (cash.policy.glob)."""
        if text in self.exact:
            return YES
        if not text.isascii() and has_holes(text):
            return self._test_glob(text)
        if self._sorted is not None and self._sorted.fit(text):
            return YES
        if self.regexes:
            # RE2 reads UTF-8; bytes that are none (lone surrogates here) become "?".
            source = text.encode("utf-8", "replace")
            for regex in self.regexes:
                if regex.search(source) is not None:
                    return YES
        return NO

    def _test_glob(self, text: str) -> Certainty:
        if any(glob.covers(text) for glob in self.globs):
            return YES
        if self.regexes or any(overlap(text, glob.tokens) for glob in self.globs):
            return MAYBE
        return MAYBE if any(overlap(text, word) for word in self.exact) else NO


def compile_pattern(
    source: str | Sequence[str],
    sets: Mapping[str, Sequence[str]],
    *,
    names: Sequence[str] = (),
) -> Pattern:
    """source: one pattern or several alternatives. sets: what `$name` stands for. names: the
    other names it may have, which are put in when judging."""
    exact: set[str] = set()
    globs: list[Glob] = []
    named: list[str] = []
    regexes: list[Searcher] = []
    for text in expand(source, sets, names):
        if text.startswith("re:"):
            regexes.append(compile_regex(text[3:], offset=3))
            continue
        glob = compile_glob(text, star=ANY)
        if "$" in glob:
            named.append(glob)
        elif has_holes(glob):
            globs.append(make_glob(glob))
        else:
            exact.add(glob)
    return Pattern(frozenset(exact), tuple(globs), tuple(named), tuple(regexes))


def expand(
    source: str | Sequence[str], sets: Mapping[str, Sequence[str]], names: Sequence[str] = ()
) -> tuple[str, ...]:
    """The alternatives of source, sets replaced by their members. Raises PatternError."""
    if not isinstance(source, str):
        return tuple(text for one in source for text in expand(one, sets, names))
    if source.startswith("re:"):
        return (source,)
    found: list[str] = []
    for text in split_alternatives(source):
        if text.startswith("$") and (name := text[1:].strip("{}")) in sets:
            found.extend(expand(sets[name], sets, names))
        else:
            check_names(text, source, names)
            found.append(text)
    return tuple(found)


NAMES = ("agent", "branch")
PLACES = ("tree", "home", "cwd", "root", "above", "system", "outside", "inside", "unknown")


def check_names(text: str, source: str, names: Sequence[str]) -> None:
    """Every `$name` must be known: a typing error must not become a rule that never speaks."""
    for name, _ in names_in(text):
        if name not in names:
            at = max(source.find("$" + name), source.find("${" + name), 0)
            if name in NAMES or name in PLACES:
                raise PatternError(f"${name} cannot stand here", at)
            raise PatternError(f"unknown name ${name}", at)


def names_in(text: str) -> list[tuple[str, int]]:
    """The names behind `$` in text, with their offsets."""
    found: list[tuple[str, int]] = []
    index = text.find("$")
    while index >= 0:
        name, _ = _name_at(text, index)
        if name:
            found.append((name, index))
        index = text.find("$", index + 1)
    return found


def split_alternatives(source: str) -> list[str]:
    """source cut at its unescaped `|`; an empty alternative is an error."""
    found = [""]
    index = 0
    while index < len(source):
        char = source[index]
        if char == "|":
            if not found[-1]:
                raise PatternError("an empty alternative", index)
            found.append("")
        elif char == "\\" and index + 1 < len(source):
            index += 1
            found[-1] += char + source[index]
        else:
            found[-1] += char
        index += 1
    if not found[-1] and len(found) > 1:
        raise PatternError("an empty alternative", len(source))
    return found


def compile_regex(source: str, *, offset: int = 0) -> Searcher:
    """An RE2 program: its time is linear in the text, whatever the expression."""
    if len(source) > _LONGEST_REGEX:
        raise PatternError(f"a regular expression of {len(source)} characters (at most 512)")
    import re2  # 12 MB, and most policies have no regex: a keeper then never loads it

    try:
        return _compile(source)
    except re2.error as error:
        message = _text_of(error)
        at = source.find(message.rpartition(": ")[2]) if ": " in message else 0
        raise PatternError(f"bad regular expression: {message}", max(at, 0) + offset) from None


def _compile(source: str, parts: int = 1) -> Searcher:
    """parts: how many expressions it was made of."""
    import re2

    options = re2.Options()
    options.max_mem = _LARGEST_PROGRAM * parts
    options.log_errors = False
    options.never_capture = True  # nobody asks what matched; looking for groups takes longer
    compiled: Searcher = re2.compile(source, options)
    return compiled


def join_patterns(patterns: Sequence[Pattern]) -> Pattern:
    """What any of the patterns fits, its regular expressions looked for in one go."""
    regexes = tuple([regex for one in patterns for regex in one.regexes])
    if len(regexes) > 1:
        regexes = (_compile("|".join(f"(?:{one.pattern})" for one in regexes), len(regexes)),)
    return Pattern(
        frozenset().union(*[one.exact for one in patterns]),
        tuple([glob for one in patterns for glob in one.globs]),
        tuple([text for one in patterns for text in one.named]),
        regexes,
    )


def _text_of(error: Exception) -> str:
    first = error.args[0] if error.args else "cannot be compiled"
    return first.decode(errors="replace") if isinstance(first, bytes) else str(first)


def _fill(glob: str, names: Mapping[str, str]) -> str:
    return _replace_names(glob, lambda name: names.get(name))


def _replace_names(text: str, value: Callable[[str], str | None]) -> str:
    out: list[str] = []
    index = 0
    while index < len(text):
        if text[index] == "$":
            name, end = _name_at(text, index)
            known = value(name) if name else None
            if known is not None:
                # An agent's own name or branch must never act as a glob.
                out.append("".join(c if not has_holes(c) else "\ufffd" for c in known))
                index = end
                continue
        out.append(text[index])
        index += 1
    return "".join(out)


def _name_at(text: str, index: int) -> tuple[str, int]:
    """The name behind the `$` at index and where it ends; ("", index) when there is none."""
    braced = text.startswith("{", index + 1)
    start = index + 2 if braced else index + 1
    end = start
    while end < len(text) and (text[end].isalnum() or text[end] == "_"):
        end += 1
    if end == start or (braced and not text.startswith("}", end)):
        return "", index
    return text[start:end], end + 1 if braced else end
