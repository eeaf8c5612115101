"""What a command reads from its standard input, where the line itself says it."""

from __future__ import annotations

import re
from collections.abc import Sequence

from cash.syntax.command import Command, Expansion, Redirect
from cash.syntax.escapes import decode_echo
from cash.syntax.scan import close_of

Parts = tuple[str | Expansion, ...]
SOMETHING: Parts = (Expansion("unknown", "standard input"),)

_DETACHED = ("substitution", "process substitution", "heredoc", "herestring", "trap", "alias")
_BODY = re.compile(rb"\\([$`\\\n])|(`|\$[({\[])|\$([A-Za-z_][A-Za-z0-9_]*|[0-9@*#?$!-])", re.DOTALL)


def input_of(commands: Sequence[Command], index: int, depth: int = 0) -> Parts | None:
    """The text on the command's standard input: its parts, SOMETHING where a program makes it,
    None where it is a file, a terminal, or whatever the shell itself reads."""
    command = commands[index]
    for redirect in reversed(command.redirects):
        if redirect.fd in ("", "0") and redirect.operator in ("<", "<<", "<<-", "<<<", "<>", "<&"):
            return _redirected(commands, index, redirect)
    if command.pipe is not None and command.pipe[1] > 0:
        return _piped(commands, index, depth)
    if command.span is not None and (around := _around(commands, command)) is not None:
        return around
    if command.within is not None and depth < 10:
        above = commands[command.within]
        added = command.inside[len(above.inside) :]
        if not any(label.startswith(_DETACHED) for label in added):
            return input_of(commands, command.within, depth + 1)
    return None


def output_of(commands: Sequence[Command], index: int, depth: int = 0) -> Parts | None:
    """What the command prints, where it is a plain echo, printf or cat; None where it is not."""
    command = commands[index]
    name = (command.name or "").rpartition("/")[2]
    if any(redirect.operator in (">", ">>", ">|", "&>") and redirect.fd in ("", "1")
           for redirect in command.redirects) or depth > 10:  # fmt: skip
        return None
    match name:
        case "echo":
            return _echoed(command)
        case "printf":
            return _printed(command)
        case "cat" | "tee":
            if name == "tee" or all(word.text in ("-", "-u", "--") for word in command.argv[1:]):
                return input_of(commands, index, depth + 1)
        case _:
            pass
    return None


def process_output(commands: Sequence[Command], index: int, source: Expansion) -> Parts:
    """What the process substitution in the command's words prints."""
    label = (*commands[index].inside, "process substitution")
    inner = [
        at
        for at, command in enumerate(commands)
        if command.within == index and command.inside == label
    ]
    outputs = [output_of(commands, at) for at in inner]
    # Several commands there, or several substitutions: too much to tell which prints what.
    if len(outputs) == 1 and outputs[0] is not None:
        return outputs[0]
    return (Expansion("process", source.text),)


def _redirected(commands: Sequence[Command], index: int, redirect: Redirect) -> Parts | None:
    target = redirect.target
    match redirect.operator:
        case "<<" | "<<-":
            body = redirect.body or ""
            quoted = any(mark in target.source for mark in "\\'\"")
            return (body,) if quoted else expanded_parts(body)
        case "<<<":
            return target.parts
        case "<":
            process = target.parts[0]
            if isinstance(process, Expansion) and process.kind == "process":
                return process_output(commands, index, process)
        case _:
            pass
    return None


def _piped(commands: Sequence[Command], index: int, depth: int) -> Parts:
    number, place = commands[index].pipe or (0, 0)
    earlier = [
        (command.pipe[1], at)
        for at, command in enumerate(commands)
        if command.pipe is not None and command.pipe[0] == number and command.pipe[1] < place
    ]
    last = max((stage for stage, _ in earlier), default=None)
    feeders = [at for stage, at in earlier if stage == last and commands[at].argv]
    # A wrapper (`sudo echo x | sh`) and what it starts stand in the same stage.
    outputs = [output_of(commands, at, depth + 1) for at in feeders]
    known = [output for output in outputs if output is not None]
    if len(known) == 1 and (len(outputs) == 1 or commands[feeders[-1]].within in feeders):
        return known[0]
    if known and len(known) == len(outputs):
        return tuple(part for output in known for part in output)
    return SOMETHING


def _around(commands: Sequence[Command], command: Command) -> Parts | None:
    """The here-document of the innermost compound command around this one."""
    assert command.span is not None
    start, end = command.span
    best: tuple[int, int] | None = None
    for at, other in enumerate(commands):
        if other.argv or other.span is None or not other.redirects:
            continue
        if other.span[0] <= start and end <= other.span[1]:
            size = other.span[1] - other.span[0]
            if best is None or size < best[0]:
                best = (size, at)
    if best is None:
        return None
    for redirect in reversed(commands[best[1]].redirects):
        if redirect.fd in ("", "0") and redirect.operator in ("<<", "<<-", "<<<"):
            return _redirected(commands, best[1], redirect)
    return None


def expanded_parts(body: str) -> Parts:
    """A here-document's body whose delimiter is not quoted: text and expansions."""
    source = body.encode("utf-8", "surrogateescape")
    parts: list[str | Expansion] = []
    position = start = 0

    def text(upto: int) -> str:
        return source[position:upto].decode("utf-8", "surrogateescape")

    while found := _BODY.search(source, start):
        parts.append(text(found.start()))
        position = start = found.end()
        if found.group(1) is not None:
            parts.append("" if found.group(1) == b"\n" else found.group(1).decode())
        elif found.group(2) is not None:
            end = close_of(source, found.start()) or len(source)
            whole = source[found.start() : end].decode("utf-8", "surrogateescape")
            kind = found.group(2)
            parts.append(
                Expansion("parameter" if kind == b"${" else "command", whole, "")
                if kind != b"$["
                else Expansion("arithmetic", whole)
            )
            position = start = end
        else:
            parts.append(Expansion("parameter", found.group().decode(), found.group(3).decode()))
    parts.append(text(len(source)))
    return tuple(part for part in parts if part != "") or ("",)


def _echoed(command: Command) -> Parts:
    words = list(command.argv[1:])
    escapes = False
    while words and re.fullmatch(r"-[neE]+", words[0].text):
        escapes = "e" in words[0].text
        words = words[1:]
    parts: list[str | Expansion] = []
    for word in words:
        if parts:
            parts.append(" ")
        for part in word.parts:
            parts.append(decode_echo(part) if escapes and isinstance(part, str) else part)
    return tuple(parts) or ("",)


def _printed(command: Command) -> Parts | None:
    words = [word for word in command.argv[1:] if word.text != "--"]
    if not words or not words[0].literal:
        return None
    pieces = re.split(r"(%[sbdi%]|%q)", words[0].text)
    if any("%" in piece for piece in pieces[::2]):
        return None
    arguments = list(words[1:])
    parts: list[str | Expansion] = []
    takes = any(piece != "%%" for piece in pieces[1::2])
    while True:
        for place, piece in enumerate(pieces):
            if place % 2 == 0:
                parts.append(decode_echo(piece))
            elif piece == "%%":
                parts.append("%")
            elif arguments:
                value = arguments.pop(0).parts
                parts.extend(
                    decode_echo(part) if piece == "%b" and isinstance(part, str) else part
                    for part in value
                )
        if not arguments or not takes:
            return tuple(part for part in parts if part != "") or ("",)
