"""`polis doctor --conformance` with the CLIs themselves: as they are, and after an upgrade."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from installation import Installation
from playing import AGENTS_BIN, reason_to_skip

pytestmark = pytest.mark.peers


@pytest.mark.parametrize("provider", ["claude", "codex", "gemini"])
def test_the_installed_cli_tells_what_was_recorded(
    installation: Installation, provider: str
) -> None:
    if why := reason_to_skip(provider):
        pytest.skip(why)
    path = f"{AGENTS_BIN}:{installation.environment['PATH']}"
    ran = installation.polis(
        "doctor", "--conformance", provider, environment={"PATH": path}, timeout=150
    )
    assert ran.status == 0, ran.out + ran.err
    assert ran.out.startswith(f"yes  {provider} ")
    assert not list((installation.folder / "state/polis/conformance").iterdir())


# What the next version could do: the CLI itself, one word of what it prints changed.
UPGRADED = """#!/bin/sh
case " $* " in
*" -p "*) {real} "$@" | sed 's/"type":"result"/"type":"outcome"/' ;;
*) exec {real} "$@" ;;
esac
"""


def test_an_upgrade_that_renames_one_event_is_told_by_that_signal_alone(
    installation: Installation, tmp_path: Path
) -> None:
    if why := reason_to_skip("claude"):
        pytest.skip(why)
    program = tmp_path / "claude"
    program.write_text(UPGRADED.replace("{real}", str(AGENTS_BIN / "claude")))
    program.chmod(0o755)
    path = f"{tmp_path}:{AGENTS_BIN}:{installation.environment['PATH']}"
    words = ("doctor", "--conformance", "claude", "--json")
    ran = installation.polis(*words, environment={"PATH": path}, timeout=150)
    assert ran.status == 69, ran.err
    (found,) = json.loads(ran.out)
    assert found["broken"] == [
        {
            "signal": "stream result success",
            "expected": [
                "completed: All is done.",
                "error: API Error: 400 You exceeded your quota",
            ],
            "came": [],
        }
    ]
    assert (found["holds"], found["recorded"]) == (False, "2.1.197")


def test_what_is_not_installed_is_said(installation: Installation) -> None:
    plain = {"PATH": "/usr/bin:/bin"}
    polis = f"{Path(__file__).parents[2]}/.venv/bin/polis"
    ran = installation.run(polis, "doctor", "--conformance", "gemini", environment=plain)
    assert ran.status == 69
    assert ran.out.startswith("--   gemini: Gemini CLI is not installed: no gemini on PATH\n")
    ran = installation.run(polis, "doctor", "--conformance", environment=plain)
    assert (ran.status, ran.out.count("is not installed")) == (0, 3)
    ran = installation.run(polis, "doctor", "--conformance", "shell", environment=plain)
    assert (ran.status, ran.out) == (64, "")
    assert (
        ran.err == "polis: nothing was recorded of 'shell'\nhint: recorded: claude, codex, gemini\n"
    )
