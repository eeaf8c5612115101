"""The settings as they are here: of this user, in this repository, in this environment."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

from cash.cli.calls import here, places
from cash.settings import Chosen, read_settings


def settings_here() -> Mapping[str, Chosen]:
    """Every setting with its origin."""
    return read_settings(places(), checkout_here(), os.environ)


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
