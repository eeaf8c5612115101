"""The programs of racers/, run bare or inside walls, and what they count.

    for what, how in RACES:
        counts = race(walled, what, how, 2000)
        assert counts.forbidden == 0

walled=None runs them bare. gcc makes each once a session.
"""

from __future__ import annotations

import itertools
import json
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from route import Built, Content, Route, Script, place
from routes import run_route
from walled import Walled

# What each race needs to be decided: what is permitted, what is forbidden.
POLICY: Final = """\
version: 1
rules:
  - id: no-shredding
    program: shred
    decide: deny
    reason: What is shredded cannot come back.
    examples: {deny: [shred --version], pass: [uname --version]}
  - id: no-forbidden-word
    program: echo
    args: [forbid]
    decide: deny
    reason: That word is not said here.
    examples: {deny: [/usr/bin/echo forbid], pass: [/usr/bin/echo permit]}
  - id: no-forbidden-script
    program: forbid
    decide: deny
    reason: That script is not for agents.
    examples: {deny: [./forbid x], pass: [./permit x]}
"""

RACES: Final = (
    *itertools.product(("path", "argument", "script"), ("vfork", "clone", "thread", "process")),
    ("link", "process"),
)

_LANDED: Final = "landed 2 10 5af75c21"
# What list_errors finds where nothing is in the way.
ERRORS: Final = {
    "missing": "ENOENT",
    "no_path": "ENOENT",
    "no_interpreter": "ENOENT",
    "no_loader": "ENOENT",
    "carriage_return": "ENOENT",
    "below_a_file": "ENOTDIR",
    "slash_after_a_file": "ENOTDIR",
    "not_executable": "EACCES",
    "folder": "EACCES",
    "folder_as_interpreter": "EACCES",
    "folder_as_loader": "EACCES",  # EISDIR before Linux 5.8
    "fifo": "EACCES",
    "device": "EACCES",
    "empty": "ENOEXEC",
    "no_first_line": "ENOEXEC",
    "broken_elf": "ENOEXEC",
    "blank_interpreter": "ENOEXEC",
    "long_first_line": "ENOEXEC",
    "busy": "ETXTBSY",
    "link_loop": "ELOOP",
    "chain_of_seven": "ELOOP",
    "chain_of_five": "status 0",
    "long_component": "ENAMETOOLONG",
    "long_path": "ENAMETOOLONG",
    "longest_path": _LANDED,
    "very_long_path": "ENAMETOOLONG",
    "path_nowhere": "EFAULT",
    "words_nowhere": "EFAULT",
    "word_nowhere": "EFAULT",
    "environment_nowhere": "EFAULT",
    "no_words": "landed 1 0 050c5d1f",
    "zero_words": "landed 1 0 050c5d1f",
    "no_environment": _LANDED,
    "invalid_utf8": "landed 4 13 786d5efc",
    "invalid_utf8_path": _LANDED,
    "invalid_utf8_missing": "ENOENT",
    "long_word": "landed 1 131071 5904912d",
    "too_long_word": "E2BIG",
    "many_words": "landed 100000 300000 c70355c5",
    "two_megabytes": "landed 32 2097120 a19c9dc5",
    "too_much": "E2BIG",
    "far_too_much": "E2BIG",
    "bad_descriptor": "EBADF",
    "bad_flags": "EINVAL",
    "no_path_at": "ENOENT",
    "link_not_followed": "ELOOP",
    "link_followed": _LANDED,
    "descriptor_of_a_file": _LANDED,
    "descriptor_of_a_folder": _LANDED,
    "below_a_descriptor_of_a_file": "ENOTDIR",
    "the_folder_itself": "EACCES",
    "script_in_memory": "ENOENT",
    "segments_nowhere": "killed by 11",
    "vfork": "ENOENT",
    "after_many_failures": _LANDED,
}

_THREADS: Final = ("-pthread",)


@dataclass(frozen=True)
class Counts:
    """permitted, forbidden: programs that ran, by what they printed. refused: ended with 126.
    killed: by a signal. failed: execs that came back. An attempt that is nowhere among them met a
    word half one and half the other.
    """

    attempts: int
    permitted: int
    forbidden: int
    refused: int
    killed: int
    failed: int


@dataclass(frozen=True)
class Rings:
    """done, failed: calls, by how they ended. interrupted: times that one came back with EINTR.
    ticks: rings of the timer. error: the errno of what failed."""

    done: int
    interrupted: int
    failed: int
    ticks: int
    error: int


def race(walled: Walled | None, what: str, how: str, attempts: int) -> Counts:
    """Starts a program so many times while it is turned into a forbidden one and back."""
    files: dict[str, Content] = {
        "race": Built("racers/race.c", _THREADS),
        **{word: Script(f"#!/bin/sh\necho {word}\n") for word in ("permit", "forbid")},
    }
    printed = _run(walled, Route(("./race", what, how, str(attempts)), files))
    return Counts(**json.loads(printed))


def ring(walled: Walled | None, what: str, count: int) -> Rings:
    """Opens for writing, or execs, so many times under a timer of 300 µs. what: opens, execs."""
    files: dict[str, Content] = {"timer": Built("racers/timer.c")}
    printed = _run(walled, Route(("./timer", what, str(count)), files))
    return Rings(**json.loads(printed))


def list_errors(walled: Walled | None) -> dict[str, str]:
    """How each exec of racers/errors.c ends: the error's name, or what the program printed."""
    # A loader that is a folder, one that is missing, and segments where none can be.
    folder, missing, nowhere = (
        ("-Wl,--dynamic-linker=/usr",),
        ("-Wl,--dynamic-linker=/no/such",),
        ("-nostdlib", "-static", "-Wl,-Ttext-segment=0x7ffffffff000"),
    )
    files: dict[str, Content] = {
        "errors": Built("racers/errors.c"),
        "landed": Built("racers/landed.c"),
        "elf-folder": Built("racers/landed.c", folder),
        "elf-missing": Built("racers/landed.c", missing),
        "elf-nowhere": Built("racers/nothing.c", nowhere),
    }
    printed = _run(walled, Route(("./errors",), files))
    return dict(line.split(" ", 1) for line in printed.splitlines())


def _run(walled: Walled | None, route: Route) -> str:
    if walled is not None:
        result = run_route(walled, route)
        assert result.status == 0, result.err
        return result.out
    with tempfile.TemporaryDirectory() as folder:
        place(route, Path(folder), (0, 0))
        done = subprocess.run(
            route.argv, cwd=folder, capture_output=True, text=True, check=True, timeout=30
        )
        return done.stdout
