"""Finds hooks/, policies/ and agents/: beside the package in a checkout, inside it elsewhere."""

from __future__ import annotations

from pathlib import Path
from typing import Literal


def content_folder(name: Literal["hooks", "policies", "agents"]) -> Path:
    """The folder of that name. Raises FileNotFoundError when the installation is broken."""
    package = Path(__file__).resolve().parent
    for candidate in (package / "content" / name, package.parent / name):
        if candidate.is_dir():
            return candidate
    raise FileNotFoundError(f"polis is installed without its {name}/ folder")
