"""`polis shell NAME`: a bash inside the walls, each of whose lines is judged before it runs."""

from __future__ import annotations

import os
import re
import signal
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from cash import wire
from cash.calling import read_token
from cash.daemon.client import call, connect, ensure_running
from cash.faults import FAILED_CLOSED, Fault, UsageFault
from cash.places import Places
from cash.shell import client
from cash.shell.appearance import Appearance, fresh_line
from cash.shell.judge import Judge, Judged, Settled, fault_text, read_settled
from cash.shell.keyboard import Keyboard
from cash.shell.progress import progress
from cash.shell.prompt import Pressed, Prompt
from cash.shell.question import Answer, Question, printable, put_question
from cash.shell.relay import Relay, is_readable, write_whole
from cash.shell.resident import Ended, Over, Resident, Watched, open_resident
from cash.shell.signals import caught, read_signals, stop_self
from cash.shell.terminal import copy_modes, find_terminals, kept, set_window, take_unread, window_of

_CAUGHT = (
    signal.SIGHUP,
    signal.SIGINT,
    signal.SIGQUIT,
    signal.SIGTERM,
    signal.SIGTSTP,
    signal.SIGCONT,
    signal.SIGWINCH,
)
_CANCELLED = 130
_DIM, _PLAIN = "\x1b[2m", "\x1b[0m"
_EXIT = re.compile(r"\s*(exit|logout)(\s+\d+)?\s*")


def run_shell(places: Places, agent: str) -> int:
    """The governed shell of `agent` ("": the one whose tree this is) on this terminal; the status
    of its exit. Standard input that is no terminal is run as one line."""
    if not os.isatty(0):
        return _run_text(places, agent)
    if not os.isatty(1):
        raise UsageFault(
            "the shell needs a terminal as its standard output", hint="polis shell NAME -c LINE"
        )
    with ExitStack() as held:
        held.enter_context(kept(0))
        session = _open_session(places, agent, held)
        if isinstance(session, Over):
            return session.status
        over = session.converse()
    write_whole(2, over.text.encode())
    return over.status


def _run_text(places: Places, agent: str) -> int:
    chunks = []
    while chunk := os.read(0, 1 << 20):
        chunks.append(chunk)
    text = b"".join(chunks)
    if b"\0" in text:
        raise UsageFault("what came on standard input is no script: it holds NUL bytes")
    if len(text) > wire.LONGEST_FRAME // 2:
        raise UsageFault("what came on standard input is too long for a script")
    if not text.endswith(b"\\\n"):
        text = text.removesuffix(b"\n")  # the same line as behind -c, for whoever has allowed that
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.close(null)
    return client.run(places, agent, "line", [text])


def _open_session(places: Places, agent: str, held: ExitStack) -> _Session | Over:
    cwd = client.working_directory()
    with progress("starting polisd"):
        ensure_running(places)
    facts = call(places, "agents.show", agent=agent, cwd=os.fsdecode(cwd))
    name, tree = str(facts["name"]), str(facts["path"])
    _tell_of_rules(places, str(facts["repository"]))
    rows, columns = window_of(0)
    request = wire.RunRequest(
        token=read_token(places).encode(),
        agent=name,
        cwd=cwd,
        mode="shell",
        terminals="0" + find_terminals((1, 2)),
        rows=rows,
        columns=columns,
        environment=wire.carried_environment(os.environb.items()),
        extra=1,
    )
    keyboard = held.enter_context(Keyboard(0))
    relay = Relay(screen=1)
    connection = held.enter_context(connect(places))
    with progress(f"waiting for the walls of {name}") as waiting:
        resident, first = open_resident(connection, request, relay, waiting)
    held.callback(resident.close)
    if isinstance(first, Over):
        return first
    relay.keyboard = keyboard
    folder = Path(tree).parents[1]  # beside the volume: nothing inside can write there
    home = os.path.expanduser("~")
    appearance = Appearance(
        name, str(facts["branch"]), str(facts["mode"]), tree, home, str(folder / "git")
    )
    judge = Judge(places, name, tree)
    prompt = Prompt(judge, resident, appearance, folder / "history")
    return _Session(judge, resident, prompt, keyboard, first)


def _tell_of_rules(places: Places, repository: str) -> None:
    """Who has just saved a policy that does not load must not take its rules for being in force."""
    if trouble := call(places, "policy.show", cwd=repository)["trouble"]:
        said = f"polis: {trouble}; the last good rules stay in force\nhint: polis policy lint\n"
        write_whole(2, said.encode())


class _Session:
    """Prompt, verdict, question, run: one line after another until the shell is over."""

    def __init__(
        self, judge: Judge, resident: Resident, prompt: Prompt, keyboard: Keyboard, first: Ended
    ) -> None:
        self._judge = judge
        self._resident = resident
        self._prompt = prompt
        self._keyboard = keyboard
        self._last = first
        self._leaving = False
        if resident.relay.master is not None:
            copy_modes(keyboard.terminal, resident.relay.master)

    def converse(self) -> Over:
        """The whole conversation; how it ended."""
        while True:
            ended = self._take_turn()
            if isinstance(ended, Over):
                return ended
            self._last = ended

    def _take_turn(self) -> Ended | Over:
        match self._prompt.read(self._last.cwd, self._last.status):
            case Over() as over:
                return over
            case Pressed.CANCEL:
                return self._skip(_CANCELLED)
            case Pressed.BLANK:
                return self._skip(None)
            case Pressed.LEAVE:
                return self._run("exit")
            case Judged() as judged:
                return self._follow(judged)

    def _follow(self, judged: Judged) -> Ended | Over:
        settled = self._settle(judged)
        while settled.again:
            judged = self._judge.judge(judged.line, self._last.cwd)
            settled = self._settle(judged)
        if not settled.allowed:
            self._say(settled.refusal)
            return self._skip(settled.status)
        begun = time.monotonic()
        ended = self._run(judged.text)
        self._judge.ended(judged, ended.status, time.monotonic() - begun)
        return ended

    def _settle(self, judged: Judged) -> Settled:
        """What becomes of a judged line, after the person was asked if need be."""
        if judged.refusal:
            status = FAILED_CLOSED if judged.decision == "fault" else judged.status
            return Settled(False, judged.refusal, status)
        if judged.asked is not None:
            return self._ask(judged, judged.asked)
        if judged.rewritten:
            self._say(
                f"{_DIM}polis: rewritten by {judged.rule}: {printable(judged.text)}{_PLAIN}\n"
            )
        return Settled(True)

    def _ask(self, judged: Judged, question: Question) -> Settled:
        """Puts the question here; `polis approvals` may answer it first."""
        try:
            connection = self._judge.wait_for(question, judged.id)
        except (Fault, OSError) as fault:
            return Settled(False, fault_text(fault), FAILED_CLOSED)
        with connection, caught(_CAUGHT) as signals:
            while not is_readable(connection):
                answer = put_question(
                    question,
                    keyboard=0,
                    screen=1,
                    elsewhere=(connection.fileno(), signals),
                    explain=lambda: explain(judged),
                )
                if answer is not None:
                    self._judge.answer(question, answer)
                    break
                if not is_readable(connection) and self._heed(signals) is not None:
                    self._judge.answer(question, Answer("deny"))
                    break
            return read_settled(connection)

    def _run(self, text: str) -> Ended | Over:
        leaving = _EXIT.fullmatch(text) is not None
        # Bash leaves its stopped jobs at the second `exit` in a row, or right after `jobs`.
        source = f"jobs >/dev/null; {text}" if leaving and self._leaving else text
        self._leaving = leaving
        return self._lend(lambda watched: self._resident.run(source, watched))

    def _skip(self, status: int | None) -> Ended | Over:
        return self._lend(lambda watched: self._resident.skip(status, watched))

    def _lend(self, act: Callable[[Watched], Ended | Over]) -> Ended | Over:
        """Lends keyboard and screen to bash for one line and puts both in order behind it."""
        relay = self._resident.relay
        relay.wrote = False
        self._resize()
        with caught(_CAUGHT) as signals:
            try:
                ended = act({signals: lambda: self._heed(signals)})
            finally:
                self._keyboard.release()
        if relay.master is not None:
            self._prompt.type_ahead(take_unread(relay.master))
        if relay.wrote and isinstance(ended, Ended):
            write_whole(1, fresh_line(window_of(1)[1]))
        return ended

    def _heed(self, signals: int) -> Over | None:
        for number in read_signals(signals):
            match number:
                case signal.SIGTERM | signal.SIGHUP:
                    return Over(128 + number)
                case signal.SIGINT if self._resident.relay.master is not None:
                    os.write(self._resident.relay.master, b"\x03")
                case signal.SIGTSTP:
                    self._keyboard.release()
                    stop_self()
                case signal.SIGWINCH | signal.SIGCONT:
                    self._resize()
                case _:
                    pass
        return None

    def _resize(self) -> None:
        if self._resident.relay.master is not None:
            set_window(self._resident.relay.master, *window_of(1))

    @staticmethod
    def _say(text: str) -> None:
        write_whole(1, text.encode("utf-8", "surrogateescape"))


def explain(judged: Judged) -> str:
    """What polisd knows of a line, for a person who pressed `e`."""
    said = judged.said or {}
    lines = []
    for rule in said.get("rules") or ():
        lines.append(f"  {rule.get('id')}: {rule.get('reason')}")
        if rule.get("hint"):
            lines.append(f"    instead: {rule['hint']}")
        for choice in rule.get("choices") or ():
            lines.append(f"    {choice['meaning']}: {choice['effect']}")
    lines += [f"  runs: {printable(' '.join(command))}" for command in said.get("commands") or ()]
    return "\n".join(lines) + "\n"
