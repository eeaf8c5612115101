"""What a sed script runs: its `e` command, and the `e` flag of `s`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from cash.syntax.command import Expansion, Word
from cash.syntax.launch import GIVEN, Finder, Launch, Part, Reads, Starts
from cash.syntax.options import parse_options

# Stands for an expansion while the script is read; no command line can hold it.
_MARK = "\0"
_BLANK = re.compile(r"[\s;{}]*")
_ADDRESS = re.compile(r"\d+(~\d+)?|\$|[+~]\d+")
_FLAGS = re.compile(r"[gpiImMe0-9]*")
_REST = re.compile(r"[^\n]*")
_TEXT = re.compile(r"(?:[^\\\n]|\\.)*", re.DOTALL)  # a backslash takes the newline along
_LABEL = re.compile(r"[^\n;}]*")
_NUMBER = re.compile(r" *\d*")


def _sed(name: str, argv: Sequence[Word]) -> Iterator[Launch]:
    """sed [options] [SCRIPT] [FILE…], options anywhere."""
    scripts: list[Word] = []
    operands: list[Word] = []
    index = 1
    while index < len(argv):
        options = parse_options(
            argv, index, "efl", "nErsuzi", ("--expression", "--file", "--line-length")
        )
        if options.has("--sandbox"):
            return
        scripts += options.values("-e", "--expression")
        operands += argv[options.first : options.first + 1]
        index = options.first + 1
    for script in scripts or operands[:1]:
        unknown = [part for part in script.parts if isinstance(part, Expansion)]
        text = "".join(part if isinstance(part, str) else _MARK for part in script.parts)
        if "e" in text:
            yield from _Script(text, unknown).launches(name)


class _Script:
    """A script being read. Where it makes no sense, sed refuses all of it."""

    def __init__(self, text: str, unknown: Sequence[Expansion]) -> None:
        self.text = text
        self.unknown = unknown
        self.at = 0

    def launches(self, name: str) -> Iterator[Launch]:
        """What the whole script runs."""
        while self.next_command():
            command = self.text[self.at]
            self.at += 1
            if command == "e":
                start = self.at
                parts = self.parts(start, self.skip(_REST))
                yield Reads(parts, f"{name} e") if parts else Starts((GIVEN,), f"{name} e")
            elif command == "s":
                yield from self.substitution(name)
            else:
                self.other(command)

    def next_command(self) -> bool:
        """Goes on to the next command's letter, behind its addresses."""
        self.skip(_BLANK)
        self.address()
        self.skip(re.compile(r" *,? *"))
        self.address()
        self.skip(re.compile(r"[ !]*"))
        return self.at < len(self.text)

    def address(self) -> None:
        if self.text.startswith("\\", self.at):
            self.at += 1
            self.delimited()
        elif self.text.startswith("/", self.at):
            self.delimited()
        else:
            self.skip(_ADDRESS)
            return
        self.skip(re.compile(r"[IM]*"))

    def delimited(self) -> int:
        """Goes behind a text between delimiters, from the first one on; where it begins."""
        closing = self.text[self.at : self.at + 1]
        start = self.at = self.at + 1
        while self.at < len(self.text) and self.text[self.at] != closing:
            self.at += 2 if self.text[self.at] == "\\" else 1
        self.at += 1
        return start

    def substitution(self, name: str) -> Iterator[Launch]:
        self.delimited()
        self.at -= 1  # the middle delimiter opens the replacement
        start = self.delimited()
        end = self.at - 1
        flags = self.at
        if "e" in self.text[flags : self.skip(_FLAGS)]:
            # What the lines hold besides is only known when it runs.
            yield Reads(self.parts(start, end), f"{name} s///e", foreign=True)
        if self.text.startswith("w", self.at):
            self.skip(_REST)

    def other(self, command: str) -> None:
        match command:
            case "y":
                self.delimited()
                self.at -= 1
                self.delimited()
            case "a" | "i" | "c":
                self.skip(_TEXT)
            case "r" | "R" | "w" | "W" | "#":
                self.skip(_REST)
            case ":" | "b" | "t" | "T":
                self.skip(_LABEL)
            case "q" | "Q" | "l" | "L":
                self.skip(_NUMBER)
            case _:
                pass

    def skip(self, pattern: re.Pattern[str]) -> int:
        found = pattern.match(self.text, self.at)
        if found is not None:
            self.at = found.end()
        return self.at

    def parts(self, start: int, end: int) -> tuple[Part, ...]:
        """A piece of the script as text and expansions; empty when it is blank."""
        before = self.text.count(_MARK, 0, start)
        parts: list[Part] = []
        for number, piece in enumerate(self.text[start:end].split(_MARK)):
            if number:
                parts.append(self.unknown[before + number - 1])
            parts.append(piece)
        return tuple(part for part in parts if part != "" and part != " ")


SED: dict[str, Finder] = {"sed": _sed, "gsed": _sed}
