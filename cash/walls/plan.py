"""The walls of one agent as a list of steps: what is there inside, in the order it is put there.

Planning looks at the disk and changes nothing.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from cash.content import content_folder
from cash.faults import MachineFault
from cash.walls import steps
from cash.walls.steps import Bind, Folder, Link, Place, Step
from cash.walls.toolchains import PRIVATE_FOLDERS, SYSTEM_FOLDERS, Toolchains, find_toolchains
from cash.walls.view import View

_DEVICES: Final = ("null", "zero", "full", "random", "urandom", "tty")
# What /proc shows of the whole machine: settings are frozen, its memory and keys are covered.
_FROZEN: Final = ("/proc/sys", "/proc/irq", "/proc/bus", "/proc/fs", "/proc/sysrq-trigger")
_MASKED: Final = (
    *("/proc/kcore", "/proc/keys", "/proc/key-users", "/proc/kallsyms", "/proc/timer_list"),
    *("/proc/sched_debug", "/proc/latency_stats", "/proc/acpi", "/proc/scsi", "/proc/kmsg"),
    *("/proc/kpagecount", "/proc/kpageflags", "/proc/kpagecgroup", "/sys/firmware"),
)
OWN_PROGRAMS: Final = "/run/polis/bin"
_PINS: Final = "/run/polis/pins"
# What polisd answers inside (cash.daemon.inside). A folder, since the socket in it is made anew
# by each polisd; the link is what programs are told.
DOOR: Final = "/run/polis/door"
SOCKET: Final = "/run/polis/agent.sock"
SOCKET_NAME: Final = "s"
# The user's remotes, as the agent's git is configured with them; in the same folder.
REMOTES_NAME: Final = "remotes"
REMOTES: Final = f"{DOOR}/{REMOTES_NAME}"
# The user's submodules, the same.
PARTS_NAME: Final = "parts"
PARTS: Final = f"{DOOR}/{PARTS_NAME}"
# Which interpreter has polis' packages; it starts `polis mcp`.
_PYTHON: Final = "/run/polis/python"
_SYSTEM_PATH: Final = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def plan_walls(view: View) -> tuple[Step, ...]:
    """Every step, in order. MachineFault when something the view names is not there."""
    return (
        steps.Name(view.agent),
        steps.Loopback(),
        *_system(view),
        *_devices(),
        *_kernel(),
        *_own_memory(view),
        *_own_files(),
        *_shown(view),
        *_pins(view),
        *_seals(),
    )


def writable_places(view: View) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """For Landlock, as seen inside: directories below which anything may be written, and those
    whose existing files may be."""
    folders = [view.tree, view.git_directory, view.home_inside]
    folders += [view.packages] if view.packages else []
    folders += [mount.inside for mount in view.mounts if mount.writable]
    own = ("/tmp", "/dev/shm", runtime_folder(view))
    # Not /proc, not even for a debugger: writing /proc/PID/mem is process_vm_writev by another
    # name, and the keeper, which opens files for agents, may write to every process inside.
    return (*map(str, folders), *own), ("/dev",)


def runtime_folder(view: View) -> str:
    """XDG_RUNTIME_DIR inside."""
    return f"/run/user/{view.ids[0]}"


def inside_environment(view: View) -> dict[str, str]:
    """The environment every command inside starts from."""
    proxy = f"http://127.0.0.1:{view.proxy_port}"
    path = _toolchains(view).path or tuple(_SYSTEM_PATH.split(":"))
    user = _user_name(view)
    proxies = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy")
    return {
        "HOME": str(view.home_inside),
        "USER": user,
        "LOGNAME": user,
        "SHELL": _bash(),
        "LANG": "C.UTF-8",
        "PATH": ":".join((*path, OWN_PROGRAMS)),
        "XDG_RUNTIME_DIR": runtime_folder(view),
        "POLIS_AGENT": view.agent,
        **({"POLIS_SOCKET": SOCKET} if view.door else {}),
        **dict.fromkeys(proxies, proxy),
        "NO_PROXY": "localhost,127.0.0.1,::1",
        "no_proxy": "localhost,127.0.0.1,::1",
        # Node's own fetch honours the proxy only when told (v24).
        "NODE_USE_ENV_PROXY": "1",
        **dict(view.environment),
    }


def _system(view: View) -> Iterator[Step]:
    for folder in map(str, SYSTEM_FOLDERS):
        if os.path.islink(folder):
            yield Link(folder, os.readlink(folder))
        elif os.path.isdir(folder):
            yield Folder(folder)
            yield Bind(folder, folder)
    for name in ("passwd", "group"):
        if text := _with_agent(view, name):
            yield steps.Text(f"/etc/{name}", text)
    if os.path.isfile("/etc/hosts"):
        yield steps.Text("/etc/hosts", f"{_read('/etc/hosts').rstrip()}\n127.0.1.1\t{view.agent}\n")


def _with_agent(view: View, name: str) -> str | None:
    """/etc/passwd or /etc/group with a line for the agent's uid or gid that says what its
    environment says: programs ask who they are (Node's os.userInfo throws when nobody knows), and
    some believe the passwd line rather than HOME. None when the host's own file does."""
    uid, gid = view.ids
    lines = _read(f"/etc/{name}").splitlines()
    rows = [line.split(":") for line in lines]
    if not lines:
        return None
    number, home = str(uid if name == "passwd" else gid), str(view.home_inside)
    known = next((at for at, row in enumerate(rows) if row[2:3] == [number]), None)
    if known is None:
        title = view.agent if all(row[0] != view.agent for row in rows) else f"agent-{number}"
        line = f"{title}:x:{gid}:"
        if name == "passwd":
            line = f"{title}:x:{uid}:{gid}:{view.agent}:{home}:{_bash()}"
        lines.append(line)
    elif name == "passwd" and rows[known][5:6] != [home]:
        lines[known] = ":".join((*rows[known][:5], home, *rows[known][6:]))
    else:
        return None
    return "\n".join((*lines, ""))


def _user_name(view: View) -> str:
    text = _with_agent(view, "passwd") or _read("/etc/passwd")
    rows = (line.split(":") for line in text.splitlines())
    return next((row[0] for row in rows if row[2:3] == [str(view.ids[0])]), view.agent)


def _devices() -> Iterator[Step]:
    yield steps.Memory("/dev", 0o755, size="1m")
    yield from (steps.Device(name) for name in _DEVICES)
    yield Folder("/dev/pts")
    yield steps.Terminals()
    yield Link("/dev/ptmx", "pts/ptmx")
    yield Link("/dev/fd", "/proc/self/fd")
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        yield Link(f"/dev/{name}", f"/proc/self/fd/{number}")
    yield steps.Memory("/dev/shm", 0o1777)


def _kernel() -> Iterator[Step]:
    yield Folder("/proc")
    yield steps.Processes()
    yield Folder("/sys")
    yield Bind("/sys", "/sys")
    yield from (steps.Frozen(path) for path in _FROZEN)
    yield from (steps.Mask(path) for path in _MASKED)


def _own_memory(view: View) -> Iterator[Step]:
    yield steps.Memory(runtime_folder(view), 0o700, view.ids, size="64m")
    yield Folder(OWN_PROGRAMS)
    yield Link(f"{OWN_PROGRAMS}/cash", _bash())
    yield Folder("/var")
    yield Link("/var/tmp", "/tmp")
    if view.door is not None:
        yield Folder(DOOR)
        yield Bind(_real(view.door), DOOR)
        yield Link(SOCKET, f"{DOOR}/{SOCKET_NAME}")


def _own_files() -> Iterator[Step]:
    """What polis brings along: its program inside, and what tells agents' programs of it."""
    hooks = content_folder("hooks")
    yield steps.Written(f"{OWN_PROGRAMS}/polis", _text(hooks / "inside/polis"), program=True)
    helper = _text(hooks / "inside/git-remote-polis")
    yield steps.Written(f"{OWN_PROGRAMS}/git-remote-polis", helper, program=True)
    yield steps.Written("/run/polis/mcp.py", _text(hooks / "inside/mcp.py"))
    yield steps.Written("/run/polis/SKILL.md", _text(hooks / "SKILL.md"))
    for settings in sorted(hooks.glob("*/*.json")):
        yield Folder(f"/run/polis/hooks/{settings.parent.name}")
        place = settings.relative_to(hooks)
        yield steps.Written(f"/run/polis/hooks/{place}", _text(settings))
    yield Link(_PYTHON, sys.executable)


def _shown(view: View) -> Iterator[Step]:
    """The host's folders that are this agent's, outer before inner, each with its mount point."""
    binds = sorted(_binds(view).values(), key=lambda bind: bind.target.count("/"))
    known: dict[Path, Bind] = {}
    for bind in binds:
        yield from _place(bind, known, view)
        yield bind
        known[Path(bind.target)] = bind
    for name in PRIVATE_FOLDERS:
        decoy = str(view.home_inside / name)
        if not any(f"{place}/".startswith(f"{decoy}/") for place in known):
            yield Place(str(view.home), name, view.owner)
            yield steps.Decoy(decoy)


def _pins(view: View) -> Iterator[Step]:
    """Nothing can take the place of the tree: polisd and the user's git follow its path from
    outside. A folder that is somewhere a mount point cannot be renamed or removed in that mount
    namespace, by whatever path (is_local_mountpoint in the kernel's namei.c asks for the entry
    alone), and a mount right over the tree would part it from its packages again. Landlock does
    not help: whoever may write in the home may in what is mounted below it."""
    if view.packages is None:
        return
    yield Folder(_PINS)
    yield Bind(_real(view.volume), _PINS)
    for place in (view.tree, view.packages):
        yield steps.Pin(f"{_PINS}/{place.name}", str(place))
    yield steps.Decoy(_PINS)


def _binds(view: View) -> dict[str, Bind]:
    def own(source: Path, inside: Path) -> Bind:
        return Bind(_real(source), str(inside), writable=True, mapped=view.is_mapped)

    def extra(source: Path, inside: Path, *, writable: bool) -> Bind:
        return Bind(_real(source), str(inside), writable=writable, mapped=view.is_mapped)

    binds = [
        *(Bind(_real(folder), str(folder)) for folder in _toolchains(view).folders),
        *(Bind(_real(folder), str(folder)) for folder in _own_packages(view)),
        own(view.scratch, Path("/tmp")),
        own(view.home, view.home_inside),
        *(extra(m.source, m.inside, writable=m.writable) for m in view.mounts),
        # Its objects may be unreadable to others (umask 077): mapped, as the tree is.
        Bind(_real(view.hub_objects), str(view.hub_objects), mapped=view.is_mapped),
        own(view.volume, view.volume),
        own(view.git_directory, view.git_directory),
        Bind(_real(view.git_file), str(view.tree / ".git"), mapped=view.is_mapped),
    ]
    return {bind.target: bind for bind in binds}


def _place(bind: Bind, known: dict[Path, Bind], view: View) -> Iterator[Step]:
    target = Path(bind.target)
    around = next((known[parent] for parent in target.parents if parent in known), None)
    is_folder = os.path.isdir(bind.source)
    if around is not None and around.writable:
        inner = str(target.relative_to(around.target))
        yield Place(around.source, inner, view.owner, folder=is_folder)
    elif around is None and not _is_shown(target, SYSTEM_FOLDERS):
        yield Folder(str(target if is_folder else target.parent))
        if not is_folder:
            yield steps.EmptyFile(str(target))


def _is_shown(target: Path, folders: Iterable[Path]) -> bool:
    return any(folder in target.parents for folder in folders)


def _seals() -> Iterator[Step]:
    yield steps.Seal("/dev")
    yield steps.Seal("/")


def _toolchains(view: View) -> Toolchains:
    return find_toolchains(view.path, view.home_inside)


def _own_packages(view: View) -> Iterator[Path]:
    """Where the MCP SDK lies, if it is there: `polis mcp` runs inside."""
    if any(os.path.isdir(os.path.join(entry, "mcp")) for entry in sys.path):
        shown = _toolchains(view).folders
        for folder in find_toolchains(os.path.dirname(sys.executable), view.home_inside).folders:
            if not _is_shown(folder / "x", shown):
                yield folder


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def _real(source: Path) -> str:
    if not source.exists():
        raise MachineFault(f"{source} is to be shown to the agent, but is not there")
    return os.path.realpath(source)


def _bash() -> str:
    return shutil.which("bash", path=_SYSTEM_PATH) or "/bin/sh"


def _read(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="surrogateescape") as file:
            return file.read()
    except OSError:
        return ""
