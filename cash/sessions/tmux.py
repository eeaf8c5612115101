"""The tmux that agents' programs run in: whether it is there, how it is set up, how one enters."""

from __future__ import annotations

import hashlib
import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cash.faults import MachineFault

# ignore-size, without which polisd's own client would decide how wide agents' terminals are.
LEAST: Final = (3, 2)
_MEND: Final = "apt-get install -y tmux"
COLUMNS, ROWS = 120, 40
# How one leaves a window that one has attached to.
DETACH: Final = "Ctrl-B D"

# Nothing of the user's own configuration is read. What a program inside writes to its terminal
# must reach neither the clipboard nor the title of whoever looks on; keys that would open a shell
# beside it, or lead to another agent, are not bound.
_CONFIGURATION: Final = f"""
set-option -s exit-empty on
set-option -s escape-time 10
set-option -s set-clipboard off
set-option -s default-terminal screen-256color
set-option -g default-shell /bin/sh
set-option -g default-size {COLUMNS}x{ROWS}
set-option -g history-limit 5000
set-option -g mouse off
set-option -g set-titles off
set-option -g update-environment ''
set-option -g status-left ' #{{window_name}} '
set-option -g status-left-length 40
set-option -g status-right ' polis · {DETACH}: detach '
set-option -g window-status-format ''
set-option -g window-status-current-format ''
set-window-option -g aggressive-resize on
set-window-option -g allow-rename off
set-window-option -g automatic-rename off
set-window-option -g remain-on-exit off
set-option -gq allow-passthrough off
unbind-key -a -T prefix
unbind-key -a -T root
bind-key -T prefix d detach-client
bind-key -T prefix C-b send-prefix
bind-key -T prefix [ copy-mode
bind-key -T prefix PPage copy-mode -u
"""


@dataclass(frozen=True, slots=True)
class Place:
    """Where one repository's tmux lives. session: its one session, which has a window for each
    agent. program: the tmux that is run."""

    socket: Path
    configuration: Path
    session: str
    program: str

    def argv(self, *words: str) -> tuple[str, ...]:
        """A call of this tmux."""
        return (self.program, "-S", str(self.socket), "-f", str(self.configuration), *words)


def find_place(runtime: Path, repository: str, path: str) -> Place:
    """Where the tmux of a repository lives; its configuration is written. runtime: polisd's own
    folder, which nobody else can enter. MachineFault when there is no tmux that can do it."""
    program, _ = find_tmux(path)
    folder = runtime / "tmux"
    folder.mkdir(mode=0o700, exist_ok=True)
    # A name of ten letters: a socket's path has 108 bytes.
    name = hashlib.blake2b(repository.encode(), digest_size=5).hexdigest()
    configuration = runtime / "tmux" / "conf"
    configuration.write_text(_CONFIGURATION)
    return Place(folder / name, configuration, f"polis-{name}", program)


def find_tmux(path: str) -> tuple[str, str]:
    """The tmux on that PATH and its version. MachineFault when there is none, or an old one."""
    program = shutil.which("tmux", path=path)
    if program is None:
        raise MachineFault("agents' terminals need tmux, which is not on PATH", hint=_MEND)
    try:
        ran = subprocess.run([program, "-V"], capture_output=True, text=True, timeout=5, check=True)
    except (OSError, subprocess.SubprocessError) as fault:
        raise MachineFault(f"{program} cannot be run: {fault}", hint=_MEND) from fault
    version = ran.stdout.strip().removeprefix("tmux ")
    if read_version(version) < LEAST:
        wanted = ".".join(map(str, LEAST))
        raise MachineFault(f"{program} is {version}; {wanted} or newer is needed", hint=_MEND)
    return program, version


def read_version(text: str) -> tuple[int, ...]:
    """The numbers of `3.3a`, `next-3.6`, `openbsd-7.5`; () for none, as `master` has."""
    found = re.search(r"(\d+)\.(\d+)", text)
    # What is built from the newest source has no number, and everything that is needed.
    return tuple(map(int, found.groups())) if found else (999,)


def start_server(
    place: Place, *, name: str, folder: str, argv: Sequence[str], environment: Mapping[str, str]
) -> None:
    """Starts the server with its first window. Forks: not on an event loop. MachineFault when
    tmux does not start."""
    import libtmux  # 60 ms and 5 MB: only where an agent is started
    from libtmux.exc import LibTmuxException

    server = libtmux.Server(
        socket_path=str(place.socket),
        config_file=str(place.configuration),
        tmux_bin=place.program,
    )
    try:
        server.new_session(
            session_name=place.session,
            window_name=name,
            start_directory=folder,
            attach=False,
            environment=dict(environment),
            # One word, which tmux gives to a shell; that goes at once.
            window_command=f"exec {shlex.join(argv)}",
        )
    except (LibTmuxException, OSError) as fault:
        words = " ".join(str(fault).split())
        raise MachineFault(f"tmux did not start: {words}", hint="polis doctor") from fault


def attaching(place: Place, window: str) -> tuple[str, ...]:
    """The call that shows a window at the caller's terminal: in a session of the caller's own
    that shares the windows, so that two people can look at two agents. It ends with the window,
    instead of going on to another agent's."""
    own = f"{place.session}-{os.getpid()}"
    elsewhere = f"#{{!=:#{{window_id}},{window}}}"
    leave = f"if-shell -F -t '={own}:' '{elsewhere}' 'detach-client -s ={own}'"
    return place.argv(
        *("new-session", "-t", place.session, "-s", own),
        *(";", "set-option", "destroy-unattached", "on"),
        *(";", "select-window", "-t", window),
        *(";", "set-hook", "-t", own, "session-window-changed", leave),
    )
