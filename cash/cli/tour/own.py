"""The user's own repository on the tour: nothing in it may meet what the tour adds."""

from __future__ import annotations

import itertools
import subprocess
from pathlib import Path

from cash.faults import UsageFault


def find_own(repository: str) -> Path:
    """The top of the working tree at `repository`. UsageFault when it is in none."""
    asked = _git(Path(repository).expanduser(), "rev-parse", "--show-toplevel")
    if asked.returncode != 0 or not asked.stdout.strip():
        raise UsageFault(f"{repository} is no git repository", hint="REPO=… names another")
    return Path(asked.stdout.strip())


def check_own(root: Path) -> None:
    """UsageFault when the user's own polis has agents there: the tour's would share their refs."""
    if _git(root, "for-each-ref", "--count=1", "refs/polis/").stdout:
        raise UsageFault(
            f"{root} has agents already, and the tour would take their snapshots away",
            hint=f"cd {root}; polis agents list; or the tour without REPO, on its own repository",
        )


def free_name(root: Path, name: str) -> str:
    """`name`, or name-2, name-3…: the first whose branch is not there."""
    found = _git(root, "for-each-ref", "--format=%(refname)", "refs/heads/agent/").stdout.split()
    names = itertools.chain([name], (f"{name}-{number}" for number in itertools.count(2)))
    return next(one for one in names if not _is_taken(f"refs/heads/agent/{one}", found))


def _is_taken(ref: str, found: list[str]) -> bool:
    return any(one == ref or one.startswith(f"{ref}/") for one in found)


def _git(folder: Path, *argv: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["git", "-C", folder, *argv], capture_output=True, text=True, check=False)
