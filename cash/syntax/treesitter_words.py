"""Words, assignments and redirects in tree-sitter's tree.

The grammar's words are taken only for where they begin and end; what they say is lexed from the
text itself, so that what the grammar got wrong shows.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from tree_sitter import Node

from cash.syntax.command import Assignment, Expansion, ExpansionKind, Redirect, Word
from cash.syntax.masks import Masks
from cash.syntax.scan import body_text
from cash.syntax.word import (
    Atom,
    Hole,
    UnreadableWord,
    are_plain,
    decode,
    is_plain,
    lex_word,
    literal_word,
    quoted_text,
    word_of,
    words_of,
)

HOLES: dict[str, ExpansionKind] = {
    "simple_expansion": "parameter",
    "expansion": "parameter",
    "command_substitution": "command",
    "process_substitution": "process",
    "arithmetic_expansion": "arithmetic",
}
EXPRESSIONS = frozenset(
    {
        "binary_expression",
        "unary_expression",
        "parenthesized_expression",
        "ternary_expression",
        "negated_command",
        "postfix_expression",
    }
)
_PARAMETER = re.compile(rb"\$[A-Za-z0-9_@*#?$!-]")
_ESCAPED = re.compile(rb"(?:[ \t]|\\\n)*((?:\\[^\n])+)")


@dataclass(slots=True)
class Piece:
    """A word: nodes that stand together. assignment: the first, if it is one."""

    start: int
    end: int
    nodes: list[Node]
    assignment: Node | None


class TreeWords:
    """Reads words of one text. base: its offset in the line, None where it does not stand there
    as written."""

    def __init__(self, source: bytes, base: int | None, masks: Masks | None) -> None:
        self.source = source
        self.base = base
        self.masks = masks
        self.failure = masks.failure if masks else None
        self.escapes = b"\\" in source

    def add_piece(self, pieces: list[Piece], node: Node, kind: str) -> None:
        """Nodes without a gap are one word; so are those a line continuation parts. kind: the
        node's type, which is costly to ask for."""
        start, end = node.start_byte, node.end_byte
        assignment = node if kind == "variable_assignment" else None
        if pieces:
            last = pieces[-1]
            if self.escapes and last.end < start:
                if b"\\" in self.source[last.end : start]:
                    self.add_escaped(pieces, start)
                    last = pieces[-1]
                joins = not self.source[last.end : start].replace(b"\\\n", b"")
            else:
                joins = last.end >= start
            if joins:
                last.end = end
                last.nodes.append(node)
                return
        pieces.append(Piece(start, end, [node], assignment))

    def add_escaped(self, pieces: list[Piece], limit: int) -> None:
        """Words of nothing but escaped characters (`tr \\  x`), which the grammar skips."""
        end = pieces[-1].end
        while (found := _ESCAPED.match(self.source, end, limit)) is not None:
            end = found.end()
            pieces.append(Piece(found.start(1), end, [], None))

    def flatten(self, node: Node, pieces: list[Piece]) -> None:
        """The words of a `[` expression."""
        for child in node.children:
            kind = child.type
            if kind in EXPRESSIONS:
                self.flatten(child, pieces)
            else:
                self.add_piece(pieces, child, kind)

    def plain_words(self, start: int, end: int) -> tuple[Word, ...] | None:
        """The words there, when they are plain and one blank apart, without an assignment."""
        if not are_plain(self.source, start, end):
            return None
        found: list[Word] = []
        at = None if self.base is None else self.base + start
        for text in self.source[start:end].decode().split(" "):
            if at is None:
                found.append(Word((text,), text))
            else:
                stop = at + len(text)
                found.append(Word((text,), text, (at, stop)))
                at = stop + 1
        return tuple(found)

    def words(self, piece: Piece, declares: bool = False) -> tuple[Word, ...]:
        source = self.source[piece.start : piece.end]
        base = self.base
        span = None if base is None else (base + piece.start, base + piece.end)
        if is_plain(source):
            text = source.decode()
            return (Word((text,), text, span),)
        text = decode(source)
        quoted = quoted_text(source)
        if quoted is not None:
            return (Word((decode(quoted),), text, span),)
        if declares and piece.assignment is not None:
            atoms = self.value_atoms(piece)
            head = decode(self.source[piece.start : _operator_end(piece.assignment)])
            return (word_of([head, *atoms], text, span, value=True),)
        return words_of(self.atoms(piece), text, span)

    def atoms(self, piece: Piece, start: int | None = None) -> list[Atom]:
        start = piece.start if start is None else start
        holes: dict[int, Hole] = {}
        for node in piece.nodes:
            self.find_holes(node, holes)
        if self.masks:
            for position, end in self.masks.backticks.items():
                if start <= position < piece.end:
                    holes[position] = Hole(end, "command")
        try:
            return lex_word(self.source, start, piece.end, holes)
        except UnreadableWord as fault:
            self.failure = self.failure or str(fault)
            return [Expansion("unknown", decode(self.source[start : piece.end]))]

    def find_holes(self, node: Node, holes: dict[int, Hole]) -> None:
        kind = HOLES.get(node.type)
        if kind is None:
            for child in node.children:
                if child.child_count:
                    self.find_holes(child, holes)
        elif node.type != "simple_expansion" or _PARAMETER.match(self.source, node.start_byte):
            name = self.parameter(node) if kind == "parameter" else ""
            holes[node.start_byte] = Hole(node.end_byte, kind, name)

    def parameter(self, node: Node) -> str:
        for child in node.children:
            if child.type in ("variable_name", "special_variable_name"):
                return self.text(child)
            if child.type == "subscript":
                return self.parameter(child)
        return ""

    def assignment(self, piece: Piece) -> Assignment:
        node = piece.assignment
        assert node is not None
        operator = _operator(node)
        name = decode(self.source[node.start_byte : operator.start_byte])
        source = decode(self.source[operator.end_byte : piece.end])
        span = self.span(operator.end_byte, piece.end)
        value = word_of(self.value_atoms(piece), source, span, value=True)
        return Assignment(name, value, operator.type == "+=")

    def value_atoms(self, piece: Piece) -> list[Atom]:
        assert piece.assignment is not None
        start = _operator_end(piece.assignment)
        if any(child.type == "array" for child in piece.assignment.children):
            return [Expansion("unknown", decode(self.source[start : piece.end]))]
        return self.atoms(piece, start)

    def redirects(self, nodes: Sequence[Node]) -> tuple[tuple[Redirect, ...], list[Piece]]:
        """The redirects, and words that stand behind their targets: the grammar takes the
        arguments in `cmd >f argument` for more targets."""
        values: list[Redirect] = []
        extras: list[Piece] = []
        for node in nodes:
            descriptor, operator = "", node
            pieces: list[Piece] = []
            for child in node.children:
                kind = child.type
                if kind == "file_descriptor" and not self.is_descriptor(child):
                    extras.append(Piece(child.start_byte, child.end_byte, [], None))
                elif kind == "file_descriptor":
                    descriptor = self.descriptor(child)
                elif not child.is_named and operator is node:
                    operator = child
                elif kind in EXPRESSIONS:
                    self.flatten(child, pieces)
                else:
                    self.add_piece(pieces, child, kind)
            values.append(self.redirect(operator, descriptor, pieces))
            extras.extend(pieces[1:])
        return tuple(values), extras

    def is_descriptor(self, node: Node) -> bool:
        """`head -20>f` has an argument and no descriptor, whatever the grammar says."""
        masked = self.masks is not None and node.end_byte in self.masks.descriptors
        return masked or self.text(node).isdigit()

    def descriptor(self, node: Node) -> str:
        if self.masks and (name := self.masks.descriptors.get(node.end_byte)):
            return name
        return self.text(node)

    def redirect(self, operator: Node, descriptor: str, pieces: list[Piece]) -> Redirect:
        if self.masks and (document := self.masks.documents.get(operator.start_byte)):
            start, end = document.delimiter
            source = decode(self.source[start:end])
            target = Word((decode(document.word),), source, self.span(start, end))
            body = body_text(self.source, document)
            return Redirect(document.operator, target, descriptor, body)
        text = self.text(operator)
        if self.masks and operator.start_byte in self.masks.strings:
            text = "<<<"
        if not pieces:
            # `>&-` is one token of the grammar.
            end = operator.end_byte
            pieces = [Piece(end - 1, end, [], None)] if text.endswith("-") else []
            text = text.rstrip("-")
        if not pieces:
            self.failure = self.failure or "a redirect without a target"
            return Redirect(text, literal_word(""), descriptor)
        piece = pieces[0]
        span = self.span(piece.start, piece.end)
        found = self.source[piece.start : piece.end]
        source = decode(found)
        if is_plain(found):
            return Redirect(text, Word((source,), source, span), descriptor)
        return Redirect(text, word_of(self.atoms(piece), source, span), descriptor)

    def text(self, node: Node) -> str:
        return decode(self.source[node.start_byte : node.end_byte])

    def span(self, start: int, end: int) -> tuple[int, int] | None:
        return None if self.base is None else (self.base + start, self.base + end)


def _operator(node: Node) -> Node:
    return next(child for child in node.children if child.type in ("=", "+="))


def _operator_end(node: Node) -> int:
    return _operator(node).end_byte
