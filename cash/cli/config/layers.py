"""The settings as they are here: of this user, in this repository, in this environment."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

from cash.cli.calls import here, places
from cash.faults import Fault, UsageFault
from cash.hub.adoption import hub_folder
from cash.hub.moving import Move, recognise
from cash.hub.repository import Repository, find_repository
from cash.settings import Chosen, read_settings, settings_files


def settings_here() -> Mapping[str, Chosen]:
    """Every setting with its origin."""
    found = repository_here()
    root, folder = (found.root, hub_folder(found, places())) if found else (None, None)
    return read_settings(settings_files(places(), root, folder), os.environ)


def checkout_here() -> Path | None:
    """The top of the working tree one stands in, or None outside of any."""
    try:
        asked = subprocess.run(
            ["git", "rev-parse", "--show-toplevel"],
            cwd=here(),
            capture_output=True,
            text=True,
            check=False,
        )
    except FileNotFoundError:  # no git: then no repository either
        return None
    return Path(asked.stdout.strip()) if asked.returncode == 0 and asked.stdout.strip() else None


def repository_here() -> Repository | None:
    """The repository one stands in, or None outside of any that polis can work on."""
    try:
        found = recognise(find_repository(Path(here())), places())
    except Fault:
        return None
    return found.repository if isinstance(found, Move) else found


def checked_repository() -> Repository:
    """The repository one stands in. UsageFault outside of any."""
    found = repository_here()
    if found is None:
        raise UsageFault("this is no git repository", hint="cd into one, or: git init")
    return found
