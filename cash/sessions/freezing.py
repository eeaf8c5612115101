"""Holding all of an agent's processes still: by the kernel's freezer where there is one, else by
a signal to each."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Final

from cash.faults import Fault

_PATIENCE: Final = 3.0
# A process that forks while it is looked for leaves another one: looked for again.
_MOST_ROUNDS: Final = 20

Find = Callable[[], Collection[int]]


def freeze(name: str, find: Find) -> str:
    """Holds still what `find` gives, and what that starts meanwhile; how: "freezer" (nobody
    inside can tell) or "signal". name: of the agent, fit for a folder. Fault when not all of it
    stands still; then all of it goes on."""
    group = _make_group(name)
    try:
        if group is not None:
            _gather(group, find)
            _switch(group, frozen=True)
            return "freezer"
        _stop_all(find)
    except (OSError, Fault) as fault:
        thaw(name, find)
        words = fault.message if isinstance(fault, Fault) else str(fault)
        raise Fault(f"not everything stands still: {words}", hint="try again") from fault
    return "signal"


def thaw(name: str, find: Find) -> None:
    """Lets everything go on. Again is fine."""
    group = _group(name)
    if group is not None:
        with contextlib.suppress(OSError):
            _switch(group, frozen=False)
        _dissolve(group)
    else:
        for pid in find():
            send_signal(pid, signal.SIGCONT)


def places() -> list[Path]:
    """Where a cgroup that freezes could be made: below polisd's own, first of the first version,
    then of the second, which can freeze without any controller (cgroup-v2.rst, cgroup.freeze), be
    it the only one or mounted beside the first."""
    try:
        groups = Path("/proc/self/cgroup").read_text().splitlines()
        mounts = Path("/proc/self/mountinfo").read_text().splitlines()
    except OSError:
        return []
    own = {tuple(line.split(":", 2)[1].split(",")): line.split(":", 2)[2] for line in groups}
    found: dict[str, Path] = {}
    for mount in mounts:
        before, _, after = mount.partition(" - ")
        root, where = before.split()[3:5]
        kind, _, options = after.split(" ", 2)
        controllers = ("",) if kind == "cgroup2" else tuple(options.split(","))
        for names, path in own.items():
            is_it = kind == "cgroup2" if names == ("",) else "freezer" in names
            if is_it and set(names) <= set(controllers) and _is_below(path, root):
                found.setdefault(kind, Path(where) / path[len(root) :].lstrip("/"))
    return [found[kind] for kind in ("cgroup", "cgroup2") if kind in found]


def _is_below(path: str, root: str) -> bool:
    return root == "/" or path == root or path.startswith(f"{root}/")


def _group(name: str) -> Path | None:
    """The agent's own cgroup, if it has one."""
    groups = (place / f"polis-{name}" for place in places())
    return next((group for group in groups if group.is_dir()), None)


def _make_group(name: str) -> Path | None:
    for place in places():
        group = place / f"polis-{name}"
        try:
            group.mkdir(exist_ok=True)
        except OSError:  # not delegated to this user, or read-only in a container
            continue
        if any((group / one).exists() for one in ("freezer.state", "cgroup.freeze")):
            return group
        _dissolve(group)
    return None


def _gather(group: Path, find: Find) -> None:
    """Moves all of them in; children are born where their parent is."""
    for _ in range(_MOST_ROUNDS):
        inside = set(map(int, (group / "cgroup.procs").read_text().split()))
        outside = set(find()) - inside
        if not outside:
            return
        for pid in outside:
            with contextlib.suppress(ProcessLookupError):
                (group / "cgroup.procs").write_text(str(pid))
    raise Fault("it starts processes faster than they are found")


def _switch(group: Path, *, frozen: bool) -> None:
    first = group / "freezer.state"
    deadline = time.monotonic() + _PATIENCE
    if first.exists():
        word = "FROZEN" if frozen else "THAWED"
        first.write_text(word)
        while first.read_text().strip() != word:
            _wait(deadline)
        return
    (group / "cgroup.freeze").write_text("1" if frozen else "0")
    while f"frozen {int(frozen)}" not in (group / "cgroup.events").read_text():
        _wait(deadline)


def _wait(deadline: float) -> None:
    if time.monotonic() > deadline:
        raise Fault("the kernel does not freeze it in time")
    time.sleep(0.005)


def _dissolve(group: Path) -> None:
    """Back into polisd's own cgroup, where they were."""
    deadline = time.monotonic() + _PATIENCE
    while group.is_dir() and time.monotonic() < deadline:
        with contextlib.suppress(OSError):
            for pid in (group / "cgroup.procs").read_text().split():
                with contextlib.suppress(ProcessLookupError):
                    (group.parent / "cgroup.procs").write_text(pid)
        try:
            os.rmdir(group)
        except OSError:
            time.sleep(0.005)


def _stop_all(find: Find) -> None:
    stopped: set[int] = set()
    for _ in range(_MOST_ROUNDS):
        fresh = set(find()) - stopped
        if not fresh:
            return
        for pid in fresh:
            send_signal(pid, signal.SIGSTOP)
        stopped |= fresh
    raise Fault("it starts processes faster than they are found")


def send_signal(pid: int, number: signal.Signals) -> None:
    """By a pidfd, and to what has ended it is none: the number may be another's by then."""
    with contextlib.suppress(OSError):
        descriptor = os.pidfd_open(pid)
        try:
            signal.pidfd_send_signal(descriptor, number)
        finally:
            os.close(descriptor)
