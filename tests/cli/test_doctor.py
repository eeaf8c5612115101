"""polis doctor: what holds here, what does not, and what to do about it."""

from __future__ import annotations

import json
import sys

import pytest
from installation import Installation

pytestmark = pytest.mark.kernel


def test_here_everything_holds_that_agents_need(installation: Installation) -> None:
    ran = installation.polis("doctor", "--json")
    findings = {one["name"]: one for one in json.loads(ran.out)}
    assert [name for name, one in findings.items() if one["needed"] and not one["holds"]] == []
    assert (ran.status, ran.err) == (0, "")
    assert {
        *("landlock", "walls", "no capabilities", "kernel settings cannot be written"),
        *("each exec is judged", "no program is swapped under its verdict", "policy"),
    } <= set(findings)
    assert all(
        set(one) == {"name", "holds", "detail", "mend", "needed"} for one in findings.values()
    )
    assert not (installation.folder / "state").exists()


def test_a_policy_that_does_not_load_is_named_with_what_holds(installation: Installation) -> None:
    root = installation.make_repository()
    assert installation.polis("init", cwd=root).status == 0
    path = installation.home / ".config/polis/policies/mine.yaml"
    path.parent.mkdir(parents=True)
    path.write_text("version: 1\nrules:\n  - id: x\n")
    ran = installation.polis("doctor", cwd=root)
    assert ran.status == 0
    said = f"policy: {path}:3:5: rule x has no examples; "
    assert f"\n--   {said}the last good rules stay in force\n" in ran.out
    assert installation.polis("agents", "add", "alice", cwd=root).status == 0
    assert installation.polis("shell", "alice", "-c", "rm -rf /", cwd=root).status == 126
    assert installation.polis("down").status == 0
    ran = installation.polis("doctor", cwd=root)
    assert ran.status == 69
    assert f"\nno   {said}nothing runs until it loads\n     hint: mend it" in ran.out
    assert installation.polis("exec", "alice", "--", "true", cwd=root).status == 125
    path.unlink()
    assert "\nyes  policy: " in installation.polis("doctor", cwd=root).out


def test_what_is_missing_is_named_with_the_step_that_mends_it(installation: Installation) -> None:
    path = {"PATH": str(installation.home)}  # no git, no bash, nothing
    argv = (sys.executable, "-I", "-m", "cash.cli", "doctor")
    ran = installation.run(*argv, environment=path)
    assert ran.status == 69
    lines = ran.out.splitlines()
    at = next(number for number, line in enumerate(lines) if line.startswith("no   git: "))
    assert lines[at + 1].startswith("     hint: ")
