"""Completion as the shells do it: commands, options and names, from the real scripts."""

from __future__ import annotations

import shutil

import pytest
from installation import Installation


def _complete(installation: Installation, line: str) -> list[str]:
    """What bash would offer behind `line`, by the script that users source."""
    words = line.split(" ")
    quoted = " ".join(f"'{word}'" for word in words)
    script = (
        'eval "$(polis completion bash)"\n'
        f"COMP_WORDS=({quoted}); COMP_CWORD={len(words) - 1}; COMP_LINE='{line}'\n"
        f"_polis_completion polis '{words[-1]}'\n"
        'printf "%s\\n" "${COMPREPLY[@]}"'
    )
    ran = installation.run("bash", "-c", script)
    assert ran.err == ""
    return [word.strip() for word in ran.out.splitlines() if word.strip()]


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("polis ag", ["agents"]),
        ("polis agents ad", ["add"]),
        ("polis approvals allow --fo", ["--for"]),
        ("polis approvals allow q1 --for s", ["session"]),
        ("polis config get a", ["ask-seconds"]),
        ("polis policy level b", ["balanced"]),
        ("polis to", []),
        ("polis xyz ", []),
        ("polis xyz --js", []),
        ("polis agents xyz a", []),
        ("polis --vers", ["--version"]),
    ],
)
def test_bash_completes(installation: Installation, line: str, offered: list[str]) -> None:
    assert _complete(installation, line) == offered


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
@pytest.mark.parametrize("line", ["polis xyz ", "polis agents xyz a", "polis 'ag", ""])
def test_half_a_line_is_never_an_error(installation: Installation, shell: str, line: str) -> None:
    asked = {"_POLIS_COMPLETE": f"{shell}_complete", "COMP_WORDS": line, "COMP_CWORD": "2"}
    ran = installation.polis(environment=asked)
    assert (ran.status, ran.err) == (0, "")
    assert not (installation.folder / "state").exists()


def test_a_shell_nobody_knows_is_answered_with_nothing(installation: Installation) -> None:
    ran = installation.polis(environment={"_POLIS_COMPLETE": "bash_complete"})
    assert (ran.status, ran.out, ran.err) == (0, "", "")


def test_names_are_not_worth_starting_polisd_for(installation: Installation) -> None:
    assert _complete(installation, "polis shell ") == []
    assert not (installation.folder / "state").exists()


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_there_is_a_script_for_each_shell(installation: Installation, shell: str) -> None:
    ran = installation.polis("completion", shell)
    assert ran.status == 0
    assert "_POLIS_COMPLETE" in ran.out
    if shutil.which(shell):
        assert installation.run(shell, "-n", "/dev/stdin", input=ran.out.encode()).status == 0
