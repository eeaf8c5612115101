"""What keepers promise, tried on this machine: walls with a keeper, around nothing, in which small
programs try to get by it. This plays polisd's part as far as that is needed."""

from __future__ import annotations

import contextlib
import os
import select
import socket
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from cash import wire
from cash.faults import Fault, MachineFault
from cash.keeper.faces import unpack_face
from cash.keeper.forking import Zygote
from cash.keeper.judging import exec_of
from cash.keeper.link import (
    Asked,
    Ended,
    Estate,
    ExecVerdict,
    Failed,
    Gone,
    KeeperLink,
    Kept,
    LetGo,
    Message,
    Ready,
    Snapshot,
)
from cash.keeper.proofs import FORBIDDEN, PERMITTED, POLICY, RACE, RACES, ROUTES, SIGHT, WORD
from cash.policy.context import Context
from cash.policy.identity import find_identities
from cash.policy.layers import Layer
from cash.policy.load import read_policy
from cash.policy.verdict import Decision
from cash.walls.finding import Finding
from cash.walls.trial import find_python, make_view, mend_walls, told
from cash.walls.view import View

_PATIENCE: Final = 15.0
_REASON: Final = "polis: denied by polis-proof\n"


def prove_keeping(folder: Path) -> Iterator[Finding]:
    """Each promise about execs, tried now. folder: where agents' trees are kept. Leaves nothing."""
    with contextlib.ExitStack() as stack:
        place = tempfile.TemporaryDirectory(prefix="polis-probe-", dir=folder)
        runtime = tempfile.TemporaryDirectory(prefix="polis-probe-")  # a socket's name is short
        root, sockets = Path(stack.enter_context(place)), stack.enter_context(runtime)
        try:
            trial = stack.enter_context(_stand_up(root, Path(sockets) / "keeper"))
            yield from _prove(trial)
        except (Fault, OSError) as fault:
            hint = fault.hint if isinstance(fault, MachineFault) else None
            yield Finding("each exec is judged", False, str(fault), mend_walls(hint))


def _prove(trial: Trial) -> Iterator[Finding]:
    yield told("each exec is judged", holds=trial.run(f"./{PERMITTED}") == (0, f"{PERMITTED}\n"))
    for promise, routes in ROUTES.items():
        got = [name for name, line in routes.items() if not _is_refused(trial, line)]
        if got:
            yield told(promise, holds=False, how=", ".join(got))
        else:
            yield told(promise, holds=True)
    python = find_python()
    if trial.run(python, "-I", "-S", "-c", "")[0] == 0:
        _, said = trial.run(python, "-I", "-S", "-c", RACE, PERMITTED, FORBIDDEN, str(RACES))
        holds = f"{FORBIDDEN}\n" not in said and said.endswith("raced\n")
        yield told("no program is swapped under its verdict", holds=holds)
    yield told("the keeper is out of sight", holds=trial.run("sh", "-c", SIGHT)[0] == 0)
    yield told("nothing goes on without the keeper", holds=trial.dies_with_its_keeper())


def _is_refused(trial: Trial, line: str) -> bool:
    """Whether the route leads to what is permitted, and not to what is forbidden."""
    _, good = trial.run("sh", "-c", line.replace(WORD, PERMITTED))
    _, bad = trial.run("sh", "-c", line.replace(WORD, FORBIDDEN))
    return f"{PERMITTED}\n" in good and f"{FORBIDDEN}\n" not in bad and _REASON in bad


@contextlib.contextmanager
def _stand_up(folder: Path, address: Path) -> Iterator[Trial]:
    view = make_view(folder)
    for name in (PERMITTED, FORBIDDEN):
        script = view.tree / name
        script.write_text(f"#!/bin/sh\necho {name}\n")
        script.chmod(0o755)
    zygote = Zygote()
    try:
        with contextlib.closing(zygote.spawn(view, address)) as link:
            trial = Trial(link, _snapshot(view))
            try:
                yield trial
            finally:
                trial.end()
                trial.estate.close()
    finally:
        zygote.stop()


def _snapshot(view: View) -> Snapshot:
    path = view.tree.parent / "policy.yaml"
    path.write_text(POLICY)
    policy = read_policy((Layer("proof", (path,)),)).policy
    identities = find_identities(policy.programs, str(view.tree))
    home = str(view.home_inside)
    return Snapshot(policy, Context(tree=str(view.tree), home=home, identities=identities))


@dataclass(slots=True)
class Trial:
    """Standing walls with their keeper. Fault when they do not come to stand."""

    link: KeeperLink
    snapshot: Snapshot
    estate: Estate = field(default_factory=Estate)
    keeper: int = 0
    count: int = 0

    def __post_init__(self) -> None:
        self.link.enforce(self.snapshot)
        self._play(lambda: self.keeper > 0, [])

    def run(self, *argv: str) -> tuple[int, str]:
        """Runs a command in the tree: its status and what it printed. Its execs are judged."""
        out = os.memfd_create("out", os.MFD_CLOEXEC)
        try:
            with self._start(argv, {1: out, 2: out}) as client:
                status = self._finish(client)
            return status, os.pread(out, 1 << 20, 0).decode(errors="replace")
        finally:
            os.close(out)

    def dies_with_its_keeper(self) -> bool:
        """Kills the keeper under a command that starts programs; whether that stops at once."""
        readable, writable = os.pipe()
        try:
            line = f"while :; do ./{PERMITTED}; done"
            with self._start(("sh", "-c", line), {1: writable}):
                os.close(writable)
                self._play(lambda: bool(select.select([readable], [], [], 0)[0]), [readable])
                self._kill_keeper()
                return _ends(readable)
        finally:
            os.close(readable)

    def _kill_keeper(self) -> None:
        """And nobody takes its place: what it left is let go of."""
        with open(os.pidfd_open(self.keeper), "rb") as process:
            os.kill(self.keeper, 9)
            select.select([process], [], [], _PATIENCE)
        for message in self.link.receive():
            if isinstance(message, Kept):
                self.estate.keep(message)
        self.estate.close()

    def _start(self, argv: tuple[str, ...], descriptors: Mapping[int, int]) -> socket.socket:
        self.count += 1
        ours, theirs = socket.socketpair()
        with theirs:
            words = [os.fsencode(word) for word in argv]
            self.link.run(f"proof-{self.count}", words, [], b"", theirs.fileno(), descriptors)
        return ours

    def _finish(self, client: socket.socket) -> int:
        kind, payload = b"", b""
        while kind != wire.EXIT:
            self._play(lambda: bool(select.select([client], [], [], 0)[0]), [client])
            kind, payload, _ = wire.receive_frame(client, 1)
        return int(payload)

    def _play(self, is_over: Callable[[], bool], others: list[Any]) -> None:
        """Answers the keeper until it is over."""
        until = time.monotonic() + _PATIENCE
        while not is_over():
            if not select.select([self.link, *others], [], [], max(0, until - time.monotonic()))[0]:
                raise MachineFault(f"no answer within {_PATIENCE:.0f} s")
            for message in self.link.receive():
                self._hear(message)

    def _hear(self, message: Message) -> None:
        match message:
            case Ready(keeper=keeper):
                self.keeper = keeper
            case Kept():
                self.estate.keep(message)
            case LetGo(what, id):
                self.estate.let_go(what, id)
            case Failed(fatal=True):
                raise MachineFault(message.message, hint=message.hint or None)
            case Gone():
                raise MachineFault("the keeper has ended")
            case Ended(id=number):
                self.link.acknowledge(number)
            case Asked(question) if "faces" in question:
                self.link.settle(question["number"], self._judge(question))
            case Asked(question) if "number" in question:
                self.link.settle_write(question["number"], allowed=True)
            case _:
                pass

    def _judge(self, question: Mapping[str, Any]) -> ExecVerdict:
        """What polisd says: the policy's word on each face, and nothing of shell texts."""
        policy, context = self.snapshot.policy, self.snapshot.context
        for values in question["faces"]:
            action = exec_of(unpack_face(values), question["cwd"], surprise=False)
            if policy.judge((action,), context).decision is Decision.DENY:
                return ExecVerdict("refuse", _REASON, 126)
        return ExecVerdict("allow")

    def end(self) -> None:
        """Takes the walls down; returns when they are."""
        until = time.monotonic() + _PATIENCE
        with contextlib.suppress(OSError):
            self.link.stop()
            while self.link.fileno() >= 0 and time.monotonic() < until:
                select.select([self.link], [], [], 0.1)
                # What ran until now is told of, and the keeper waits until that was heard.
                for message in self.link.receive():
                    if isinstance(message, Ended):
                        self._hear(message)


def _ends(readable: int) -> bool:
    """Whether nobody can write there any more, within a second."""
    until = time.monotonic() + 1
    while (left := until - time.monotonic()) > 0:
        if select.select([readable], [], [], left)[0] and not os.read(readable, 65536):
            return True
    return False
