"""What agent CLIs put around a line before they hand it to a shell.

A frame is recognised by its structure: every command in it must be one of the frame's own, and
one of them holds the line. Names and paths that change from call to call are matched by form.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from cash.syntax.command import Command, Expansion, Redirect, Word


@dataclass(frozen=True, slots=True)
class Framed:
    """frame: whose it is. entry: the line inside. start: its byte offset in the text, where it
    stands there as written, else None."""

    frame: str
    entry: str
    start: int | None


def find_frame(text: str, commands: Sequence[Command], understood: bool) -> Framed | None:
    """The frame around the line, given the commands read from the whole text, and whether that
    text was understood: without, only a frame that is fixed text can be told."""
    for mark, find in _FRAMES:
        if mark in text and (understood or find is _gemini):
            framed = find(text, commands)
            if framed is not None:
                return framed
    return None


# ------------------------------------------------------------------ Claude Code

_SNAPSHOT = re.compile(r"/[^\s]*/\.claude/shell-snapshots/snapshot-[\w.-]+\.sh")
_CWD_FILE = re.compile(r"/[^\s]*claude-[\w.-]+-cwd")
_SET_UP = (
    re.compile(r"true"),
    re.compile(r"shopt -u [\w ]+"),
    re.compile(r"setopt [\w ]+"),
    re.compile(r"builtin unalias -- \w+"),
    re.compile(r"builtin unset -f -- \w+"),
)


def _claude(_text: str, commands: Sequence[Command]) -> Framed | None:
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

_CODEX_SNAPSHOT = re.compile(r"/[^\s]*/shell_snapshots/[\w.-]+\.sh")
_CODEX_NAME = re.compile(r"__CODEX_SNAPSHOT_\w+")
_CODEX_SHELL = re.compile(r"/(?:[\w.-]+/)*(?:bash|zsh|sh)")


def _codex(_text: str, commands: Sequence[Command]) -> Framed | None:
    """Codex saves variables, sources a snapshot, puts them back and runs the line:

    __CODEX_SNAPSHOT_OVERRIDE_SET_0="${PATH+x}"
    __CODEX_SNAPSHOT_OVERRIDE_0="${PATH-}"
    …
    if . '….codex/shell_snapshots/….sh' >/dev/null 2>&1; then :; fi
    if [ -n "${__CODEX_SNAPSHOT_OVERRIDE_SET_0}" ]; then export PATH="…"; else unset PATH; fi
    …
    exec '/bin/bash' -c '<line>' ['argument'…]
    """
    if not commands or not all(_is_codex_set_up(command) for command in commands[:-1]):
        return None
    words = _literal(commands[-1])
    last = commands[-1]
    if words is None or last.inside or last.redirects or last.assignments or len(words) < 4:
        return None
    if words[0] != "exec" or not _CODEX_SHELL.fullmatch(words[1]) or words[2] not in ("-c", "-lc"):
        return None
    return _framed("codex", last.argv[3])


def _is_codex_set_up(command: Command) -> bool:
    if not _quiet(command.redirects):
        return False
    if not command.argv:
        return all(
            _CODEX_NAME.fullmatch(one.name) and _is_saved(one.value) for one in command.assignments
        )
    if command.assignments:
        return False
    match command.argv[0].text:
        case ":":
            return len(command.argv) == 1
        case ".":
            words = _literal(command)
            return words is not None and len(words) == 2 and bool(_is_snapshot(words[1]))
        case "[":
            return all(word.text in ("[", "]", "-n", "-z", "||") or _is_saved(word)
                       for word in command.argv)  # fmt: skip
        case "unset":
            return _literal(command) is not None and len(command.argv) == 2
        case "export":
            return len(command.argv) == 2 and _is_restored(command.argv[1])
        case _:
            return False


def _is_snapshot(path: str) -> bool:
    return _CODEX_SNAPSHOT.fullmatch(path) is not None


def _is_saved(word: Word) -> bool:
    """`${NAME+x}`, `${NAME-}`, `$NAME`: a variable's value, nothing that runs."""
    return all(
        isinstance(part, Expansion)
        and part.kind == "parameter"
        and re.fullmatch(r"\$\w+|\$\{\w+(?:\+x|-)?\}", part.text)
        for part in word.parts
    )


def _is_restored(word: Word) -> bool:
    """NAME="${__CODEX_SNAPSHOT_…}", also PATH=dir:$PATH."""
    lead = word.parts[0]
    return (
        isinstance(lead, str)
        and re.match(r"\w+=", lead) is not None
        and all(isinstance(part, str) or _is_saved(Word((part,), "")) for part in word.parts)
    )


# ------------------------------------------------------------------ Gemini CLI

# The line stands there unquoted. Whatever it holds, what is judged is the text between: a line
# that closes the bracket itself is no whole line, and so trouble.
_GEMINI = re.compile(
    r"(?:shopt -u [a-z ]+; ?)?_bgpids_file=/[\w./+-]*gemini-shell-[\w-]+/[\w.-]+\n\(\n"
    r"[ \t]*trap 'jobs -p > \"\$_bgpids_file\"' EXIT\n"
    r"(?P<line>.*)\n\)\n__code=\$\?\nexit \$__code\n?",
    re.DOTALL,
)


def _gemini(text: str, _commands: Sequence[Command]) -> Framed | None:
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
    start = len(text[: found.start("line")].encode("utf-8", "surrogateescape"))
    return Framed("gemini", found["line"], start)


_FRAMES: tuple[tuple[str, Callable[[str, Sequence[Command]], Framed | None]], ...] = (
    ("shell-snapshots/", _claude),
    ("shell_snapshots/", _codex),
    ("gemini-shell-", _gemini),
)


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
