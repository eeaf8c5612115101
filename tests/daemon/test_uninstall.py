"""What is left running when polis is removed from a repository: nothing that was not wanted."""

from __future__ import annotations

import pytest
from desk import Desk
from screen import Terminal

pytestmark = pytest.mark.kernel

_DAEMON = "-m cash.daemon"


def test_after_down_nothing_runs_again(desk: Desk) -> None:
    assert desk.polis("down").status == 0
    ran = desk.polis("uninstall", "--yes")
    assert (ran.status, ran.out.splitlines()[-1]) == (0, "polis is removed from this repository")
    assert desk.pids(_DAEMON) == []


def test_polisd_goes_with_the_last_repository(desk: Desk) -> None:
    other = desk.installation.make_repository("other")
    assert desk.installation.polis("init", cwd=other).status == 0
    assert desk.polis("uninstall", "--yes").status == 0
    assert len(desk.pids(_DAEMON)) == 1
    assert desk.installation.polis("uninstall", "--yes", cwd=other).status == 0
    assert desk.pids(_DAEMON) == []


def test_where_nothing_is_left_polisd_is_not_started(desk: Desk) -> None:
    assert desk.polis("uninstall", "--yes").status == 0
    ran = desk.polis("uninstall", "--yes")
    assert (ran.status, ran.err) == (
        64,
        "polis: no repository is under polis\nhint: nothing is left to remove\n",
    )
    assert desk.pids(_DAEMON) == []


def test_one_that_was_down_and_cannot_remove_goes_again(desk: Desk) -> None:
    other = desk.installation.make_repository("other")
    assert desk.polis("down").status == 0
    ran = desk.installation.polis("uninstall", "--yes", cwd=other)
    assert ran.status == 64
    assert f"{other} is in no repository under polis" in ran.err
    assert desk.pids(_DAEMON) == []


def test_it_shows_what_goes_and_nobody_to_ask_means_no(desk: Desk) -> None:
    assert desk.polis("agents", "add", "bob").status == 0
    assert desk.line("echo 1 >one; git add one; git commit -qm one; echo 2 >two").status == 0
    ran = desk.polis("uninstall")
    assert (ran.status, ran.out) == (64, "")
    assert ran.err.splitlines() == [
        "  alice       agent/alice: 1 commit not merged, uncommitted files",
        "  bob         agent/bob: all merged",
        "branches stay; what is on none becomes branches polis-saved/…",
        f"the journal, {desk.state}, stays",
        "polis: nobody is there to say yes",
        "hint: polis uninstall --yes",
    ]
    assert desk.tree.is_dir()


def test_a_person_is_asked_and_enter_means_no(desk: Desk) -> None:
    assert desk.polis("down").status == 0
    for answer, status in (("", 1), ("y", 0)):
        with Terminal(
            ("polis", "uninstall"),
            environment=desk.installation.environment,
            cwd=desk.repository,
        ) as person:
            person.wait_for(r"Remove polis from .*\? \[y/N\]")
            person.type(f"{answer}\r")
            assert person.wait_end() == status, person.text
        assert desk.pids(_DAEMON) == []
        assert desk.folder_of("alice").exists() == bool(status)


def test_what_is_kept_of_removed_agents_does_not_go_without_a_word(desk: Desk) -> None:
    (desk.repository / ".git/info/exclude").write_text("*.secret\n")
    for name in ("bob", "carol"):
        assert desk.polis("agents", "add", name).status == 0
        (desk.folder_of(name) / "volume/tree/own.secret").write_text("mine\n")
        assert "what git ignores, in" in desk.polis("agents", "remove", name, "--force").out
    told = desk.polis("uninstall", "--purge")
    assert "the journal and 2 archives of removed agents' files, " in told.err
    assert ", go too\n" in told.err
    kept = desk.polis("uninstall", "--yes")
    assert "kept: the journal and 2 archives of removed agents' files, " in kept.out
    assert desk.polis("init").status == 0
    gone = desk.polis("uninstall", "--purge", "--yes")
    assert "gone: the journal and 2 archives of removed agents' files\n" in gone.out
