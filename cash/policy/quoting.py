"""Words put back into bash: as they were written, or quoted only where bash needs it."""

from __future__ import annotations

import re
from collections.abc import Sequence

from cash.syntax.command import Word

# What bash leaves alone in any position; `=` only behind the first word, `~` never in front.
_PLAIN = re.compile(r"[A-Za-z0-9_@%+:,./-][A-Za-z0-9_@%+:,./=~^-]*\Z")
_RESERVED = frozenset(
    (
        *("if", "then", "else", "elif", "fi", "do", "done", "case", "esac", "while", "until"),
        *("for", "in", "function", "time", "select", "coproc", "!", "{", "}", "[["),
    )
)
_NAMED = {"\n": "\\n", "\t": "\\t", "'": "\\'", "\\": "\\\\"}


def quote(text: str, *, first: bool = False) -> str:
    """text as one bash word. first: it stands where a command name is expected."""
    if _PLAIN.match(text) and not (first and ("=" in text or text in _RESERVED)):
        return text
    if any(ord(char) < 32 or ord(char) == 127 for char in text):
        # In single quotes a newline is harmless but hides the rest of the line from a reader.
        return "$'" + "".join(_escape(char) for char in text) + "'"
    return "'" + text.replace("'", "'\\''") + "'"


def _escape(char: str) -> str:
    if char in _NAMED:
        return _NAMED[char]
    code = ord(char)
    return f"\\x{code:02x}" if code < 32 or code == 127 else char


def write_word(word: Word, *, first: bool = False) -> str:
    """A word's source if it stood in a line (its span says so) or holds expansions, else its
    value, quoted."""
    if word.span is not None or not word.literal:
        return word.source
    return quote(word.text, first=first)


def join_words(words: Sequence[Word]) -> str:
    """An argv as a bash command."""
    return " ".join(write_word(word, first=place == 0) for place, word in enumerate(words))
