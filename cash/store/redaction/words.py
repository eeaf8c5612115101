"""Splits a line into words, only as well as redaction needs: what it takes for a word too much
or too little makes a secret stay hidden, never a command run."""

from __future__ import annotations

import re
from dataclasses import dataclass

# Possessive throughout: a word is found in one pass, whatever the text.
_TOKEN = re.compile(
    r"""(?P<word>(?:
            [^\s'"\\;&|()<>`$]++
          | \\.
          | \\\Z
          | \$'(?:[^'\\]|\\.)*+(?:'|\\?\Z)
          | \$
          | '[^']*+(?:'|\Z)
          | "(?:[^"\\]|\\.)*+(?:"|\\?\Z)
        )++)
      | (?P<operator>\n|<<<|&>>?|[<>]&|[<>]+|[;&|()`]+)""",
    re.DOTALL | re.VERBOSE,
)
_BREAKS = frozenset(";&|()`\n")
# One quoted piece of a word, closed or cut off.
QUOTED = re.compile(
    r"""\$'(?:[^'\\]|\\.)*+(?:'|\\?\Z)|'[^']*+(?:'|\Z)|"(?:[^"\\]|\\.)*+(?:"|\\?\Z)""", re.DOTALL
)
_QUOTING = re.compile(r"""\\(.)|["']|\$(?=["'])""", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Word:
    """raw: as written; start, end: where; before: the operator right before it, "" for none."""

    raw: str
    start: int
    end: int
    before: str


def split_line(text: str) -> list[list[Word]]:
    """The words of each command in the text, in order. An operator that starts a command is
    `before` of its first word."""
    segments: list[list[Word]] = []
    current: list[Word] = []
    operator = ""
    for found in _TOKEN.finditer(text):
        if found.lastgroup == "operator":
            operator = found.group()
            if operator[0] in _BREAKS and operator[-1] != ">" and not operator.startswith("&>"):
                if current:
                    segments.append(current)
                current = []
            continue
        current.append(Word(found.group(), found.start(), found.end(), operator))
        operator = ""
    if current:
        segments.append(current)
    return segments


def open_quotes(raw: str) -> tuple[str, str, str]:
    """(opening, inside, closing) of a word that is one quoted piece, else ("", word, "")."""
    if raw[:1] not in ("'", '"', "$") or not QUOTED.fullmatch(raw):
        return "", raw, ""
    opening = raw[:2] if raw.startswith("$") else raw[:1]
    closed = len(raw) > len(opening) and raw.endswith(opening[-1])
    return opening, raw[len(opening) : -1 if closed else None], opening[-1] if closed else ""


def strip_quotes(raw: str) -> str:
    """The word's value, near enough."""
    return _QUOTING.sub(r"\1", raw) if any(one in raw for one in "'\"\\") else raw
