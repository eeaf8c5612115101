"""A prompt into a program's terminal: pasted as such, sent by a key of its own, seen to arrive.

What is pasted arrives byte for byte, line breaks and control characters included: the program has
asked to be told where pasted text begins and ends, so nothing in it is a key. Only what would say
that the paste has ended is refused.
"""

from __future__ import annotations

import asyncio
import os
import re
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from cash.faults import Fault, UsageFault
from cash.sessions.capture import capture
from cash.sessions.control import Control, ControlFault

# 1 MB, and what may stand around it.
MOST_PROMPT: Final = (1 << 20) + (64 << 10)
# ESC [ 201 ~ ends a paste; so does the same with the one-byte CSI, which some programs know in
# UTF-8 and some as a byte.
_ENDS: Final = (b"\x1b[201~", b"\xc2\x9b201~", b"\x9b201~")
# A program that paints what was pasted is done when it has been silent for so long. It may take
# so long to begin, and so much longer for each byte: Claude Code takes a second for a megabyte.
_SILENCE: Final = 0.15
_PAINTING: Final = 3.0
_PAINTING_A_BYTE: Final = 20e-6
_CONFIRMING: Final = 4.0
_LOOK: Final = 0.05
# So much of the prompt's end is looked for: it may be folded at the edge of the screen.
_TAIL: Final = 12
_FOLDED: Final = re.compile(r"\[Pasted [^\]]*\]", re.IGNORECASE)


def check_prompt(text: bytes) -> bytes:
    """The prompt, if it can be pasted; UsageFault else."""
    if not text.strip():
        raise UsageFault("the prompt is empty")
    if len(text) > MOST_PROMPT:
        raise UsageFault(
            f"a prompt has at most 1 MB; this one has {len(text)} bytes",
            hint="put it into a file of the agent's tree, and name that",
        )
    if any(end in text for end in _ENDS):
        raise UsageFault(
            "the prompt holds the sequence that ends a paste (ESC [ 201 ~): what follows it "
            "would be keys",
            hint="take it out, or put the text into a file of the agent's tree and name that",
        )
    return text


class Terminal:
    """One window's terminal, as far as a prompt needs it. folder: private, for texts on their way.
    written: when the program last wrote there (time.monotonic())."""

    def __init__(
        self, control: Control, folder: Path, pane: str, written: Callable[[], float]
    ) -> None:
        self._control = control
        self._folder = folder
        self._pane = pane
        self._written = written

    async def paste(self, text: bytes) -> None:
        """Pastes, by way of a file: a line of control mode holds no line breaks."""
        descriptor, path = tempfile.mkstemp(dir=self._folder, prefix="prompt-")
        name = os.path.basename(path)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(text)
            await self._control.ask("load-buffer", "-b", name, path)
        finally:
            os.unlink(path)
        # -p: with what says where it begins and ends; -r: line breaks as they are; -d: forgotten.
        await self._control.ask("paste-buffer", "-dpr", "-b", name, "-t", self._pane)

    def is_silent(self) -> bool:
        """Whether nothing has been written for a moment."""
        return time.monotonic() - self._written() >= _SILENCE

    async def press_enter(self) -> None:
        """The key that sends what was pasted."""
        await self._control.ask("send-keys", "-t", self._pane, "Enter")

    async def screen(self) -> list[str]:
        """What stands on the screen."""
        return await capture(self._control, self._folder, self._pane)


async def deliver(terminal: Terminal, text: bytes, heard: Callable[[float], bool]) -> str:
    """Pastes, presses Enter, and waits until that is seen to have had an effect; how it was seen:
    "state" (the agent's own word, asked by heard(since)), "screen", or "end" (the program has
    ended). Enter is pressed again once. Fault when nothing happened, and, with no Enter pressed,
    when the program does not show what was pasted."""
    mark = await _paste(terminal, text)
    if mark is None:
        # A dialog of its own, which Enter would answer.
        raise Fault("what was pasted is not shown: its program may be asking something")
    for _ in range(2):
        since = time.time()
        await terminal.press_enter()
        try:
            seen = await _confirm(terminal, mark, partial(heard, since))
        except ControlFault:
            return "end"
        if seen:
            return seen
    raise Fault("the prompt stands in its input, but it was not taken")


async def _paste(terminal: Terminal, text: bytes) -> Mark | None:
    """Where it stands when the program has painted it; None when it does not."""
    before = _lines(await terminal.screen())
    await terminal.paste(text)
    deadline = time.monotonic() + _PAINTING + _PAINTING_A_BYTE * len(text)
    while time.monotonic() < deadline:
        await asyncio.sleep(_LOOK)
        after = await terminal.screen()
        mark = find_mark(after, text)
        if mark.words and _lines(after) != before and terminal.is_silent():
            return mark
    return None


async def _confirm(terminal: Terminal, mark: Mark, heard: Callable[[], bool]) -> str:
    """How it was seen, "" when it was not."""
    deadline = time.monotonic() + _CONFIRMING
    while time.monotonic() < deadline:
        await asyncio.sleep(_LOOK)
        if heard():
            return "state"
        if has_moved(mark, await terminal.screen()):
            return "screen"
    return ""


@dataclass(frozen=True, slots=True)
class Mark:
    """What stands in a program's input before it is sent. words: to be found again, "" when the
    prompt is not on the screen. height: how many lines from the lowest one up, -1 for no words.
    line: the one that holds them."""

    words: str
    height: int
    line: str


def find_mark(screen: Sequence[str], prompt: bytes) -> Mark:
    """Where the end of what was pasted stands, or what a program shows in its place."""
    shown = _lines(screen)
    last = prompt.decode("utf-8", "replace").rstrip().rpartition("\n")[2].split()
    words = last[-1][-_TAIL:] if last else ""
    height, line = _find(shown, words)
    if height < 0:  # a long paste is shown folded
        folded = [found[0] for line in shown if (found := _FOLDED.search(line))]
        words = folded[-1] if folded else ""
        height, line = _find(shown, words)
    return Mark(words if height >= 0 else "", height, line)


def has_moved(mark: Mark, screen: Sequence[str]) -> bool:
    """Whether that is no longer where one types: gone, or among what was said. The same line one
    line up is what Enter does where it only begins a line of the input."""
    shown = _lines(screen)
    height, line = _find(shown, mark.words)
    return not 0 <= height <= mark.height + 1 or line != mark.line


def _lines(screen: Sequence[str]) -> list[str]:
    """Without the empty lines below."""
    lines = [line.rstrip() for line in screen]
    while lines and not lines[-1]:
        lines.pop()
    return lines


def _find(lines: Sequence[str], words: str) -> tuple[int, str]:
    """The lowest line with the words: its height and text."""
    found = [place for place, line in enumerate(lines) if words and words in line]
    return (len(lines) - found[-1], lines[found[-1]]) if found else (-1, "")
