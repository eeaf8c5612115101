"""The keeper of one agent: makes its walls, has commands started in them, has each exec below
them judged, reports how they end.

One loop, no threads, nothing heavy. It outlives polisd: whoever of the same user connects to its
socket and says "attach" hears what has not been acknowledged yet.
"""

from __future__ import annotations

import contextlib
import errno
import os
import signal
import socket
from typing import Any, Final

from cash.faults import MachineFault
from cash.keeper import messages, starter
from cash.keeper.environment import OwnEnvironment
from cash.keeper.estate import Will
from cash.keeper.heir import Heir
from cash.keeper.limits import Limits, allow_descriptors
from cash.keeper.links import Links
from cash.keeper.loop import Loop
from cash.keeper.messages import Asked, Ended, Failed, Listening, Message, Ready
from cash.keeper.recorder import Recorder
from cash.keeper.runner import Runner
from cash.keeper.starter import Start
from cash.keeper.starters import Starters
from cash.keeper.supervision import Supervision
from cash.walls import capabilities, enter, namespaces
from cash.walls.enter import Walls
from cash.walls.plan import inside_environment
from cash.walls.view import View

# How long walls in which no command runs stand without a polisd: nobody uses them.
_ALONE: Final = 600.0
# How long a keeper whose walls have ended waits for somebody to take its last reports.
_LAST_WORDS: Final = 24 * 3600.0


class Keeper:
    """See the module. `run` returns when there is nothing left to keep."""

    def __init__(self, view: View, address: str, owner: socket.socket, usual: Limits) -> None:
        """usual: how many files commands may have open."""
        self._view = view
        self._usual = usual
        self._loop = Loop()
        self._links = Links(self._loop, address, self)
        self._will = Will(self._links.tell, lambda: self._links.is_attached)
        self._heir = Heir()
        self._runners: dict[str, Runner] = {}
        self._walls: Walls | None = None
        self._supervision: Supervision | None = None
        self._starters: Starters | None = None
        self._over = False
        self._links.add(owner)
        self._links.attach(owner)

    def run(self, *, succeeds: bool) -> None:
        """Makes the walls, or takes up those of a keeper that was killed; then serves until they
        have ended and every report is taken."""
        try:
            if succeeds:
                self._await_estate()
                ready = self._take_over()
            else:
                self._settle_in(enter.raise_walls(self._view), Recorder(), 0)
                ready = self._ready()
            self._links.open_door()
        except (MachineFault, OSError) as fault:
            hint = fault.hint if isinstance(fault, MachineFault) else None
            self._links.tell(Failed(str(fault), hint or ""))
            return  # the walls, if they stand, end with this process
        self._links.tell(ready)
        if self._supervision is not None:
            self._supervision.forget_dead()
        for values, descriptors in self._heir.later:
            self.obey(values, descriptors)
        while not self._is_done():
            self._loop.run_once()
        self._links.close_door()

    def _settle_in(self, walls: Walls, recorder: Recorder, generation: int) -> None:
        self._walls = walls
        self._environment = inside_environment(self._view)
        self._starters = Starters(self._loop, walls, self._commands, self._usual)
        try:
            self._starters.start()
        except OSError:
            if generation == 0:
                raise
            # Where agents use up all processes there may be, a keeper can be replaced all the same.
        self._supervision = Supervision(
            self._loop,
            walls,
            self._ask,
            self._links.tell,
            lambda: self._links.is_quiet,
            self._is_command,
            OwnEnvironment.of(self._environment),
            self._say,
            self._will,
            recorder,
            generation,
        )
        self._loop.watch(walls.pidfd, self._holder_ended)
        values = {"holder": walls.holder, "generation": generation}
        descriptors = (walls.pidfd, walls.proxy, walls.lifeline, recorder.descriptor)
        ruleset = () if walls.ruleset is None else (walls.ruleset,)
        self._will.leave("walls", "", values, *descriptors, *ruleset)

    # After a keeper that was killed

    def _await_estate(self) -> None:
        """OSError: who hands it down is gone. What is here by then must not keep the walls up, for
        nobody would ever answer what waits at the rest."""
        while not self._heir.is_complete:
            if not self._links.is_attached:
                raise OSError(errno.ECONNRESET, "polisd has ended")
            self._loop.run_once()

    def _take_over(self) -> Ready:
        """Does what there is to do with all that was handed down."""
        heir = self._heir
        self._settle_in(*heir.walls(self._view))
        assert self._supervision is not None
        self._supervision.obey(*heir.policy)
        for told in heir.claims:
            self._supervision.obey(told, [])
        for id, known in heir.commands():
            runner = self._make_runner(id, **known)
            runner.inherit(heir.process(id), heir.terminal(id))
        for place, listener, values in heir.listeners():
            self._supervision.inherit(place, listener, values)
        return self._ready(self._supervision.take_over())

    # Links

    def attached(self) -> list[Message]:
        """What somebody who listens from now on hears first."""
        if self._walls is None:
            return []
        if self._supervision is not None:
            self._supervision.meet_polisd()
        return [self._ready(), *self._will.read()]

    def detached(self) -> None:
        """polisd went away: what hangs on its word is refused, the rest goes on."""
        if self._supervision is not None:
            self._supervision.lose_polisd()
        self._loop.call_later(_ALONE, self._end_when_alone)

    def _ready(self, died: tuple[tuple[str, ...], ...] = ()) -> Ready:
        holder = self._walls.holder if self._walls else 0
        return Ready(tuple(self._runners), os.getpid(), holder, died)

    def _end_when_alone(self) -> None:
        if not self._links.is_attached and not self._runners:
            self._end_walls()

    def _ask(self, question: dict[str, Any]) -> bool:
        if self._links.is_attached:
            self._links.tell(Asked(question))
        return self._links.is_attached

    def obey(self, values: dict[str, Any], descriptors: list[int]) -> None:
        """Does what polisd asks for."""
        try:
            self._obey(values, descriptors)
        except Exception as fault:  # whatever it is, the commands inside must not die of it
            words = f"{self._view.agent}: could not be done: {fault!r}"
            self._links.tell(Failed(words, fatal=False))

    def _obey(self, values: dict[str, Any], descriptors: list[int]) -> None:
        match values.get("do"):
            case _ if self._supervision is None:
                self._heir.take(values, descriptors)
            case "run":
                self._run_command(values, descriptors)
            case "listen":
                self._listen(values["port"])
            case "stop":
                self._end_walls()
            case "enforce" | "claims" | "verdict" | "predict":
                self._supervision.obey(values, descriptors)
            case "end" if runner := self._runners.get(values["id"]):
                runner.hear_end(values["end"])
            case other:
                words = f"the keeper does not know {other!r}, or not yet"
                self._links.tell(Failed(words, fatal=False))

    # Commands

    def _run_command(self, values: dict[str, Any], descriptors: list[int]) -> None:
        try:
            start = self._read_start(values, descriptors[1:])
            if values["id"] in self._runners:
                raise ValueError(f"{values['id']} is running")
            ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        except BaseException:
            for descriptor in descriptors:
                os.close(descriptor)
            raise
        known = {
            "report": values["report"],
            "awaits_master": "1" in start.terminals,
            "begun": False,
            "judged": values["judged"],
            **{name: values[name] for name in ("predicted", "names")},
            # Where there are debuggers, its start is compared with what was judged.
            **({"start": values["argv"]} if self._view.debug else {}),
        }
        client = socket.socket(fileno=descriptors[0])
        runner = self._make_runner(values["id"], known=known, client=client, news=ours)
        try:
            if self._starters is None or self._over:
                raise OSError(10, "they have ended")
            self._starters.ask(start, theirs.fileno())
        except OSError as fault:
            runner.refuse(f"{self._view.agent}: its walls take no commands: {fault.strerror}")
        finally:
            theirs.close()
            for descriptor in descriptors[1:]:
                os.close(descriptor)

    def _make_runner(
        self,
        id: str,
        *,
        known: dict[str, Any],
        client: socket.socket | None,
        news: socket.socket | None,
    ) -> Runner:
        def watch(listener: int) -> None:
            assert self._supervision is not None
            self._supervision.watch(listener, {"id": id, **known})

        runner = self._runners[id] = Runner(
            self._loop,
            self._will,
            self._command_ended,
            watch,
            id=id,
            known=known,
            client=client,
            news=news,
        )
        return runner

    def _commands(self) -> list[int]:
        """And what else is a child of this process, and no stranger."""
        own = self._supervision.saving.pids if self._supervision is not None else ()
        return [*own, *(runner.pid for runner in self._runners.values())]

    def _say(self, number: str, text: str) -> None:
        if number in self._runners:
            self._runners[number].say(text)

    def _is_command(self, pid: int) -> bool:
        return any(runner.pid == pid and runner.is_own for runner in self._runners.values())

    def _read_start(self, values: dict[str, Any], descriptors: list[int]) -> Start:
        return Start(
            argv=[messages.to_bytes(word) for word in values["argv"]],
            environment=self._environment_with(values["environment"]),
            cwd=messages.to_bytes(values["cwd"]) or os.fsencode(self._view.tree),
            descriptors=dict(zip(values["numbers"], descriptors, strict=True)),
            terminals=values["terminals"],
            rows=values["rows"],
            columns=values["columns"],
            errand=values["judged"] == "errand",
            writes=values["judged"] == "write",
        )

    def _environment_with(self, entries: list[str]) -> dict[bytes, bytes]:
        environment = {os.fsencode(k): os.fsencode(v) for k, v in self._environment.items()}
        for entry in entries:
            name, _, value = messages.to_bytes(entry).partition(b"=")
            environment[name] = value
        return environment

    def _command_ended(self, ended: Ended) -> None:
        self._runners.pop(ended.id, None)
        if not self._links.is_attached:
            self._loop.call_later(_ALONE, self._end_when_alone)
        if self._supervision is not None:
            self._supervision.report(ended.id)
        self._links.report(ended)

    # Walls

    def _listen(self, port: int) -> None:
        if self._walls is None or self._over:
            return
        try:
            if port == self._view.proxy_port:
                descriptor = os.dup(self._walls.proxy)
            else:
                descriptor = starter.open_listener(self._walls, port)
        except OSError as fault:
            self._links.tell(Failed(f"port {port} inside: {fault.strerror}", fatal=False))
            return
        self._links.tell(Listening(port, descriptor))

    def _end_walls(self) -> None:
        """Everything inside dies with the holder, and is reaped by the loop. Waiting for the holder
        here would be for ever: it ends only after every process inside has been reaped."""
        self._over = True
        if self._walls is not None:
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._walls.pidfd, signal.SIGKILL)

    def _holder_ended(self, _events: int) -> None:
        walls, self._walls = self._walls, None
        assert walls is not None
        self._loop.forget(walls.pidfd)
        with contextlib.suppress(ChildProcessError):  # it may be an earlier keeper's
            os.waitpid(walls.holder, 0)
        self._will.take_back("walls", "")
        walls.close()
        if not self._over:
            words = f"the walls of {self._view.agent} have ended: their first process was killed"
            self._links.tell(Failed(words))
        self._over = True
        self._loop.call_later(_LAST_WORDS, self._links.forget_reports)

    def _is_done(self) -> bool:
        is_started = self._starters is not None and self._starters.is_there
        are_gone = self._walls is None and not is_started and not self._runners
        return self._over and are_gone and self._links.is_told


def keep(view: View, address: str, owner: socket.socket, *, succeeds: bool) -> None:
    """The life of a keeper process, just forked from the zygote. succeeds: another one's place."""
    os.setsid()
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    os.umask(0o022)
    namespaces.hide_process()
    capabilities.leave_keyring()
    Keeper(view, address, owner, allow_descriptors()).run(succeeds=succeeds)
