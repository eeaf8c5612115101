"""Bash text in, `Line` values out. Importing this is light; the readers load at first use."""

from __future__ import annotations

from collections.abc import Sequence

from cash.syntax.command import Line

__all__ = ["Line", "read", "read_argv"]


def read(text: str, *, entry: bool = True) -> Line:
    """What a bash line says. Never raises: what cannot be understood has `trouble`.

    entry: read by both deciding readers, as a line that was typed or sent must be; otherwise by
    tree-sitter alone (a nested `sh -c`, whose every exec is judged anyway, or a live preview).
    """
    from cash.syntax.line import shared_reader

    reader = shared_reader()
    line = reader.read(text, entry=entry)
    if entry:
        reader.prepare()
    return line


def read_argv(argv: Sequence[str], *, entry: bool = True) -> Line:
    """The same for a command already split into words; wrappers and `bash -c` are unwrapped."""
    from cash.syntax.line import shared_reader

    return shared_reader().read_argv(argv, entry=entry)
