"""The readers, in the order they run. A new one is a line in this table."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from cash.syntax.bashlex_reader import BashlexReader
from cash.syntax.reading import Reading
from cash.syntax.shfmt import Shfmt
from cash.syntax.treesitter import TreeSitter


class Reader(Protocol):
    """Never raises; deadline: time.monotonic() at which it gives up."""

    def read(self, source: bytes, deadline: float) -> Reading: ...

    def prepare(self) -> None:
        """Gets ready for the next text while nobody waits."""

    def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Entry:
    """decides: its failure, or its disagreement with the other that decides, is trouble; what
    the others find is only added. nested: also reads texts that were not typed. open: None when
    it is not installed."""

    name: str
    decides: bool
    nested: bool
    open: Callable[[], Reader | None]


READERS = (
    # First: it costs microseconds, and tells whether a text is too deep for the others.
    Entry("tree-sitter", decides=True, nested=True, open=TreeSitter),
    Entry("shfmt", decides=True, nested=False, open=Shfmt),
    Entry("bashlex", decides=False, nested=False, open=BashlexReader.installed),
)
