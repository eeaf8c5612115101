"""Whose entry of the stash is meant: all worktrees share one, and `git stash pop` takes the newest,
which may be another worktree's (seen: 50 of 57, without a word).

<git common dir>/polis/stashes has a line for each entry that was made through polis: its commit,
and the worktree's own git directory. Where nothing stands there, git does what it always did.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
from collections.abc import Mapping, Sequence
from typing import Final

from cash.hub.git_line import read_options, split_line
from cash.hub.surroundings import Place

_NAME: Final = "polis/stashes"
_TAKING: Final = frozenset(("pop", "apply", "drop"))


def aim(words: Sequence[str], place: Place) -> list[str]:
    """`stash pop`, `apply` and `drop` that name no entry, with this worktree's newest where the
    newest of all was made in another one. refs/stash is held."""
    line = split_line(words)
    if line.operation != "stash" or line.words[:1] not in {(one,) for one in _TAKING}:
        return [*words]
    if read_options(line.words[1:]).words:
        return [*words]
    owners, entries = _read(place), list_entries(place)
    mine = str(place.git_directory)
    if not entries or owners.get(entries[0], mine) == mine:
        return [*words]
    number = next((n for n, one in enumerate(entries) if owners.get(one) == mine), None)
    return [*words] if number is None else [*words, f"stash@{{{number}}}"]


def note_entries(place: Place, before: Sequence[str]) -> None:
    """Writes down what is there now and was not before: it was made in this worktree. refs/stash
    is held."""
    entries = list_entries(place)
    if entries == [*before]:
        return
    known = _read(place)
    fresh = dict.fromkeys(set(entries) - set(before), str(place.git_directory))
    lines = [f"{one} {owner}\n" for one, owner in {**known, **fresh}.items() if one in entries]
    path = place.common_dir / _NAME
    with contextlib.suppress(OSError):  # then git's own order holds
        aside = path.with_name("stashes.new")
        aside.write_bytes(os.fsencode("".join(lines)))
        os.replace(aside, path)


def list_entries(place: Place) -> list[str]:
    """The commits of the stash, newest first."""
    words = ["git", f"--git-dir={place.git_directory}", "rev-list", "-g", "refs/stash", "--"]
    ran = subprocess.run(
        words, stdin=subprocess.DEVNULL, capture_output=True, check=False, text=True
    )
    return ran.stdout.split() if ran.returncode == 0 else []


def _read(place: Place) -> Mapping[str, str]:
    """Commit → the git directory of the worktree that made it."""
    with contextlib.suppress(OSError):
        lines = os.fsdecode((place.common_dir / _NAME).read_bytes()).splitlines()
        return {one: owner for one, _, owner in (line.partition(" ") for line in lines)}
    return {}
