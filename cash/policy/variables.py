"""What a line itself says about its variables: `D=/; rm -rf $D` is no secret."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from cash.policy.glob import UNKNOWN
from cash.policy.value import Variables, value_of
from cash.syntax.command import Command, Word

_LONGEST = 1024
_DECLARING = frozenset(("export", "declare", "typeset", "local", "readonly"))
_MOVING = frozenset(("cd", "pushd", "popd"))
_SETTING = frozenset(("read", "mapfile", "readarray", "printf", "getopts", "unset"))
_SPEAKING = _DECLARING | _MOVING | _SETTING


def variables_of(commands: Sequence[Command], known: Mapping[str, str]) -> Variables:
    """name → value (with holes). A name set twice to different values is not known."""
    found: dict[str, str | None] = dict(known)
    for command in commands:
        program = command.name
        if not command.assignments and program not in _SPEAKING:
            continue
        for name, word, append in _assignments(command, program):
            text = UNKNOWN if word is None or append else value_of(word, found).text
            if len(text) > _LONGEST:  # `b=$a$a; c=$b$b; …` doubles each time
                text = UNKNOWN
            if name in found and found[name] != text:
                found[name] = None
            else:
                found[name] = text
        if program in _MOVING:
            found["PWD"] = None
    return found


def _assignments(command: Command, name: str | None) -> list[tuple[str, Word | None, bool]]:
    found: list[tuple[str, Word | None, bool]] = [
        (one.name, one.value, one.append) for one in command.assignments
    ]
    if name in _DECLARING:
        for word in command.argv[1:]:
            first = word.parts[0] if word.parts else ""
            if isinstance(first, str) and "=" in first:
                key, _, rest = first.partition("=")
                parts = (rest, *word.parts[1:]) if rest or len(word.parts) == 1 else word.parts[1:]
                found.append((key.removesuffix("+"), Word(parts, word.source), key[-1:] == "+"))
    elif name in _SETTING:
        found += [(word.text, None, False) for word in command.argv[1:] if word.literal]
    return found
