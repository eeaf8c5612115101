"""polisd's start: detach, be the only one, listen, say ready to whoever started us."""

from __future__ import annotations

import contextlib
import os
import sys
import traceback
from pathlib import Path

from cash.faults import FAILED_CLOSED, Fault
from cash.places import Places, find_places


def main() -> int:
    """Starts polisd in the background and returns when it listens: 0, or 125 with the reason as
    the last line on standard error."""
    places = find_places(os.environ)
    readable, writable = os.pipe()
    if os.fork() == 0:
        os.close(readable)
        _become_daemon(places, writable)
    os.close(writable)
    with os.fdopen(readable, "rb") as pipe:
        word = pipe.read()
    if word == b"ready":
        return 0
    print(word.decode(errors="replace") or "polisd ended while starting", file=sys.stderr)
    return FAILED_CLOSED


def _become_daemon(places: Places, ready: int) -> None:
    """Never returns. `ready` gets b"ready" or the reason why not."""
    os.setsid()
    os.umask(0o077)
    try:
        # Root may have opened it to the users whose repositories it works in: to be entered.
        make_private(places.state, others=0o011 if os.geteuid() == 0 else 0)
        make_private(places.runtime)
        _take_log(places.state / "polisd.log")
        from cash.daemon.polisd import run_polisd

        status = run_polisd(places, ready)
    except BaseException as fault:  # the starter must hear of it, whatever it is
        words = fault.message if isinstance(fault, Fault) else f"{type(fault).__name__}: {fault}"
        traceback.print_exc()
        with contextlib.suppress(OSError):  # it may have been told, and gone, long ago
            os.write(ready, words.encode())
        status = FAILED_CLOSED
    os._exit(status)


def make_private(folder: Path, *, others: int = 0) -> None:
    """Makes `folder` for this user alone; Fault when somebody else could put things there.
    others: what of a folder's mode may stay as it is for them."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = os.lstat(folder)
    except OSError as fault:
        raise Fault(f"{folder} cannot be used: {fault.strerror}") from fault
    if found.st_uid != os.geteuid():
        raise Fault(f"{folder} belongs to another user", hint="set XDG_RUNTIME_DIR to your own")
    if found.st_mode & 0o077 & ~others:
        folder.chmod(0o700)


def _take_log(path: Path) -> None:
    log = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    null = os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)
    os.dup2(null, 0)
    os.dup2(log, 1)
    os.dup2(log, 2)


if __name__ == "__main__":
    sys.exit(main())
