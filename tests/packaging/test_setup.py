"""What the checkout's own scripts tell people."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

_ROOT = Path(__file__).parents[2]
_AGENTS = f"{_ROOT}/.tools/agents/node_modules/.bin"


def test_the_agents_programs_are_told_with_the_way_onto_path() -> None:
    told = _tell(os.environ["PATH"])
    assert (
        told.splitlines()[0]
        == f"polis: claude, codex, gemini, opencode and copilot are in {_AGENTS}"
    )
    command = told.splitlines()[1].removeprefix("hint: ").partition(";")[0]
    ran = subprocess.run(
        ["sh", "-c", f"{command}; echo $PATH"], capture_output=True, text=True, check=True
    )
    assert ran.stdout.startswith(f"{_AGENTS}:")
    assert _tell(ran.stdout.strip()) == ""


def _tell(path: str) -> str:
    script = [f"{_ROOT}/.ci/setup", "path_of_agents"]
    ran = subprocess.run(script, env={"PATH": path}, capture_output=True, text=True, check=True)
    assert ran.stdout == ""
    return ran.stderr
