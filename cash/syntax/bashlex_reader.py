"""The third reader, bashlex: an extra, because of its licence (GPL). It only ever adds commands."""

from __future__ import annotations

import time
from typing import Any

from cash.syntax.command import Word
from cash.syntax.reading import Collector, Place, Reading
from cash.syntax.word import Hole, UnreadableWord, decode, lex_word, words_of

# It is slow on long texts, and what it adds there is little.
_LONGEST = 4096


class BashlexReader:
    """Reads what bashlex can read; what it cannot means nothing."""

    def __init__(self, module: Any) -> None:
        self._module = module

    @classmethod
    def installed(cls) -> BashlexReader | None:
        """The reader, or None where the extra is not installed."""
        try:
            import bashlex
        except ImportError:
            return None
        return cls(bashlex)

    def read(self, source: bytes, deadline: float) -> Reading:
        """Never raises."""
        text = decode(source)
        if len(source) > _LONGEST or not text.isascii() or time.monotonic() > deadline:
            return Reading(failure="not tried")
        collector = Collector()
        try:
            for tree in self._module.parse(text):
                self._node(tree, source, collector, Place())
        # It fails in many ways of its own (AssertionError, NotImplementedError, KeyError…), and
        # none of them matters.
        except Exception as fault:
            return Reading(tuple(collector.commands), f"{type(fault).__name__}")
        return Reading(tuple(collector.commands))

    def prepare(self) -> None:
        """Nothing to do."""

    def close(self) -> None:
        """Nothing to do."""

    def _node(self, node: Any, source: bytes, collector: Collector, place: Place) -> None:
        match node.kind:
            case "command":
                self._command(node, source, collector, place)
            case "pipeline":
                members = [part for part in node.parts if part.kind not in ("pipe", "reservedword")]
                for member, inner in collector.stages(place, members):
                    self._node(member, source, collector, inner)
            case "commandsubstitution" | "processsubstitution":
                label = {"c": "substitution", "p": "process substitution"}[node.kind[0]]
                self._node(node.command, source, collector, place.substitution(label))
            case "function":
                self._node(node.body, source, collector, place.deeper("function"))
            case _:
                for part in (*getattr(node, "parts", ()), *getattr(node, "list", ())):
                    self._node(part, source, collector, place.deeper())

    def _command(self, node: Any, source: bytes, collector: Collector, place: Place) -> None:
        words = [part for part in node.parts if part.kind == "word"]
        argv: list[Word] = []
        for word in words:
            holes = {
                part.pos[0]: Hole(part.pos[1], _KINDS[part.kind], getattr(part, "value", ""))
                for part in word.parts
                if part.kind in _KINDS
            }
            start, end = word.pos
            try:
                atoms = lex_word(source, start, end, holes)
            except UnreadableWord:
                continue
            argv.extend(words_of(atoms, decode(source[start:end]), (start, end)))
        index = collector.add(place, tuple(argv), (), (), tuple(node.pos)) if argv else None
        inner = place if index is None else place.of(index)
        for part in node.parts:
            for each in (part, getattr(part, "output", None)):
                for child in getattr(each, "parts", ()):
                    self._node(child, source, collector, inner)


_KINDS: Any = {
    "parameter": "parameter",
    "commandsubstitution": "command",
    "processsubstitution": "process",
}
