"""Lines as plain JSON, between the parser process and whoever asked.

What comes back is checked, not trusted: the parser reads what agents write, and one that was
subverted must not be able to do more than say something wrong in the right form.
"""

from __future__ import annotations

import json
from typing import Any, get_args

from cash.syntax.command import (
    Assignment,
    Command,
    Expansion,
    ExpansionKind,
    Line,
    Redirect,
    Word,
)

_KINDS = frozenset(get_args(ExpansionKind))


class CodingFault(ValueError):
    """The bytes are no Line."""


def encode_line(line: Line) -> bytes:
    """The line without its text, which the other side has."""
    commands = [_from_command(command) for command in line.commands]
    entry = None if line.entry == line.text else line.entry
    body = [commands, line.trouble, line.incomplete, line.frame, entry, dict(line.readers)]
    body.append(line.broken)
    return json.dumps(body, separators=(",", ":")).encode()


def decode_line(text: str, data: bytes) -> Line:
    """The line that encode_line wrote for this text. CodingFault."""
    try:
        commands, trouble, incomplete, frame, entry, readers, broken = json.loads(data)
        return Line(
            text,
            tuple([_to_command(command, len(commands)) for command in commands]),
            _optional(trouble),
            bool(incomplete),
            _optional(frame),
            text if entry is None else _string(entry),
            {_string(name): _string(state) for name, state in readers.items()},
            _string(broken),
        )
    except (ValueError, TypeError, AttributeError, RecursionError) as fault:
        raise CodingFault(str(fault)) from fault


def _from_command(command: Command) -> list[Any]:
    return [
        [_from_word(word) for word in command.argv],
        [[one.name, _from_word(one.value), one.append] for one in command.assignments],
        [[one.operator, _from_word(one.target), one.fd, one.body] for one in command.redirects],
        command.span,
        command.inside,
        command.within,
        command.pipe,
        command.remote,
    ]


def _from_word(word: Word) -> list[Any]:
    if word.parts == (word.source,):
        return [word.source, word.span]
    parts = [
        part if isinstance(part, str) else [part.kind, part.text, part.name] for part in word.parts
    ]
    return [word.source, word.span, parts]


def _to_command(data: list[Any], count: int) -> Command:
    argv, assignments, redirects, span, inside, within, pipe, remote = data
    if within is not None and not 0 <= _number(within) < count:
        raise ValueError("within")
    return Command(
        tuple([_to_word(word) for word in argv]),
        tuple([Assignment(_string(n), _to_word(v), bool(a)) for n, v, a in assignments]),
        tuple([Redirect(_string(o), _to_word(t), _string(f), _optional(b))
               for o, t, f, b in redirects]),
        _pair(span),
        tuple([_string(label) for label in inside]),
        within,
        _pair(pipe),
        _optional(remote),
    )  # fmt: skip


def _to_word(data: list[Any]) -> Word:
    source, span, *rest = data
    parts = (_string(source),) if not rest else tuple([_to_part(part) for part in rest[0]])
    return Word(parts, _string(source), _pair(span))


def _to_part(data: Any) -> str | Expansion:
    if isinstance(data, str):
        return data
    kind, text, name = data
    if kind not in _KINDS:
        raise ValueError("kind")
    return Expansion(kind, _string(text), _string(name))


def _string(value: Any) -> str:
    if type(value) is not str:
        raise TypeError("not a string")
    return value


def _optional(value: Any) -> str | None:
    return None if value is None else _string(value)


def _number(value: Any) -> int:
    if type(value) is not int:
        raise TypeError("not a number")
    return value


def _pair(value: Any) -> tuple[int, int] | None:
    if value is None:
        return None
    first, second = value
    return _number(first), _number(second)
