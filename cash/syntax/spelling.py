"""A command already split into words, spelled as a line."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from cash.syntax.command import Command, Line, Word


def spell(words: Sequence[str]) -> Line:
    """The line that means just these words: each stands in it, so another can take its place."""
    spelled: list[Word] = []
    position = 0
    for text in words:
        source = shlex.quote(text)
        end = position + len(source.encode("utf-8", "surrogateescape"))
        spelled.append(Word((text,), source, (position, end)))
        position = end + 1
    line = " ".join([word.source for word in spelled])
    command = Command(tuple(spelled), span=(0, position - 1))
    return Line(line, (command,), entry=line)
