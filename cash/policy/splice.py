"""New commands put into a line's text, everything else left as it was typed."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from cash.policy.quoting import join_words
from cash.syntax.command import Command, Word

Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Edit:
    """command: one whose words all stand in the line. argv: what takes their place. before: a
    command that has to succeed first, where `can_precede` says there is room for it."""

    command: Command
    argv: tuple[Word, ...]
    before: tuple[Word, ...] = ()


# What a command may follow so that `{ A && B; }` can stand in its place.
_OPENING = re.compile(
    r"(?:\A|[;&|({`\n]|(?<![^\s;&|(){}])(?:!|then|do|else|if|while|until|time))\s*\Z"
)


def can_precede(text: str, command: Command) -> bool:
    """Whether another command can be put before this one: not behind a wrapper (`env npm i`), an
    assignment or a redirect, which would speak of the other one alone."""
    if command.span is None or not command.argv or command.argv[0].span is None:
        return False
    before = text.encode("utf-8", "surrogateescape")[: command.argv[0].span[0]]
    return _OPENING.search(before.decode("utf-8", "surrogateescape")) is not None


def splice(text: str, edits: Sequence[Edit]) -> str:
    """text with the edits made. Of nested ones the outer is made: the line is judged again."""
    data = text.encode("utf-8", "surrogateescape")
    changes: list[tuple[Span, bytes]] = []
    for edit in _outermost(edits):
        spans = sorted({word.span for word in edit.command.argv if word.span is not None})
        if not spans:
            continue
        whole = not (data[: spans[0][0]] + data[spans[-1][1] :]).strip()
        new = _write(edit, whole=whole).encode("utf-8", "surrogateescape")
        for place, runs in enumerate(_runs(spans, data)):
            changes.append((runs, new if place == 0 else b""))
    for (start, end), new in sorted(changes, reverse=True):
        data = data[:start] + new + data[end:]
    return data.decode("utf-8", "surrogateescape")


def _write(edit: Edit, *, whole: bool) -> str:
    text = join_words(edit.argv)
    if not edit.before:
        return text
    text = f"{join_words(edit.before)} && {text}"
    return text if whole else f"{{ {text}; }}"


def _outermost(edits: Sequence[Edit]) -> list[Edit]:
    found: list[Edit] = []
    for edit in sorted(edits, key=_extent):
        start, _ = _extent(edit)
        if not found or start >= -_extent(found[-1])[1]:
            found.append(edit)
    return found


def _extent(edit: Edit) -> Span:
    """(start, minus end): sorts outer commands before those inside them."""
    spans = [word.span for word in edit.command.argv if word.span is not None]
    return min(start for start, _ in spans), -max(end for _, end in spans)


def _runs(spans: Sequence[Span], data: bytes) -> list[Span]:
    """Words with only blanks between them as one run; a redirect may stand between runs, and
    then the blanks before the later run go with it."""
    found: list[list[int]] = []
    for start, end in spans:
        if found and _is_blank(data[found[-1][1] : start]):
            found[-1][1] = max(end, found[-1][1])
        else:
            while found and start > 0 and data[start - 1 : start] in (b" ", b"\t"):
                start -= 1
            found.append([start, end])
    return [(start, end) for start, end in found]


def _is_blank(data: bytes) -> bool:
    return not data.replace(b"\\\n", b"").strip(b" \t")
