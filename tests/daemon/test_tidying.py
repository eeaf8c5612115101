"""An agent's own git directory stays in order, though git inside does not ask after each commit."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path

import pytest
from desk import Desk

from cash.hub.maintenance import TASKS, look_at_store

pytestmark = pytest.mark.kernel


def test_a_commit_starts_no_other_git(desk: Desk) -> None:
    assert desk.line("git commit -q --allow-empty -m next").status == 0
    deadline = time.monotonic() + 10
    while not (told := desk.log("execs")):
        assert time.monotonic() < deadline
    started = [words for event in told for words, *_ in event["body"]["execs"]]
    assert ["git", "commit", "-q", "--allow-empty", "-m", "next"] in started
    assert not [words for words in started if "maintenance" in words]


def test_what_lies_loose_is_put_together(desk: Desk, tmp_path: Path) -> None:
    git = desk.folder_of("alice") / "git"
    assert desk.line("git commit -q --allow-empty -m next").status == 0
    many = tmp_path / "many"
    many.mkdir()
    for number in range(8000):
        (many / f"{number}").write_text(f"{number}")
    store = f"git --git-dir={git} -c core.fsync=none hash-object -w --stdin-paths"
    subprocess.run(
        [
            "sh",
            "-ec",
            f'find "$PWD" -type f | {store} >/dev/null; chown -R --reference={git} {git}',
        ],
        cwd=many,
        check=True,
    )
    # It is looked at a minute after polisd began.
    deadline = time.monotonic() + 100
    while not (told := [one for one in desk.log("maintained") if one["agent"] == "alice"]):
        assert time.monotonic() < deadline
        time.sleep(1)
    assert told[0]["body"].get("tasks") == list(TASKS), told
    assert look_at_store(git).packs
    assert desk.line("git log -1 --format=%s").out.strip() == "next"
