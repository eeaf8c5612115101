"""The prompt: editing, history, the verdict beside the line, and Enter, which asks polisd."""

from __future__ import annotations

import asyncio
import contextlib
import enum
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

from prompt_toolkit import PromptSession
from prompt_toolkit.application import run_in_terminal
from prompt_toolkit.buffer import Buffer
from prompt_toolkit.enums import DEFAULT_BUFFER
from prompt_toolkit.filters import has_focus
from prompt_toolkit.formatted_text import StyleAndTextTuples
from prompt_toolkit.input.typeahead import store_typeahead
from prompt_toolkit.input.vt100_parser import Vt100Parser
from prompt_toolkit.key_binding import KeyBindings, KeyPress, KeyPressEvent
from prompt_toolkit.output.vt100 import Vt100_Output
from prompt_toolkit.styles import Style

from cash import wire
from cash.shell.appearance import Appearance, fresh_line
from cash.shell.completion import ShellCompleter
from cash.shell.history import RedactedHistory
from cash.shell.judge import Judge, Judged
from cash.shell.relay import write_whole
from cash.shell.resident import Over, Resident
from cash.shell.signals import stop_self
from cash.shell.terminal import window_of

# How long nothing is typed before the verdict on what stands there is fetched.
_PAUSE = 0.08

_STYLE = Style.from_dict(
    {
        "agent": "bold ansigreen",
        "branch": "ansiblue",
        "mode": "ansibrightblack",
        "failed": "bold ansired",
        "allow": "ansigreen",
        "rewrite": "ansicyan",
        "ask": "ansiyellow",
        "deny": "bold ansired",
        "fault": "bold ansired",
    }
)


class Pressed(enum.Enum):
    """What else a person does at a prompt than enter a line."""

    BLANK = "an empty line"
    CANCEL = "Ctrl-C"
    LEAVE = "Ctrl-D"


Typed = Judged | Pressed | Over


class Prompt:
    """Reads one judged line after another."""

    def __init__(
        self, judge: Judge, resident: Resident, appearance: Appearance, history: Path
    ) -> None:
        self._judge = judge
        self._resident = resident
        self._appearance = appearance
        self._completer = ShellCompleter(os.environ.get("PATH", os.defpath))
        self._judged: Judged | None = None
        self._seen: Judged | None = None
        self._seen_text = ""
        self._looking: asyncio.Task[None] | None = None
        output = Vt100_Output.from_pty(sys.stdout)
        # A terminal's late answer to a cursor query would be typed into the next command.
        output.enable_cpr = False
        self._session: PromptSession[Typed] = PromptSession(
            multiline=True,
            history=RedactedHistory(history),
            key_bindings=self._bind_keys(),
            completer=self._completer,
            complete_while_typing=False,
            enable_open_in_editor=False,
            prompt_continuation="> ",
            rprompt=self._verdict,
            style=_STYLE,
            output=output,
        )
        self._session.default_buffer.on_text_changed += lambda _: self._look_soon()

    def read(self, directory: str, status: int) -> Typed:
        """One judged line (also a refused one), or what was pressed instead, or the shell's end.
        directory, status: bash's own, as it reported them."""
        self._completer.directory = directory
        self._judged = self._seen = None
        self._appearance.directory, self._appearance.status = directory, status
        try:
            return self._session.prompt(
                self._appearance.describe, pre_run=self._watch, handle_sigint=False
            )
        except KeyboardInterrupt:
            return Pressed.CANCEL
        except EOFError:
            return Pressed.LEAVE

    def type_ahead(self, keys: bytes) -> None:
        """Gives the next prompt what was typed before and read by nobody."""
        pressed: list[KeyPress] = []
        parser = Vt100Parser(pressed.append)
        # The terminal inside has turned Enter into a line feed.
        parser.feed(keys.decode(errors="replace").replace("\n", "\r"))
        parser.flush()
        store_typeahead(self._session.app.input, pressed)

    def _bind_keys(self) -> KeyBindings:
        bindings = KeyBindings()

        @bindings.add("enter", filter=has_focus(DEFAULT_BUFFER))
        def _(event: KeyPressEvent) -> None:
            self._enter(event.current_buffer)

        @bindings.add("escape", "enter", filter=has_focus(DEFAULT_BUFFER))
        def _(event: KeyPressEvent) -> None:
            event.current_buffer.newline(copy_margin=False)

        @bindings.add("c-z")
        def _(event: KeyPressEvent) -> None:
            """Nothing to stop here; pressed too late for what ran, it is no part of the line."""

        return bindings

    def _enter(self, buffer: Buffer) -> None:
        if not buffer.text.strip():
            self._session.app.exit(result=Pressed.BLANK)
            return
        # A paste can hold NULs, bash's words cannot.
        text = buffer.text.replace("\0", "")
        judged = self._judge.judge(text, self._appearance.directory)
        if judged.incomplete:
            buffer.cursor_position = len(buffer.text)
            buffer.newline(copy_margin=False)
            return
        self._judged = judged
        buffer.append_to_history()
        self._session.app.exit(result=judged)

    # The verdict beside the line

    def _verdict(self) -> StyleAndTextTuples:
        judged = self._judged
        if judged is None and self._seen_text == self._session.default_buffer.text:
            judged = self._seen
        if judged is None or judged.incomplete:
            return []
        rule = f" {judged.rule}" if judged.rule and judged.decision != "allow" else ""
        return [(f"class:{judged.decision}", f"{judged.decision}{rule}")]

    def _look_soon(self) -> None:
        if self._looking is not None:
            self._looking.cancel()
        if self._session.default_buffer.text.strip():
            self._looking = self._session.app.create_background_task(self._look())

    async def _look(self) -> None:
        await asyncio.sleep(_PAUSE)
        text = self._session.default_buffer.text
        with contextlib.suppress(wire.ConnectionEnded, OSError):
            self._seen = await self._judge.look(text, self._appearance.directory)
            self._seen_text = text
            self._session.app.invalidate()

    # What else happens while the prompt waits

    def _watch(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, self._end, Over(128 + number))
        loop.add_signal_handler(signal.SIGTSTP, self._in_terminal, stop_self)
        loop.add_reader(self._resident.connection, self._hear)
        if self._resident.relay.master is not None:
            loop.add_reader(self._resident.relay.master, self._show_background)

    def _end(self, over: Over) -> None:
        if not self._session.app.is_done:
            self._session.app.exit(result=over)

    def _hear(self) -> None:
        over = self._resident.hear()
        if over is not None:
            asyncio.get_running_loop().remove_reader(self._resident.connection)
            self._end(Over(over.status, over.text or "polis: the shell in the walls has ended\n"))

    def _show_background(self) -> None:
        """Output of a job in the background goes above the prompt."""
        loop = asyncio.get_running_loop()
        master = self._resident.relay.master
        data = self._resident.relay.read_now()
        if self._resident.relay.master is None and master is not None:
            loop.remove_reader(master)
        if data:
            _, columns = window_of(1)
            self._in_terminal(lambda: write_whole(1, data + fresh_line(columns)))

    @staticmethod
    def _in_terminal(act: Callable[[], None]) -> None:
        run_in_terminal(act)
