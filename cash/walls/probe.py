"""What this machine can do, tried in a process of its own: for doctor and for choosing the mode."""

from __future__ import annotations

import errno
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Final, NoReturn

from cash.faults import MachineFault
from cash.walls import idmap, landlock, namespaces, syscalls, trap
from cash.walls.finding import Finding
from cash.walls.trial import try_walls
from cash.walls.view import ids_for

_BOOT: Final = (
    "import sys; sys.path.insert(0, sys.argv[1]); "
    "from cash.walls.probe import main; main(sys.argv[2])"
)
_PACKAGE: Final = Path(__file__).resolve().parent.parent.parent
_OLDEST_KERNEL: Final = (5, 19)
_PR_SET_NO_NEW_PRIVS: Final = 38


def probe_machine(
    folder: Path | None = None, *, python: str = sys.executable
) -> tuple[Finding, ...]:
    """Every finding, in about 0.3 s. MachineFault when the probes cannot even be run.

    folder: where walls are tried, best where agents' trees are kept (a file system may be unable
    to translate owners); the temporary folder by default. What is tried forks and changes
    namespaces, so it happens in a child without threads.
    """
    ran = subprocess.run(
        [python, "-I", "-S", "-c", _BOOT, str(_PACKAGE), str(folder or tempfile.gettempdir())],
        capture_output=True,
        stdin=subprocess.DEVNULL,
        cwd="/",
        timeout=60,
        check=False,
    )
    if ran.returncode:
        last = ran.stderr.decode(errors="replace").strip().rpartition("\n")[2]
        raise MachineFault(f"the probes could not be run: {last}")
    return tuple(Finding(**values) for values in json.loads(ran.stdout))


def main(folder: str) -> None:
    """The child: prints the findings as JSON."""
    findings = [
        *(*_kernel(), *_namespaces(), *_programs(), *_surroundings()),
        *(*_listeners(), *try_walls(folder)),
    ]
    print(json.dumps([asdict(finding) for finding in findings]))


def _kernel() -> Iterator[Finding]:
    release = platform.release()
    version = tuple(int(part) for part in release.split("-")[0].split(".")[:2] if part.isdigit())
    wanted = ".".join(map(str, _OLDEST_KERNEL))
    yield Finding(
        "kernel",
        version >= _OLDEST_KERNEL,
        f"Linux {release}; {wanted} or newer is needed",
        f"install Linux {wanted} or newer",
    )
    yield Finding(
        "machine",
        syscalls.MACHINE in ("x86_64", "aarch64"),
        f"{syscalls.MACHINE}; x86_64 and aarch64 are known",
    )
    abi = landlock.landlock_abi()
    yield Finding(
        "landlock",
        abi >= landlock.LEAST_ABI,
        f"ABI {abi}" if abi else "not there, or not in the kernel's lsm= list",
        "add landlock to lsm= on the kernel's command line and boot",
    )


def _namespaces() -> Iterator[Finding]:
    if os.geteuid() == 0:
        trouble = _try_clone(namespaces.PLAIN)
        mend = "run the container with --cap-add SYS_ADMIN --security-opt seccomp=unconfined"
        yield Finding("namespaces", not trouble, trouble or "as root", mend)
        trouble = _try_mapping()
        yield Finding("mapped owners", not trouble, trouble or "a user namespace holds the map")
        return
    trouble = _try_clone(namespaces.PLAIN | syscalls.CLONE_NEWUSER)
    yield Finding(
        "namespaces",
        not trouble,
        trouble or "user namespaces, without root",
        _mend_user_namespaces(),
    )


def _mend_user_namespaces() -> str:
    settings = {
        "kernel.apparmor_restrict_unprivileged_userns": ("1", "0"),  # Ubuntu 24.04
        "kernel.unprivileged_userns_clone": ("0", "1"),  # Debian before 11
        "user.max_user_namespaces": ("0", "10000"),
    }
    for name, (bad, good) in settings.items():
        if _read(f"/proc/sys/{name.replace('.', '/')}") == bad:
            return f"sudo sysctl -w {name}={good}"
    return "run the container with --security-opt seccomp=unconfined, or polis as root"


def _programs() -> Iterator[Finding]:
    for name, needed, mend in (
        ("git", True, "apt install git"),
        ("bash", True, "apt install bash"),
        ("cat", True, "apt install coreutils"),
        ("perl", True, "apt install perl-base"),  # waits for answers in a program's place
        ("pnpm", False, "npm install --global pnpm"),
    ):
        place = shutil.which(name)
        yield Finding(name, place is not None, place or "not on PATH", mend, needed)


def _surroundings() -> Iterator[Finding]:
    version = "v2" if os.path.exists("/sys/fs/cgroup/cgroup.controllers") else "v1"
    own = _read("/proc/self/cgroup").rpartition("::")[2] or "/"
    folder = f"/sys/fs/cgroup{own}" if version == "v2" else "/sys/fs/cgroup/memory"
    yield Finding(
        "cgroups",
        os.access(folder, os.W_OK),
        f"{version}, {folder}",
        "systemd-run --user --scope -p Delegate=yes polis up" if os.geteuid() else "",
        needed=False,
    )
    scope = _read("/proc/sys/kernel/yama/ptrace_scope") or "absent"
    yield Finding("yama", _may_trace(scope), f"ptrace_scope {scope}", _mend_yama(scope))
    yield Finding("surroundings", True, _surroundings_words(), needed=False)


def _may_trace(scope: str) -> bool:
    """Whether a keeper may stop its agent's programs at their start."""
    return scope in ("absent", "0", "1") or (scope == "2" and os.geteuid() == 0)


def _mend_yama(scope: str) -> str:
    setting = "kernel.yama.ptrace_scope=1"
    if scope == "3":  # nothing takes that back before the next boot
        return f"put {setting} into /etc/sysctl.d/99-polis.conf and boot"
    return f"sudo sysctl -w {setting}"


def _listeners() -> Iterator[Finding]:
    """What becomes of an exec that nobody listens for any more."""
    name = "an exec that no keeper judges fails"
    pid = os.fork()
    if pid == 0:
        _exec_unheard()
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    words = {0: "ENOSYS", 1: "it goes on", 2: "no listener can be had"}.get(status, "it is killed")
    yield Finding(name, status == 0, words, f"install Linux {'.'.join(map(str, _OLDEST_KERNEL))}")


def _exec_unheard() -> NoReturn:
    status = 1
    try:
        syscalls.prctl(_PR_SET_NO_NEW_PRIVS, 1)
        os.close(trap.install_trap(trap.make_trap(syscalls.MACHINE, writes=False)))
    except (OSError, KeyError):
        os._exit(2)
    try:
        os.execv("/bin/sh", ("sh", "-c", "exit 1"))
    except OSError as fault:
        status = 0 if fault.errno == errno.ENOSYS else 3
    finally:
        os._exit(status)


def _surroundings_words() -> str:
    if "microsoft" in platform.release().lower():
        return "WSL2"
    marks = {"/.dockerenv": "a Docker container", "/run/.containerenv": "a Podman container"}
    found = next((words for path, words in marks.items() if os.path.exists(path)), None)
    return found or "no container that shows itself"


def _try_clone(flags: int) -> str:
    try:
        pid, pidfd = syscalls.clone(flags)
    except OSError as fault:
        return str(fault.strerror or fault)
    if pid == 0:
        os._exit(0)
    os.waitpid(pid, 0)
    os.close(pidfd)
    return ""


def _try_mapping() -> str:
    try:
        os.close(idmap.open_map((0, 0), ids_for((0, 0))))
    except OSError as fault:
        return str(fault)
    return ""


def _read(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read().strip()
    except OSError:
        return ""
