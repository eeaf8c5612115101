"""What agent CLIs put around a line before they hand it to a shell.

A frame is recognised by its structure: every part of it must be one of the frame's own, and one
of them holds the line. Names and paths that change from call to call are matched by form.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from cash.syntax.codex_frame import MARK, find_run
from cash.syntax.command import Command, Redirect, Word


@dataclass(frozen=True, slots=True)
class Framed:
    """frame: whose it is. entry: the line inside. start: its byte offset in the text, where it
    stands there as written, else None. runs: the shell that is started with the line, its argv;
    () when that is the one that reads the frame."""

    frame: str
    entry: str
    start: int | None
    runs: tuple[str, ...] = ()


def looks_framed(text: str) -> bool:
    """Whether the text may be such a frame: it has a mark of one."""
    return _CLAUDES in text or any(mark in text for mark, _ in _FIXED)


def find_fixed_frame(text: str) -> Framed | None:
    """The frame around the line where all of it is fixed text: told without reading it."""
    for mark, find in _FIXED:
        if mark in text and (framed := find(text)) is not None:
            return framed
    return None


def find_frame(text: str, commands: Sequence[Command]) -> Framed | None:
    """The frame around the line, given the commands of the whole text, which was understood."""
    return _claude(commands) if _CLAUDES in text else None


# ------------------------------------------------------------------ Claude Code

_CLAUDES = "shell-snapshots/"
_SNAPSHOT = re.compile(r"/[^\s]*/\.claude/shell-snapshots/snapshot-[\w.-]+\.sh")
_CWD_FILE = re.compile(r"/[^\s]*claude-[\w.-]+-cwd")
_SET_UP = (
    re.compile(r"true"),
    re.compile(r"shopt -u [\w ]+"),
    re.compile(r"setopt [\w ]+"),
    re.compile(r"builtin unalias -- \w+"),
    re.compile(r"builtin unset -f -- \w+"),
)


def _claude(commands: Sequence[Command]) -> Framed | None:
    """Claude Code writes the line into an eval:

    source ~/.claude/shell-snapshots/snapshot-bash-….sh 2>/dev/null || true
      && shopt -u extglob 2>/dev/null || true
      && { \\builtin unalias -- 'x'; \\builtin unset -f -- 'x'; } >/dev/null 2>&1 || true
      && eval '<line>' < /dev/null && pwd -P >| /tmp/claude-…-cwd
    """
    line: Word | None = None
    ends = False
    for command in commands:
        words = _literal(command)
        if words is None or command.assignments or command.inside:
            return None
        said = " ".join(words)
        if words[:1] == ["eval"] and line is None and _quiet(command.redirects):
            if words[2:] not in ([], ["<", "/dev/null"]) or len(words) < 2:
                return None
            line = command.argv[1]
        elif said == "pwd -P" and line is not None and not ends:
            ends = len(command.redirects) == 1 and command.redirects[0].operator == ">|"
            if not (ends and _CWD_FILE.fullmatch(command.redirects[0].target.text)):
                return None
        elif line is not None or not _quiet(command.redirects):
            return None
        elif words[:1] in (["source"], ["."]):
            if len(words) != 2 or not _SNAPSHOT.fullmatch(words[1]):
                return None
        elif words and not any(form.fullmatch(said) for form in _SET_UP):
            return None
    return _framed("claude", line) if line is not None and ends else None


# ------------------------------------------------------------------ Codex


def _codex(text: str) -> Framed | None:
    run = find_run(text)
    if run is None:
        return None
    start = None if run.start is None else _offset(text, run.start)
    return Framed("codex", run.argv[2], start, run.argv)


# ------------------------------------------------------------------ Gemini CLI

# The line stands there unquoted. Whatever it holds, what is judged is the text between: a line
# that closes the bracket itself is no whole line, and so trouble.
_GEMINI = re.compile(
    r"(?:shopt -u [a-z ]+; ?)?_bgpids_file=/[\w./+-]*gemini-shell-[\w-]+/[\w.-]+\n\(\n"
    r"[ \t]*trap 'jobs -p > \"\$_bgpids_file\"' EXIT\n"
    r"(?P<line>.*)\n\)\n__code=\$\?\nexit \$__code\n?",
    re.DOTALL,
)


def _gemini(text: str) -> Framed | None:
    """Gemini CLI puts the line, unquoted, into a subshell:

    shopt -u promptvars nullglob extglob nocaseglob dotglob; _bgpids_file=/tmp/gemini-shell-…/…
    (
      trap 'jobs -p > "$_bgpids_file"' EXIT
    <line>
    )
    __code=$?
    exit $__code
    """
    found = _GEMINI.fullmatch(text)
    if found is None:
        return None
    return Framed("gemini", found["line"], _offset(text, found.start("line")))


_FIXED: tuple[tuple[str, Callable[[str], Framed | None]], ...] = (
    (MARK, _codex),
    ("gemini-shell-", _gemini),
)


def _offset(text: str, position: int) -> int:
    return len(text[:position].encode("utf-8", "surrogateescape"))


def _framed(frame: str, word: Word) -> Framed | None:
    entry = word.text
    plain = f"'{entry}'" == word.source
    return Framed(frame, entry, word.span[0] + 1 if word.span and plain else None)


def _literal(command: Command) -> list[str] | None:
    words = command.argv
    return [word.text for word in words] if all(word.literal for word in words) else None


def _quiet(redirects: Sequence[Redirect]) -> bool:
    """To or from /dev/null, or one descriptor onto another."""
    return all(
        one.target.text == "/dev/null" or (one.operator == ">&" and one.target.text.isdigit())
        for one in redirects
    )
