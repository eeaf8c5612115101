"""One of several gits at once: does the same operation again and again, and counts.

    racing_git.py plain|mutex NUMBER UNTIL OPERATION

By the mutex it runs what `polis git` runs, in a fork: the start of Python would keep them apart.
UNTIL: seconds of the clock. Says how often it went well, and how often not.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

Git = Callable[..., int]


def _plain(*words: str) -> int:
    return subprocess.call(["git", *words], stdout=subprocess.DEVNULL)


def _held(*words: str) -> int:
    from cash.faults import Fault
    from cash.hub.own_git import run_git

    child = os.fork()
    if child == 0:
        status = 125
        try:
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
            status = run_git(words)
        except Fault as fault:
            sys.stderr.write(f"polis: {fault.message}\n")
            sys.stderr.flush()
        finally:
            os._exit(status)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def _stash(git: Git, me: str, n: int) -> bool:
    file = Path("f")
    file.write_text(f"{me}.{n}\n")
    went = git("stash", "-q") == 0 and git("stash", "pop", "-q") == 0
    mine = file.read_text() == f"{me}.{n}\n"
    subprocess.call(["git", "reset", "-q", "--hard"])
    return went and mine


def _both(one: int, then: Callable[[], int]) -> bool:
    return one == 0 and then() == 0


_OPERATIONS: dict[str, Callable[[Git, str, int], bool]] = {
    "commit": lambda git, me, n: git("commit", "-q", "--allow-empty", "-m", f"{n}") == 0,
    "branch -m": lambda git, me, n: _both(
        git("branch", f"b{me}.{n}", "main"),
        lambda: git("branch", "-m", f"b{me}.{n}", f"c{me}.{n}"),
    ),
    "branch -u": lambda git, me, n: git("branch", "-q", "-u", "origin/main", f"w{me}") == 0,
    "branch --track": lambda git, me, n: (
        git("branch", "-q", "--track", f"t{me}.{n}", "origin/main") == 0
    ),
    "branch -D": lambda git, me, n: _both(
        git("branch", "-q", "--track", f"t{me}.{n}", "origin/main"),
        lambda: git("branch", "-q", "-D", f"t{me}.{n}"),
    ),
    "remote add": lambda git, me, n: git("remote", "add", f"r{me}.{n}", "/nowhere") == 0,
    "remote remove": lambda git, me, n: _both(
        git("remote", "add", f"r{me}.{n}", "/nowhere"),
        lambda: git("remote", "remove", f"r{me}.{n}"),
    ),
    "fetch": lambda git, me, n: git("fetch", "-q", "origin") == 0,
    "stash": _stash,
    "worktree": lambda git, me, n: _both(
        git("worktree", "add", "-q", "--detach", f"../x{me}"),
        lambda: git("worktree", "remove", f"../x{me}"),
    ),
    "gc": lambda git, me, n: git("gc", "-q", "--prune=now") == 0,
}


def main(kind: str, me: str, until: float, operation: str) -> None:
    """Says two numbers: went well, went wrong."""
    import cash.hub.own_git  # noqa: F401

    git = _plain if kind == "plain" else _held
    names = operation.split(",")
    counts = [0, 0]
    n = 0
    while time.time() < until:
        counts[not _OPERATIONS[names[int(me) % len(names)]](git, me, n)] += 1
        n += 1
    print(*counts)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], float(sys.argv[3]), sys.argv[4])
