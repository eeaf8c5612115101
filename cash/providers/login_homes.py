"""The homes in which logins run, beside the account's own.

Each is locked as long as the login lasts, by polis and by the program it runs: one that nobody
holds is what a killed polis has left, with whatever the login had written.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from cash.places import Places
from cash.providers.accounts import make_account_folder

_PREFIX = "login-"
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


@contextlib.contextmanager
def new_login_home(places: Places, provider: str) -> Iterator[tuple[Path, int]]:
    """An empty HOME, gone again unless it became the account's, and the descriptor that holds its
    lock, for the program to inherit. Left-overs of killed logins go first."""
    folder = make_account_folder(places, provider)
    with _locked(folder):
        _sweep(folder)
        home = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=folder))
        held = os.open(home, _FOLDER)
        fcntl.flock(held, fcntl.LOCK_EX)
    try:
        yield home, held
    finally:
        os.close(held)
        shutil.rmtree(home, ignore_errors=True)
        with contextlib.suppress(OSError):
            folder.rmdir()  # nothing came of it, and there was nothing before


def sweep_login_homes(places: Places) -> None:
    """Removes what killed logins have left, of every provider; those under way stay."""
    for left in (places.state / "accounts").glob(f"*/{_PREFIX}*"):
        # Its folder may go at this moment, with a login that ends.
        with contextlib.suppress(OSError), _locked(left.parent):
            _sweep(left.parent)
        with contextlib.suppress(OSError):
            left.parent.rmdir()


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Nobody makes or sweeps homes in it meanwhile: one just made is not locked yet."""
    at = os.open(folder, _FOLDER)
    try:
        fcntl.flock(at, fcntl.LOCK_EX)
        yield
    finally:
        os.close(at)


def _sweep(folder: Path) -> None:
    for left in folder.glob(f"{_PREFIX}*"):
        with contextlib.suppress(OSError):
            at = os.open(left, _FOLDER)
            try:
                fcntl.flock(at, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(left, ignore_errors=True)
            finally:
                os.close(at)
