"""A question of the policy, put to the person at the terminal."""

from __future__ import annotations

import os
import select
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from cash.shell.relay import write_whole
from cash.shell.terminal import single_keys

# Somebody who types a command did not see the question: its letters must not answer it. A yes
# counts when nothing follows at once, and any key only after a pause behind one that means nothing.
_NOTHING_FOLLOWS_SECONDS = 0.2
_PAUSE_SECONDS = 0.7
_KEYS = "[y] once  [s] this session  [n] no  [e] explain "


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked. line: what would run, already rewritten if a rule rewrote it. commands:
    each command of the line, where redaction took something out of it."""

    id: str
    line: str
    rule: str
    reason: str
    hint: str | None = None
    rewritten: bool = False
    commands: tuple[str, ...] = ()

    @classmethod
    def read(cls, body: Mapping[str, Any]) -> Question:
        """The question in a QUESTION frame's JSON."""
        return cls(
            id=str(body["id"]),
            line=str(body.get("rewritten") or body.get("line") or ""),
            rule=str(body.get("rule") or ""),
            reason=str(body.get("reason") or ""),
            hint=body.get("hint") or None,
            rewritten=bool(body.get("rewritten")),
            commands=tuple(str(one) for one in body.get("commands") or ()),
        )

    def describe(self) -> str:
        """The lines a person reads before the keys."""
        what = "rewritten to" if self.rewritten else "wants to run"
        shown = printable(self.line)
        commands = "".join(f"  which runs: {printable(one)}\n" for one in self.commands)
        return f"polis: {self.rule} asks: {self.reason}\n  {what}: {shown}\n{commands}"


@dataclass(frozen=True, slots=True)
class Answer:
    """What the person pressed."""

    decision: Literal["allow", "deny"]
    scope: Literal["once", "session"] = "once"


_ANSWERS = {
    b"y": Answer("allow"),
    b"s": Answer("allow", "session"),
    b"n": Answer("deny"),
    b"\x03": Answer("deny"),
    b"\x04": Answer("deny"),
}
_ALWAYS = (b"\x03", b"\x04")


def put_question(
    question: Question,
    *,
    keyboard: int,
    screen: int,
    elsewhere: Sequence[int],
    explain: Callable[[], str],
) -> Answer | None:
    """Shows the question and waits for a key. None when one of `elsewhere` became readable
    first: polisd has an answer from somebody else or will wait no longer, or a signal arrived."""
    write_whole(screen, question.describe().encode())
    with single_keys(keyboard):
        write_whole(screen, _KEYS.encode())
        quiet = 0.0
        while True:
            ready, _, _ = select.select([keyboard, *elsewhere], [], [])
            if ready != [keyboard]:
                write_whole(screen, b"\n")
                return None
            key = _read_key(keyboard)
            now = time.monotonic()
            if key not in _ALWAYS and (now < quiet or _is_typing(key, keyboard)):
                quiet = time.monotonic() + _PAUSE_SECONDS
            elif key == b"e":
                write_whole(screen, b"\n" + explain().encode() + _KEYS.encode())
            elif key in _ANSWERS:
                answer = _ANSWERS[key]
                write_whole(screen, _spoken(answer).encode())
                return answer


def _is_typing(key: bytes, keyboard: int) -> bool:
    """Whether the key belongs to a text that somebody types."""
    if key not in _ANSWERS and key != b"e":
        return True
    return bool(select.select([keyboard], [], [], _NOTHING_FOLLOWS_SECONDS)[0])


def _read_key(keyboard: int) -> bytes:
    try:
        return os.read(keyboard, 1).lower() or b"\x04"
    except OSError:  # the terminal was closed: nobody says yes
        return b"\x04"


def _spoken(answer: Answer) -> str:
    if answer.decision == "deny":
        return "no\n"
    return "yes, once\n" if answer.scope == "once" else "yes, this session\n"


def printable(text: str) -> str:
    """`text` without what could move the cursor or recolour the screen: an agent chose it, and a
    question must show what it says."""
    return "".join(
        character if character.isprintable() or character == "\n" else _caret(character)
        for character in text
    ).replace("\n", "\n  ")


def _caret(character: str) -> str:
    code = ord(character)
    if code < 32 or code == 127:
        return f"^{chr(code ^ 64)}"
    return f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}"
