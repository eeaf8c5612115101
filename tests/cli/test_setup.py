"""polis agents setup: what a repository wants done in new trees, with the user's consent."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from desk import Desk
from homecoming import at_terminal
from installation import Installation

from cash.daemon.client import call
from cash.faults import UsageFault
from cash.places import find_places

pytestmark = pytest.mark.kernel

_CONFIG = "setup:\n  - echo ready >ready.log; pwd\n  - test -e .env.local\n"


def _make(installation: Installation, config: str = _CONFIG) -> Desk:
    files = {
        "README.md": "A small shop.\n",
        ".gitignore": "*.local\n*.log\nbuilt/\nlink\nout\n",
        ".worktreeinclude": "# own\n.env.local\n/built/*\n!/built/big\nlink\nout\n*.md\n",
        ".polis/config.yaml": config,
        "src/a.txt": "a\n",
    }
    desk = Desk(installation, installation.make_repository(files=files))
    assert desk.polis("init").status == 0
    assert desk.polis("config", "set", "ask-seconds", "2").status == 0
    root = desk.repository
    (root / ".env.local").write_text("KEY=value\n")
    (root / ".env.local").chmod(0o640)
    (root / "built").mkdir()
    for name in ("small", "big"):
        (root / f"built/{name}").write_text(f"{name}\n")
    (root / "other.local").write_text("not named\n")
    (root / "link").symlink_to("README.md")
    (root / "out").symlink_to("../secret")
    root.with_name("secret").write_text("secret\n")
    return desk


@pytest.fixture
def desk(installation: Installation) -> Desk:
    return _make(installation)


def test_without_a_terminal_it_waits_for_consent(desk: Desk) -> None:
    ran = desk.polis("agents", "add", "alice")
    assert ran.status == 0
    assert ran.out.startswith("alice works on agent/alice in ")
    assert ran.err.splitlines()[-2:] == [
        "polis: alice is not set up: nobody has agreed to that yet",
        "hint: polis agents setup alice --yes",
    ]
    assert not (desk.tree / ".env.local").exists()
    assert not (desk.tree / "ready.log").exists()
    assert json.loads(desk.polis("agents", "add", "bob", "--json").out)["set_up"] is False


def test_polisd_itself_asks_for_consent(desk: Desk) -> None:
    desk.polis("agents", "add", "alice")
    places = find_places(desk.installation.environment)
    cwd = str(desk.repository)
    found = call(places, "setup.look", cwd=cwd)
    with pytest.raises(UsageFault, match="nobody has agreed to the setup"):
        call(places, "setup.begin", cwd=cwd, agent="alice", sha256=found["sha256"])
    with pytest.raises(UsageFault, match="the setup has changed meanwhile"):
        call(places, "setup.consent", cwd=cwd, sha256="0" * 64)
    assert not (desk.tree / ".env.local").exists()


def test_files_are_copied_and_commands_run_inside(desk: Desk) -> None:
    desk.polis("agents", "add", "alice")
    ran = desk.polis("agents", "setup", "alice", "--yes")
    assert ran.status == 0, ran.err
    assert ran.out == "alice is set up: 3 files copied, 2 commands run\n"
    assert "  .env.local  10 B  may hold secrets\n" in ran.err
    assert "  echo ready >ready.log; pwd\n" in ran.err
    assert "polis: copied: .env.local (may hold secrets), 2 other files\n" in ran.err
    assert "polis: not copied: out: it leads out of the repository, to ../secret\n" in ran.err
    assert f"\n{desk.tree}\n" in ran.err  # what pwd said, in the agent's tree
    tree = desk.tree
    assert (tree / ".env.local").read_text() == "KEY=value\n"
    assert (tree / ".env.local").stat().st_mode & 0o777 == 0o640
    assert (tree / "built/small").read_text() == "small\n"
    assert (tree / "link").readlink() == Path("README.md")
    assert (tree / "ready.log").read_text() == "ready\n"
    for left in ("built/big", "other.local", "out"):
        assert not os.path.lexists(tree / left)
    assert desk.line("git status --porcelain; cat built/small").out == "small\n"
    assert desk.line("echo more >>built/small").status == 0  # it is the agent's own now
    # A rule asks before a file of credentials is read; the copy does not change that.
    assert "asked by" in desk.line("cat .env.local").err
    # The commands went through the pipeline: they are in the journal as the agent's.
    lines = [str(entry["body"]) for entry in desk.log() if entry["agent"] == "alice"]
    assert any("ready.log" in line for line in lines)
    (begun,) = [entry["body"] for entry in desk.log("setup-begun")]
    assert (begun["copied"], begun["commands"]) == (3, 2)
    assert [entry["body"] for entry in desk.log("setup-ended")] == [{"status": 0, "ran": 2}]


def test_consent_holds_for_these_bytes_alone(desk: Desk) -> None:
    desk.polis("agents", "add", "alice")
    assert desk.polis("agents", "setup", "alice", "--yes").status == 0
    ran = desk.polis("agents", "add", "bob", "--json")
    assert json.loads(ran.out)["set_up"] is True
    assert (desk.state / "agents/bob/volume/tree/ready.log").exists()
    (desk.repository / ".polis/config.yaml").write_text(_CONFIG + "  - touch third.log\n")
    ran = desk.polis("agents", "add", "carol")
    assert "carol is not set up: nobody has agreed to that yet" in ran.err
    with (desk.repository / ".worktreeinclude").open("a") as file:
        file.write("other.local\n")
    ran = desk.polis("agents", "add", "dave")
    assert "dave is not set up" in ran.err
    assert not (desk.state / "agents/dave/volume/tree/other.local").exists()


def test_at_a_terminal_it_asks_once(desk: Desk) -> None:
    question = "Set up new agents like alice so? [y/N]"
    status, screen = at_terminal(desk, "agents", "add", "alice", answers=[(question, "")])
    assert (status, "is not set up" in screen) == (0, True)
    assert not (desk.tree / "ready.log").exists()
    status, screen = at_terminal(desk, "agents", "setup", "alice", answers=[(question, "y")])
    assert status == 0, screen
    assert (desk.tree / "ready.log").exists()
    status, screen = at_terminal(desk, "agents", "add", "bob", answers=[])
    assert (status, "[y/N]" in screen) == (0, False)


def test_a_command_that_fails(installation: Installation) -> None:
    desk = _make(installation, "setup: ['exit 7', touch after.log]\n")
    desk.polis("agents", "add", "alice")
    ran = desk.polis("agents", "setup", "alice", "--yes")
    assert ran.status == 7
    assert ran.err.splitlines()[-2:] == [
        "polis: the setup of alice failed: exit 7 ended with 7; alice stays",
        "hint: mend it, then: polis agents setup alice",
    ]
    assert not (desk.tree / "after.log").exists()
    assert [entry["body"] for entry in desk.log("setup-ended")] == [{"status": 7, "ran": 1}]
    ran = desk.polis("agents", "add", "bob", "--json")
    assert ran.status == 7
    assert json.loads(ran.out)["set_up"] is False
    assert desk.polis("agents", "show", "bob").status == 0


def test_a_command_that_is_refused(installation: Installation) -> None:
    desk = _make(installation, "setup: ['rm -rf .git']\n")
    desk.polis("agents", "add", "alice")
    ran = desk.polis("agents", "setup", "alice", "--yes")
    assert ran.status == 126
    assert "denied by no-git-folder-removal" in ran.err


@pytest.mark.parametrize(
    ("config", "told"),
    [
        ("setup: [1]\n", "setup must be a list of lines, not [1]"),
        ("setup: ['']\n", "setup must be a list of lines"),
        ("setup: {a: b}\n", "setup must be a list of lines"),
    ],
)
def test_a_list_that_is_none(desk: Desk, config: str, told: str) -> None:
    (desk.repository / ".polis/config.yaml").write_text(config)
    ran = desk.polis("config")
    assert (ran.status, told in ran.err) == (64, True), ran.err


def test_the_list_is_shown_and_written_by_hand(desk: Desk) -> None:
    assert "echo ready >ready.log; pwd; test -e .env.local" in desk.polis("config").out
    ran = desk.polis("config", "set", "setup", "make")
    assert ran.status == 64
    assert "polis: setup is a list\nhint: write it into " in ran.err


def test_nothing_is_followed_out_of_the_agents_tree(desk: Desk) -> None:
    """An agent that has put links where the files go."""
    outside = desk.installation.folder / "outside"
    outside.mkdir(mode=0o777)
    desk.polis("agents", "add", "alice")
    (desk.tree / "built").symlink_to(outside)
    (desk.tree / ".env.local").symlink_to(outside / "env")
    ran = desk.polis("agents", "setup", "alice", "--yes")
    assert "polis: not copied: built/small: a link leads to it\n" in ran.err
    assert "polis: not copied: .env.local: it is there already\n" in ran.err
    assert list(outside.iterdir()) == []


def test_a_list_that_names_too_much(desk: Desk) -> None:
    desk.polis("agents", "add", "alice")
    with (desk.repository / "built/huge").open("wb") as file:
        file.truncate(2 << 30)
    ran = desk.polis("agents", "setup", "alice", "--yes")
    assert ran.status == 64
    assert ".worktreeinclude names more than 1 GiB; the largest file is built/huge" in ran.err


def test_nothing_to_set_up(installation: Installation) -> None:
    desk = Desk(installation, installation.make_repository())
    desk.polis("init")
    ran = desk.polis("agents", "add", "alice")
    assert (ran.status, ran.err) == (0, "")
    ran = desk.polis("agents", "setup", "alice")
    assert (ran.status, ran.out) == (0, "alice is set up: 0 files copied, 0 commands run\n")
