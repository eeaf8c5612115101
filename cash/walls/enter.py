"""Builds the walls, and puts processes inside them: the only place where steps are applied."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NoReturn

from cash.faults import MachineFault
from cash.walls import capabilities, idmap, landlock, mounts, namespaces, seccomp, syscalls
from cash.walls.passing import receive_with, send_with
from cash.walls.plan import plan_walls, writable_places
from cash.walls.steps import Stage, Step
from cash.walls.view import View

_SYSTEM_PATH: Final = "/usr/bin:/bin"
# Building takes milliseconds; a device that hangs must not hang the keeper for ever.
_PATIENCE: Final = 20.0


@dataclass(frozen=True, slots=True)
class Walls:
    """Standing walls. holder: its pid, a child of who raised them; pidfd: the same, to join or
    wait for; proxy: a TCP socket listening at the view's proxy port inside, before any command
    could; lifeline: the walls end when its last copy is closed; ruleset: the Landlock ruleset,
    made inside (None when the view goes without)."""

    view: View
    holder: int
    pidfd: int
    proxy: int
    lifeline: int
    ruleset: int | None

    def close(self) -> None:
        """Lets go of the descriptors; the network they belong to ends with the last."""
        for descriptor in self.descriptors:
            os.close(descriptor)

    @property
    def descriptors(self) -> list[int]:
        """All that they are held by, the ruleset last."""
        ruleset = [] if self.ruleset is None else [self.ruleset]
        return [self.pidfd, self.proxy, self.lifeline, *ruleset]


def raise_walls(view: View) -> Walls:
    """Makes the walls and their holder. MachineFault names the step that this machine refused."""
    plan = plan_walls(view)
    waiter = shutil.which("cat", path=_SYSTEM_PATH)
    if waiter is None:
        raise MachineFault("no cat program was found", hint="apt install coreutils")
    owners = idmap.open_map(view.owner, view.ids) if view.is_mapped else None
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    # A socket and no pipe: nobody inside can open an end of it by the holder's /proc.
    lifeline, life = socket.socketpair()
    with ours, theirs, lifeline, life:
        try:
            holder, pidfd = syscalls.clone(namespaces.namespaces_of(view))
        except OSError as fault:
            raise MachineFault(
                f"this machine refuses new namespaces ({fault.strerror})", hint="polis doctor"
            ) from fault
        if holder == 0:
            lifeline.close()
            _hold(view, plan, Stage(owners), theirs, (waiter, life.fileno()))
        theirs.close()
        if owners is not None:
            os.close(owners)
        try:
            proxy, ruleset = _hear(ours)
        except MachineFault:
            signal.pidfd_send_signal(pidfd, signal.SIGKILL)
            os.waitpid(holder, 0)
            os.close(pidfd)
            raise
        return Walls(view, holder, pidfd, proxy, lifeline.detach(), ruleset)


def confine(view: View, ruleset: int | None) -> None:
    """Takes from the caller, which is inside already, everything it must never have again."""
    capabilities.drop_everything(view.ids, become=view.mode == "full")
    namespaces.hide_process()  # changing ids made the process readable again
    if ruleset is not None:
        landlock.enter_domain(ruleset)
    seccomp.install(seccomp.make_filter(syscalls.MACHINE, debug=view.debug))


def _hear(holder: socket.socket) -> tuple[int, int | None]:
    holder.settimeout(_PATIENCE)
    try:
        data, descriptors = receive_with(holder, 65536, 2)
    except TimeoutError:
        raise MachineFault("the walls did not stand up in time", hint="polis doctor") from None
        # The end of the socket says that the holder's exec went well.
        data = holder.recv(65536) or data
    report = json.loads(data) if data else {"trouble": "the holder of the walls died"}
    if trouble := report.get("trouble"):
        raise MachineFault(trouble, hint=report.get("hint") or "polis doctor")
    proxy, *rulesets = descriptors
    return proxy, rulesets[0] if rulesets else None


def _hold(
    view: View,
    plan: Sequence[Step],
    stage: Stage,
    keeper: socket.socket,
    waiter: tuple[str, int],
) -> NoReturn:
    """Process 1: puts everything in its place, then waits until the walls are to end."""
    doing = "user namespace"
    try:
        if view.mode == "rootless":
            namespaces.map_own_ids(view.ids)
        doing = "stage"
        mounts.open_stage()
        for step in plan:
            doing = step.describe()
            step.apply(stage)
        doing = "new root"
        mounts.close_stage()
        doing = "proxy port"
        proxy = socket.create_server(("127.0.0.1", view.proxy_port), backlog=128)
        doing = "confinement"
        ruleset = _make_ruleset(view)
        confine(view, ruleset)
        # Its user must be able to join what the holder holds, at every moment of its exec; there
        # is nobody inside yet to hide from, and cat has no secrets.
        namespaces.show_process()
        rulesets = [] if ruleset is None else [ruleset]
        send_with(keeper, b"{}", [proxy.fileno(), *rulesets])
        _wait(*waiter)
    except BaseException as fault:
        words, hint = str(fault), fault.hint if isinstance(fault, MachineFault) else None
        report = {"trouble": f"the walls could not be built: {doing}: {words}", "hint": hint}
        keeper.send(json.dumps(report).encode())
        os._exit(1)


def _make_ruleset(view: View) -> int | None:
    if not view.landlock:
        return None
    return landlock.make_ruleset(*writable_places(view))


def _wait(program: str, life: int) -> NoReturn:
    """It reads from a socket that nobody writes to: the end of that is the end of the walls, so
    that they outlive a keeper, and not all who hold them."""
    # Ignored signals survive exec: the kernel reaps every orphan itself, and no Python stays.
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    os.chdir("/")
    nothing = os.open("/dev/null", os.O_RDWR | os.O_CLOEXEC)
    for number, descriptor in enumerate((life, nothing, nothing)):
        os.dup2(descriptor, number, inheritable=True)
    os.execve(program, ["cat"], {})
