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
# counts when nothing follows at once, or Enter alone, and any key only after a pause behind one
# that means nothing.
_NOTHING_FOLLOWS_SECONDS = 0.2
_PAUSE_SECONDS = 0.7
_KEYS = "[y] once  [s] this session  [n] no  [e] explain "
_CHOICE_KEYS = "[n] not now  [e] explain "


@dataclass(frozen=True, slots=True)
class Choice:
    """What may be answered instead of yes. word: what polisd knows it by; key: the letter that
    gives it; meaning, effect: for people."""

    word: str
    key: str
    meaning: str
    effect: str


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked. line: what would run, already rewritten if a rule rewrote it. commands:
    each command of the line, where redaction took something out of it. reasons: what each rule
    that asks says."""

    id: str
    line: str
    rule: str
    reason: str
    hint: str | None = None
    rewritten: bool = False
    commands: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()
    choices: tuple[Choice, ...] = ()

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
            reasons=tuple(f"{one['id']}: {one['reason']}" for one in body.get("rules") or ()),
            choices=tuple(
                Choice(one["word"], one["key"], one["meaning"], one["effect"])
                for one in body.get("choices") or ()
            ),
        )

    def describe(self) -> str:
        """The lines a person reads before the keys."""
        what = "rewritten to" if self.rewritten else "wants to run"
        shown = printable(self.line)
        commands = "".join(f"  which runs: {printable(one)}\n" for one in self.commands)
        return f"polis: {self.rule} asks: {self.reason}\n  {what}: {shown}\n{commands}"

    def explain(self) -> str:
        """What else is known of it: every rule that asks, the hint, what each choice does."""
        lines = [*self.reasons, *([f"instead: {self.hint}"] if self.hint else [])]
        lines += [f"{one.meaning}: {one.effect}" for one in self.choices]
        return "".join(f"  {printable(one)}\n" for one in lines or ["no rule says more"])

    @property
    def ways(self) -> list[str]:
        """The commands that let it go on, from elsewhere."""
        allow = f"polis approvals allow {self.id}"
        return [f"{allow} --choose {one.word}" for one in self.choices] or [allow]

    @property
    def keys(self) -> str:
        """The line that says which keys answer."""
        offered = "".join(f"[{choice.key}] {choice.meaning}  " for choice in self.choices)
        return offered + _CHOICE_KEYS if offered else _KEYS

    @property
    def answers(self) -> Mapping[bytes, Answer]:
        """What each key answers; one that offers a choice takes no plain yes."""
        if not self.choices:
            return _YES | _NO
        return _NO | {
            one.key.encode(): Answer("allow", choice=one.word, spoken=one.meaning)
            for one in self.choices
        }


@dataclass(frozen=True, slots=True)
class Answer:
    """What the person pressed. choice: the word of what was chosen, "" for a yes or no. spoken:
    what the screen says then."""

    decision: Literal["allow", "deny"]
    scope: Literal["once", "session"] = "once"
    choice: str = ""
    spoken: str = "no"


_YES = {
    b"y": Answer("allow", spoken="yes, once"),
    b"s": Answer("allow", "session", spoken="yes, this session"),
}
_NO = {
    b"n": Answer("deny"),
    b"\x03": Answer("deny"),
    b"\x04": Answer("deny"),
}
_ALWAYS = (b"\x03", b"\x04")
_WITH_ENTER = (b"y", b"n")
_ENTER = (b"\r", b"\n")


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
        write_whole(screen, question.keys.encode())
        quiet, keys = 0.0, _Keys(keyboard)
        while True:
            if not keys.ahead:
                ready, _, _ = select.select([keyboard, *elsewhere], [], [])
                if ready != [keyboard]:
                    write_whole(screen, b"\n")
                    return None
            key = keys.read()
            now = time.monotonic()
            if key not in _ALWAYS and (now < quiet or _is_typing(key, question, keys)):
                quiet = time.monotonic() + _PAUSE_SECONDS
            elif key == b"e":
                write_whole(screen, b"\n" + explain().encode() + question.keys.encode())
            elif (answer := question.answers.get(key)) is not None:
                write_whole(screen, f"{answer.spoken}\n".encode())
                return answer


@dataclass(slots=True)
class _Keys:
    """What is typed, key by key. ahead: one that was read already."""

    keyboard: int
    ahead: bytes = b""

    def read(self) -> bytes:
        if self.ahead:
            key, self.ahead = self.ahead, b""
            return key
        try:
            return os.read(self.keyboard, 1).lower() or b"\x04"
        except OSError:  # the terminal was closed: nobody says yes
            return b"\x04"

    def follow(self) -> bool:
        """Whether another comes at once."""
        if self.ahead:
            return True
        return bool(select.select([self.keyboard], [], [], _NOTHING_FOLLOWS_SECONDS)[0])


def _is_typing(key: bytes, question: Question, keys: _Keys) -> bool:
    """Whether the key belongs to a text that somebody types. A plain yes or no may have Enter
    behind it, which is taken; `s` would be a command."""
    if key not in question.answers and key != b"e":
        return True
    if not keys.follow():
        return False
    if key not in _WITH_ENTER:
        return True
    keys.ahead = keys.read()
    if keys.ahead not in _ENTER:
        return True
    keys.ahead = b""
    return keys.follow()


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
