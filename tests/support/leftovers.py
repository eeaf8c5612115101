"""What a test session left on the machine: processes, mounts, namespaces, cgroups, files.

Only what is provably the session's own counts, so that sessions and agents beside it do not
matter: everything the tests make lies below the session's folder, and a process of theirs has
that folder in its command line, its environment, its directory or its mounts.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

_CGROUPS = Path("/sys/fs/cgroup")
_PATIENCE = 5.0


@dataclass(frozen=True)
class Snapshot:
    """What was there before the first test."""

    cgroups: frozenset[str]
    namespaces: frozenset[str]
    temporary: frozenset[str]


def look() -> Snapshot:
    """What is there now."""
    return Snapshot(
        cgroups=frozenset(_named_cgroups()),
        namespaces=_entries(Path("/run/netns")),
        temporary=frozenset(name for name in _entries(Path("/tmp")) if _is_named(name)),
    )


def find_below(folder: Path) -> list[str]:
    """One line for each process and mount that is this folder's."""
    return _wait_for_none(lambda: _find_below(folder))


def find_beside(before: Snapshot) -> list[str]:
    """One line for each thing that has no folder to be known by. Whoever asks is alone at work:
    what a worker beside it has just made, would count too."""
    return _wait_for_none(lambda: _find_beside(before))


def _wait_for_none(find: Callable[[], list[str]]) -> list[str]:
    """What is just ending gets a few seconds."""
    deadline = time.monotonic() + _PATIENCE
    while (found := find()) and time.monotonic() < deadline:
        time.sleep(0.1)
    return found


def _find_below(folder: Path) -> list[str]:
    found = [f"process {pid}: {words}" for pid, words in processes_of(folder)]
    mounts = Path("/proc/self/mountinfo").read_text().splitlines()
    return found + [f"mount: {line}" for line in mounts if os.fspath(folder) in line]


def _find_beside(before: Snapshot) -> list[str]:
    after = look()
    found = [f"network namespace: {name}" for name in sorted(after.namespaces - before.namespaces)]
    if "CI" in os.environ:  # elsewhere polis may well be at work beside the tests
        found += [f"cgroup: {path}" for path in sorted(after.cgroups - before.cgroups)]
        new = sorted(after.temporary - before.temporary)
        found += [f"file: /tmp/{name}" for name in new]
    return found


def processes_of(folder: Path) -> Iterator[tuple[int, str]]:
    """Processes of anyone, this one and its parents left out, that belong to `folder`."""
    own = _ancestors(os.getpid())
    needle = os.fsencode(folder)
    for entry in os.listdir("/proc"):
        if entry.isdigit() and int(entry) not in own and _belongs(Path("/proc", entry), needle):
            words = _read(Path("/proc", entry, "cmdline")).replace(b"\0", b" ")
            yield int(entry), words.decode(errors="replace").strip()


def _belongs(process: Path, needle: bytes) -> bool:
    if needle in _read(process / "cmdline") or needle in _read(process / "environ"):
        return True
    try:
        if needle in os.readlink(os.fsencode(process / "cwd")):
            return True
        elsewhere = os.readlink(process / "ns/mnt") != os.readlink("/proc/self/ns/mnt")
    except OSError:
        return False
    return elsewhere and needle in _read(process / "mountinfo")


def _ancestors(pid: int) -> set[int]:
    found = set()
    while pid > 0:
        found.add(pid)
        status = _read(Path(f"/proc/{pid}/stat")).rpartition(b")")[2].split()
        pid = int(status[1]) if len(status) > 1 else 0
    return found


def _is_named(name: str) -> bool:
    """Of polis, but not the folder of another session of these tests."""
    return name.startswith("polis") and not name.startswith("polis-tests-")


def _named_cgroups() -> Iterator[str]:
    for root, names, _ in os.walk(_CGROUPS):
        yield from (os.path.join(root, name) for name in names if "polis" in name)


def _entries(folder: Path) -> frozenset[str]:
    try:
        return frozenset(os.listdir(folder))
    except OSError:
        return frozenset()


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:  # ended meanwhile, or not ours to look at
        return b""
