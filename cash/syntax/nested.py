"""Text inside a line that is read again, although parts of it are known only when it runs.

What is not known stands in the text as a parameter of a name nobody uses; in what was read, those
parameters become the original expansions again, also where quotes made them literal.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from cash.syntax.command import Assignment, Command, Expansion, Redirect, Word

_MARK = re.compile(r"\$\{__polis_(\d+)_\}")
_ARGUMENT = re.compile(r"\$\{?(\d+|[@*])\}?")
_WHOLE = re.compile(r'"?\$\{?[@*]\}?"?')
_PLAIN = re.compile(r"[^\s*?\[]+")


def text_of(parts: Sequence[str | Expansion]) -> tuple[str, list[Expansion]]:
    """The text to read, and what its marks stand for."""
    unknown: list[Expansion] = []
    pieces: list[str] = []
    for part in parts:
        if isinstance(part, str):
            pieces.append(part)
        else:
            pieces.append(f"${{__polis_{len(unknown)}_}}")
            unknown.append(part)
    return "".join(pieces), unknown


def restored(
    commands: Sequence[Command], unknown: Sequence[Expansion], arguments: Sequence[Word]
) -> list[Command]:
    """The commands as they stand in no place of the line, with marks and the shell's arguments
    ($0, $1, "$@") put back."""
    restorer = _Restorer(unknown, arguments)
    return [restorer.command(command) for command in commands]


def moved(command: Command, offset: int | None) -> Command:
    """The command with its positions counted from further back; None: it stands nowhere."""

    def span(old: tuple[int, int] | None) -> tuple[int, int] | None:
        return None if old is None or offset is None else (old[0] + offset, old[1] + offset)

    def word(old: Word) -> Word:
        return old._replace(span=span(old.span))

    return replace(
        command,
        argv=tuple([word(each) for each in command.argv]),
        assignments=tuple([replace(one, value=word(one.value)) for one in command.assignments]),
        redirects=tuple([replace(one, target=word(one.target)) for one in command.redirects]),
        span=span(command.span),
    )


class _Restorer:
    def __init__(self, unknown: Sequence[Expansion], arguments: Sequence[Word]) -> None:
        self.unknown = unknown
        self.arguments = arguments

    def command(self, command: Command) -> Command:
        positional = not any(label.startswith("function") for label in command.inside)
        return replace(
            command,
            argv=tuple(each for word in command.argv for each in self.words(word, positional)),
            assignments=tuple(self.assignment(one, positional) for one in command.assignments),
            redirects=tuple(self.redirect(one, positional) for one in command.redirects),
            span=None,
        )

    def words(self, word: Word, positional: bool) -> list[Word]:
        if positional and self.arguments and _WHOLE.fullmatch(word.source):
            return [Word(each.parts, each.source) for each in self.arguments[1:]]
        return [self.word(word, positional)]

    def word(self, word: Word, positional: bool) -> Word:
        parts: list[str | Expansion] = []
        for part in word.parts:
            for each in self.part(part, positional):
                if isinstance(each, str) and parts and isinstance(parts[-1], str):
                    parts[-1] += each
                else:
                    parts.append(each)
        source = _MARK.sub(lambda found: self.original(found).text, word.source)
        return Word(tuple(parts) or ("",), source)

    def part(self, part: str | Expansion, positional: bool) -> list[str | Expansion]:
        if isinstance(part, str):
            return self.literal(part)
        if found := _MARK.fullmatch(part.text):
            return [self.original(found)]
        if positional and (found := _ARGUMENT.fullmatch(part.text)):
            return list(self.argument(part, found))
        text = _MARK.sub(lambda found: self.original(found).text, part.text)
        return [part if text == part.text else replace(part, text=text)]

    def literal(self, text: str) -> list[str | Expansion]:
        pieces: list[str | Expansion] = []
        position = 0
        for found in _MARK.finditer(text):
            pieces += [text[position : found.start()], self.original(found)]
            position = found.end()
        pieces.append(text[position:])
        return [piece for piece in pieces if piece != ""] or [""]

    def original(self, found: re.Match[str]) -> Expansion:
        number = int(found.group(1))
        if number < len(self.unknown):
            return self.unknown[number]
        return Expansion("parameter", found.group(), found.group()[2:-1])

    def argument(self, part: Expansion, found: re.Match[str]) -> tuple[str | Expansion, ...]:
        """A positional parameter, where its value is one plain word whether quoted or not."""
        name = found.group(1)
        if name.isdigit() and int(name) < len(self.arguments):
            value = self.arguments[int(name)]
            if not value.literal or _PLAIN.fullmatch(value.text):
                return value.parts
        return (part,)

    def assignment(self, one: Assignment, positional: bool) -> Assignment:
        return replace(one, value=self.word(one.value, positional))

    def redirect(self, one: Redirect, positional: bool) -> Redirect:
        body = one.body
        if body is not None:
            body = _MARK.sub(lambda found: self.original(found).text, body)
        return replace(one, target=self.word(one.target, positional), body=body)
