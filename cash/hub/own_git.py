"""A person's own git under the mutex: as typed, in their environment and at their terminal.

What only looks is git itself, in this process' place. What changes something that worktrees share
runs below, while this process holds it. Where polis has not adopted the repository, git is git.
"""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
from collections.abc import Sequence
from types import FrameType
from typing import Final, NoReturn

from cash.faults import MachineFault
from cash.hub.account import own_account
from cash.hub.git_line import split_line
from cash.hub.holders import tell_command, this_process
from cash.hub.levels import NOTHING, Need, reading
from cash.hub.lock_table import need_of
from cash.hub.marker import read_marker
from cash.hub.mutex import Held, hold
from cash.hub.orphans import has_private_locks
from cash.hub.stashes import aim, list_entries, note_entries
from cash.hub.surroundings import Place, RealSurroundings

# They need no lock, but stumble over one that a killed git has left in the worktree.
_INDEXING: Final = frozenset(
    ("add", "apply", "checkout", "mv", "read-tree", "reset", "restore", "rm", "update-index")
)
_STASH: Final = "refs/stash"
_COLLECTING: Final = frozenset(("gc", "maintenance"))
_PATIENT: Final = ("core.filesRefLockTimeout=2000", "core.packedRefsTimeout=5000")
# In the background it would go on when the hub is held no more.
_FOREGROUND: Final = ("gc.autoDetach=false", "maintenance.autoDetach=false")
_NO_COLLECTING: Final = ("gc.auto=0", "maintenance.auto=false")
_PASSED_ON: Final = (signal.SIGTERM, signal.SIGHUP)


def run_git(words: Sequence[str]) -> int:
    """Runs `git WORDS…`; its status, that of a shell where a signal ended it. Does not return when
    git takes this process' place. Raises BusyFault when somebody else holds what it needs."""
    line = split_line(words)
    around = RealSurroundings(line.place)
    need = need_of(words, around)
    if need == NOTHING and line.operation not in _INDEXING:
        _become(words)
    place = around.place
    if place is None or read_marker(place.common_dir) is None:
        _become(words)
    if need == NOTHING:
        if not has_private_locks(place.git_directory):
            _become(words)
        need = reading()
    return _end_alike(_run_held(words, line.operation, place, need))


def _run_held(words: Sequence[str], operation: str, place: Place, need: Need) -> int:
    account = own_account()
    holder = this_process(account.name, tell_command(["git", *words]))
    with hold(place.common_dir, account, need, holder, git_directory=place.git_directory) as held:
        for name in held.cleaned:
            sys.stderr.write(f"polis: {name} was left by a git that was killed: it is gone\n")
        if _STASH not in need.exclusive:
            return _attend(words, operation, held)
        before = list_entries(place)
        status = _attend(aim(words, place), operation, held)
        note_entries(place, before)
        return status


def _attend(words: Sequence[str], operation: str, held: Held) -> int:
    """As subprocess tells it: minus the signal. The user's own descriptors go on to git, too."""
    for descriptor in held.descriptors:
        os.set_inheritable(descriptor, True)
    settings = [*_PATIENT, *_FOREGROUND]
    settings += _NO_COLLECTING if operation not in _COLLECTING else ()
    options = [word for setting in settings for word in ("-c", setting)]
    told: list[int] = []

    def pass_on(number: int, _frame: FrameType | None) -> None:
        told.append(number)
        if process is not None:
            process.send_signal(number)

    process: subprocess.Popen[bytes] | None = None
    number: int
    for number in _PASSED_ON:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, pass_on)
    environment = {**os.environ, **dict(held.environment)}
    try:
        process = subprocess.Popen(["git", *options, *words], env=environment, close_fds=False)
    except FileNotFoundError as missing:
        raise _no_git() from missing
    for number in told:
        process.send_signal(number)
    while True:
        try:
            return process.wait()
        except KeyboardInterrupt:
            continue  # the terminal has told git as well: how that ends, it says itself


def _become(words: Sequence[str]) -> NoReturn:
    sys.stdout.flush()
    for number in (signal.SIGPIPE, signal.SIGXFSZ):  # Python has changed these
        signal.signal(number, signal.SIG_DFL)
    try:
        os.execvp("git", ["git", *words])
    except FileNotFoundError as missing:
        raise _no_git() from missing


def _no_git() -> MachineFault:
    return MachineFault("git is not installed", hint="apt install git")


def _end_alike(status: int) -> int:
    """Ends as git did: a shell tells a command that a signal ended from one that failed."""
    if status < 0:
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # git has left one, if it was to
        if -status != signal.SIGKILL:
            signal.signal(-status, signal.SIG_DFL)
        os.kill(os.getpid(), -status)
    return status if status >= 0 else 128 - status
