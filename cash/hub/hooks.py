"""Hooks that lie in the working tree itself (core.hooksPath of husky and the like): a merge that
changes them would run an agent's program outside its walls."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from cash.hub.changes import Change
from cash.hub.git import OWN_SETTINGS
from cash.hub.repository import Repository


def changed_hooks(repository: Repository, tree: Path, changes: Iterable[Change]) -> tuple[str, ...]:
    """Those of the changed paths that lie where git, working in the tree, would run hooks from;
    none where hooks lie in the git directory, out of the work's reach.

    The whole top folder counts: a hook in .husky/_ is a line that runs .husky/post-merge."""
    own = replace(repository.git, directory=None, usual=OWN_SETTINGS)
    said = own.read("rev-parse", "--path-format=absolute", "--git-path", "hooks", cwd=tree)
    place = Path(os.path.normpath(said))
    if place.is_relative_to(repository.common_dir) or not place.is_relative_to(tree):
        return ()
    top = place.relative_to(tree).parts[:1]
    return tuple(
        path
        for change in changes
        for path in (change.path, change.before)
        if path and Path(path).parts[: len(top)] == top
    )
