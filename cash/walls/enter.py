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

_PR_SET_PDEATHSIG: Final = 1
_SYSTEM_PATH: Final = "/usr/bin:/bin"
# Building takes milliseconds; a device that hangs must not hang the keeper for ever.
_PATIENCE: Final = 20.0


@dataclass(frozen=True, slots=True)
class Walls:
    """Standing walls. holder: its pid, a child of the caller; pidfd: the same, to join or wait
    for; proxy: a TCP socket listening at the view's proxy port inside, before any command could;
    ruleset: the Landlock ruleset, made inside (None when the view goes without)."""

    view: View
    holder: int
    pidfd: int
    proxy: int
    ruleset: int | None

    def close(self) -> None:
        """Lets go of the descriptors; the network they belong to ends with the last."""
        for descriptor in (self.pidfd, self.proxy, self.ruleset):
            if descriptor is not None:
                os.close(descriptor)


def raise_walls(view: View) -> Walls:
    """Makes the walls and their holder. MachineFault names the step that this machine refused."""
    plan = plan_walls(view)
    sleep = shutil.which("sleep", path=_SYSTEM_PATH)
    if sleep is None:
        raise MachineFault("no sleep program was found", hint="apt install coreutils")
    owners = idmap.open_map(view.owner, view.ids) if view.is_mapped else None
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    try:
        holder, pidfd = syscalls.clone(namespaces.namespaces_of(view))
    except OSError as fault:
        raise MachineFault(
            f"this machine refuses new namespaces ({fault.strerror})", hint="polis doctor"
        ) from fault
    if holder == 0:
        _hold(view, plan, Stage(owners), theirs, sleep)
    theirs.close()
    if owners is not None:
        os.close(owners)
    with ours:
        try:
            return Walls(view, holder, pidfd, *_hear(ours))
        except MachineFault:
            signal.pidfd_send_signal(pidfd, signal.SIGKILL)
            os.waitpid(holder, 0)
            os.close(pidfd)
            raise


def confine(view: View, ruleset: int | None) -> None:
    """Takes from the caller, which is inside already, everything it must never have again."""
    capabilities.drop_everything(view.ids, become=view.mode == "full")
    namespaces.hide_process()  # changing ids made the process readable again
    if ruleset is not None:
        landlock.enter_domain(ruleset)
    seccomp.install(seccomp.make_filter(syscalls.MACHINE, debug=view.debug))


def die_with_parent() -> None:
    """The kernel kills the caller when its parent ends. Changing ids undoes it, so comes last."""
    syscalls.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


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
    view: View, plan: Sequence[Step], stage: Stage, keeper: socket.socket, sleep: str
) -> NoReturn:
    """Process 1: puts everything in its place, then sleeps for as long as the walls stand."""
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
        # is nobody inside yet to hide from, and sleep has no secrets.
        namespaces.show_process()
        die_with_parent()
        rulesets = [] if ruleset is None else [ruleset]
        send_with(keeper, b"{}", [proxy.fileno(), *rulesets])
        _sleep(sleep)
    except BaseException as fault:
        words, hint = str(fault), fault.hint if isinstance(fault, MachineFault) else None
        report = {"trouble": f"the walls could not be built: {doing}: {words}", "hint": hint}
        keeper.send(json.dumps(report).encode())
        os._exit(1)


def _make_ruleset(view: View) -> int | None:
    if not view.landlock:
        return None
    return landlock.make_ruleset(*writable_places(view))


def _sleep(program: str) -> NoReturn:
    # Ignored signals survive exec: the kernel reaps every orphan itself, and no Python stays.
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    os.chdir("/")
    nothing = os.open("/dev/null", os.O_RDWR | os.O_CLOEXEC)
    for number in range(3):
        os.dup2(nothing, number, inheritable=True)
    os.execve(program, ["sleep", "infinity"], {})
