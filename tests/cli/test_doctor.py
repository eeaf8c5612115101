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
    assert {"landlock", "walls", "no capabilities", "kernel settings cannot be written"} <= set(
        findings
    )
    assert not (installation.folder / "state").exists()


def test_what_is_missing_is_named_with_the_step_that_mends_it(installation: Installation) -> None:
    path = {"PATH": str(installation.home)}  # no git, no bash, nothing
    argv = (sys.executable, "-I", "-m", "cash.cli", "doctor")
    ran = installation.run(*argv, environment=path)
    assert ran.status == 69
    lines = ran.out.splitlines()
    at = next(number for number, line in enumerate(lines) if line.startswith("no   git: "))
    assert lines[at + 1].startswith("     hint: ")
