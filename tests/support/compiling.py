"""C programs of the tests, each compiled once a session."""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

_SOURCES = Path(__file__).parent


@functools.cache
def build(source: str, *flags: str) -> Path:
    """The program that gcc makes of a source below tests/support. AssertionError with what gcc
    says when it makes none."""
    target = _folder() / f"{Path(source).stem}-{len(list(_folder().iterdir()))}"
    words: list[str | Path] = [
        "gcc",
        "-O1",
        "-Wall",
        "-Wextra",
        "-Werror",
        "-o",
        target,
        _SOURCES / source,
        *flags,
    ]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return target


@functools.cache
def can_be_static() -> bool:
    """Whether gcc and a libc to link into programs are there."""
    if not shutil.which("gcc"):
        return False
    done = subprocess.run(
        ["gcc", "-print-file-name=libc.a"], capture_output=True, text=True, check=True
    )
    return os.path.isabs(done.stdout.strip())  # the bare name comes back when it is not found


@functools.cache
def _folder() -> Path:
    # The session's TMPDIR goes with the session.
    return Path(tempfile.mkdtemp(prefix="built-"))
