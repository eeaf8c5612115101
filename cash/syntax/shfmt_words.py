"""Words, assignments and their parts in shfmt's tree."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from cash.syntax.command import Assignment, Expansion, Word
from cash.syntax.escapes import decode_ansi_c
from cash.syntax.word import Atom, Hole, Quoted, decode, is_plain, word_of, words_of

Tree = dict[str, Any]

_DOUBLE_ESCAPE = re.compile(r'\\([$`"\\\n])')
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
POSITIONS = frozenset({"Pos", "End", "Left", "Right", "OpPos", "Dollar", "ValuePos", "ValueEnd"})


class TreeWords:
    """Reads words of one text. base: its offset in the line, None where it does not stand there
    as written."""

    def __init__(self, source: bytes, base: int | None) -> None:
        self.source = source
        self.base = base

    def words(self, word: Tree) -> tuple[Word, ...]:
        start, end = range_of(word)
        raw = self.source[start:end]
        span = self.span(start, end)
        if is_plain(raw):
            text = raw.decode()
            return (Word((text,), text, span),)
        return words_of(self.atoms(word["Parts"]), decode(raw), span)

    def atoms(self, parts: Sequence[Tree]) -> list[Atom]:
        atoms: list[Atom] = []
        for part in parts:
            match part["Type"]:
                case "Lit":
                    atoms.extend(_unquoted(part["Value"]))
                case "SglQuoted":
                    atoms.append(self.single_quoted(part))
                case "DblQuoted":
                    atoms.append(Quoted(""))
                    atoms.extend(self.double_quoted(part.get("Parts", ())))
                case _:
                    atoms.append(self.expansion(part))
        return atoms

    def single_quoted(self, part: Tree) -> Quoted:
        value = part.get("Value", "")
        if part.get("Dollar"):
            start, end = range_of(part)
            return Quoted(decode_ansi_c(self.source[start + 2 : end - 1]))
        return Quoted(value)

    def double_quoted(self, parts: Sequence[Tree]) -> Iterator[Atom]:
        for part in parts:
            if part["Type"] == "Lit":
                yield Quoted(_DOUBLE_ESCAPE.sub(_double_escape, part["Value"]))
            else:
                yield self.expansion(part)

    def expansion(self, part: Tree) -> Expansion:
        text = self.slice(*range_of(part))
        match part["Type"]:
            case "ParamExp":
                name = part.get("Param", {}).get("Value", "")
                return Expansion("parameter", text, name)
            case "CmdSubst":
                return Expansion("command", text)
            case "ArithmExp":
                return Expansion("arithmetic", text)
            case "ProcSubst":
                return Expansion("process", text)
            case "ExtGlob":
                return Expansion("glob", text)
            case _:
                return Expansion("unknown", text)

    def find_holes(self, tree: Any, holes: dict[int, Hole]) -> None:
        """The outermost expansions in an arithmetic expression."""
        if isinstance(tree, list):
            for each in tree:
                self.find_holes(each, holes)
        elif isinstance(tree, dict):
            if tree.get("Type") in ("ParamExp", "CmdSubst", "ArithmExp", "ProcSubst"):
                found = self.expansion(tree)
                start, end = range_of(tree)
                holes[start] = Hole(end, found.kind, found.name)
            else:
                for key, value in tree.items():
                    if key not in POSITIONS:
                        self.find_holes(value, holes)

    def declared(self, arg: Tree) -> tuple[Word, ...]:
        """An argument of declare, export, local…: an option, a name or an assignment."""
        value = arg.get("Value")
        if arg.get("Naked") and value is not None:
            return self.words(value)
        start, end = range_of(arg)
        source = self.slice(start, end)
        if is_plain(self.source[start:end]):
            return (Word((source,), source, self.span(start, end)),)
        atoms: list[Atom] = [source]
        if not arg.get("Naked"):
            operator = self.operator_end(arg)
            atoms = [self.slice(start, operator), *self.value_atoms(arg)]
        return (word_of(atoms, source, self.span(start, end), value=True),)

    def assignment(self, assign: Tree) -> Assignment:
        start, end = range_of(assign)
        operator = self.operator_end(assign)
        append = bool(assign.get("Append"))
        name = self.slice(start, operator - (2 if append else 1))
        span = self.span(operator, end)
        value = word_of(self.value_atoms(assign), self.slice(operator, end), span, value=True)
        return Assignment(name, value, append)

    def operator_end(self, assign: Tree) -> int:
        """Behind the `=` or `+=`."""
        for key in ("Value", "Array"):
            if key in assign:
                return int(assign[key]["Pos"]["Offset"])
        return range_of(assign)[1]

    def value_atoms(self, assign: Tree) -> list[Atom]:
        if "Array" in assign:
            return [Expansion("unknown", self.slice(*range_of(assign["Array"])))]
        return self.atoms(assign["Value"]["Parts"]) if "Value" in assign else []

    def slice(self, start: int, end: int) -> str:
        return decode(self.source[start:end])

    def span(self, start: int, end: int) -> tuple[int, int] | None:
        return None if self.base is None else (self.base + start, self.base + end)


def range_of(tree: Tree, length: int | None = None) -> tuple[int, int]:
    start = tree["Pos"]["Offset"]
    return start, tree["End"]["Offset"] if length is None else start + length


def _unquoted(text: str) -> Iterator[Atom]:
    """A literal part: backslashes quote the character behind them, a continued line is joined."""
    position = 0
    for found in _ESCAPE.finditer(text):
        if found.start() > position:
            yield text[position : found.start()]
        if found.group(1) != "\n":
            yield Quoted(found.group(1))
        position = found.end()
    if position < len(text):
        yield text[position:]


def _double_escape(found: re.Match[str]) -> str:
    return "" if found.group(1) == "\n" else found.group(1)
