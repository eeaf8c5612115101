"""Files in an agent's private home, read and written from outside.

The agent writes there: links are not followed, so that nobody is led to another file of the user's,
and what is read is a plain file of bounded size.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import stat
from collections.abc import Iterator
from pathlib import Path

from cash.faults import Fault

_LONGEST = 1 << 20
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


def read_home_file(home: Path, inner: str) -> bytes:
    """The bytes of home/inner; b"" when it is not there. Fault when it is no plain file, or when
    the way there leads through a link."""
    try:
        with _folder_of(home, inner) as (folder, name):
            flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
            with open(os.open(name, flags, dir_fd=folder), "rb") as file:
                if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                    raise Fault(f"{inner} in the agent's home is no plain file")
                found = file.read(_LONGEST + 1)
    except FileNotFoundError:
        return b""
    except OSError as fault:
        raise _refused(inner, fault) from fault
    if len(found) > _LONGEST:
        raise Fault(f"{inner} in the agent's home is over {_LONGEST} bytes")
    return found


def write_home_file(home: Path, inner: str, data: bytes, owner: tuple[int, int]) -> None:
    """Writes home/inner whole or not at all; it and new folders belong to `owner`. Fault as
    above."""
    try:
        with _folder_of(home, inner, owner) as (folder, name):
            half = f".{name}.{secrets.token_hex(4)}"
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
            with open(os.open(half, flags, 0o600, dir_fd=folder), "wb") as file:
                file.write(data)
                os.fchown(file.fileno(), *owner)
            os.rename(half, name, src_dir_fd=folder, dst_dir_fd=folder)
    except OSError as fault:
        raise _refused(inner, fault) from fault


def remove_home_file(home: Path, inner: str) -> None:
    """Removes home/inner, if it is there. Fault as above."""
    try:
        with _folder_of(home, inner) as (folder, name), contextlib.suppress(FileNotFoundError):
            os.unlink(name, dir_fd=folder)
    except FileNotFoundError:
        return
    except OSError as fault:
        raise _refused(inner, fault) from fault


@contextlib.contextmanager
def _folder_of(
    home: Path, inner: str, owner: tuple[int, int] | None = None
) -> Iterator[tuple[int, str]]:
    """The folder of home/inner, held, and the last name. owner: who gets what is missing."""
    *folders, name = inner.split("/")
    held = os.open(home, _FOLDER)
    try:
        for folder in folders:
            if owner is not None:
                with contextlib.suppress(FileExistsError):
                    os.mkdir(folder, 0o755, dir_fd=held)
                    os.chown(folder, *owner, dir_fd=held, follow_symlinks=False)
            below = os.open(folder, _FOLDER, dir_fd=held)
            os.close(held)
            held = below
        yield held, name
    finally:
        os.close(held)


def _refused(inner: str, fault: OSError) -> Fault:
    return Fault(
        f"{inner} in the agent's home cannot be used: {fault.strerror}",
        hint="it may be a link: remove it",
    )
