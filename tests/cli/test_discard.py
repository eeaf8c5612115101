"""polis agents discard: what goes, what stays, and that all of it can come back."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
from pathlib import Path

import pytest
from desk import Desk
from homecoming import at_terminal, commit, picture, work

pytestmark = pytest.mark.kernel

_MESS = (
    "echo two >>README.md; git add README.md; echo three >>README.md; rm old.txt; "
    "mkdir 'new folder'; echo x >'new folder/x'; printf 'a\\nb' >\"$(printf 'odd\\nname')\"; "
    "echo kept >kept.log; chmod +x src/tags.txt; ln -s README.md link; echo s >s; git add s"
)


@pytest.fixture
def desk(next_desk: Desk) -> Desk:
    return next_desk


def _tree(desk: Desk) -> dict[str, str]:
    """Every file of alice's, but for ignored ones: its mode and content."""
    found = {}
    for folder, _, files in os.walk(desk.tree):
        for name in files:
            path = Path(folder, name)
            if path == desk.tree / ".git":
                continue
            content = os.readlink(path) if path.is_symlink() else path.read_text()
            mode = path.lstat().st_mode & 0o170100
            found[str(path.relative_to(desk.tree))] = f"{mode:o} {content}"
    return found


def _discard(desk: Desk, *words: str) -> dict[str, str]:
    ran = desk.polis("agents", "discard", "alice", "--yes", "--json", *words)
    assert ran.status == 0, ran.err
    found: dict[str, str] = json.loads(ran.out)
    return found


def _kept(desk: Desk) -> str:
    record = json.loads((desk.folder_of("alice") / "agent.json").read_text())
    return f"refs/polis/discarded/alice-{record['incarnation']}"


def _take_back(desk: Desk, way: str) -> None:
    ran = desk.installation.run(*shlex.split(way), cwd=desk.repository)
    assert ran.status == 0, ran.err


def _outside_and_inside_agree(desk: Desk) -> list[str]:
    inside = work(desk, "git status --porcelain").splitlines()
    assert desk.installation.git(desk.tree, "status", "--porcelain").splitlines() == inside
    heads = (
        work(desk, "git rev-parse HEAD").strip(),
        desk.installation.git(desk.repository, "rev-parse", "agent/alice").strip(),
    )
    assert heads[0] == heads[1]
    return inside


def test_all_that_is_not_committed(desk: Desk) -> None:
    clean = _tree(desk)
    tip = commit(desk, "a.txt", "a\n")
    work(desk, _MESS)
    mess, before = _tree(desk), picture(desk.repository)
    found = _discard(desk)
    assert _tree(desk) == {**clean, "a.txt": "100000 a\n", "kept.log": "100000 kept\n"}
    assert _outside_and_inside_agree(desk) == []
    assert work(desk, "git rev-parse HEAD").strip() == tip
    assert picture(desk.repository) == before
    assert found["way_back"] == "polis agents discard alice --undo --number 1"
    (body,) = [entry["body"] for entry in desk.log("discarded")]
    assert (body["saved"], body["head"]) == (f"{_kept(desk)}/1/work", tip)
    _take_back(desk, found["way_back"])
    assert _tree(desk) == mess
    assert [entry["kind"] for entry in desk.log("restored")] == ["restored"]


def test_some_paths(desk: Desk) -> None:
    work(desk, _MESS)
    mess = _tree(desk)
    found = _discard(desk, "new folder", "old.txt", "s")
    left = dict(mess)
    del left["new folder/x"], left["s"]
    assert _tree(desk) == {**left, "old.txt": "100000 old\n"}
    _take_back(desk, found["way_back"])
    assert _tree(desk) == mess


def test_commits_too(desk: Desk) -> None:
    clean = _tree(desk)
    base = work(desk, "git rev-parse HEAD").strip()
    tip = commit(desk, "a.txt", "a\n")
    work(desk, "echo more >>README.md; git rm -q old.txt")
    mess = _tree(desk)
    found = _discard(desk, "--all")
    assert _tree(desk) == clean
    assert _outside_and_inside_agree(desk) == []
    assert work(desk, "git rev-parse HEAD").strip() == base
    _take_back(desk, found["way_back"])
    assert _tree(desk) == mess
    assert work(desk, "git rev-parse HEAD").strip() == tip
    _outside_and_inside_agree(desk)


def test_what_was_merged_stays(desk: Desk) -> None:
    merged = commit(desk, "a.txt", "a\n", "First")
    assert desk.polis("agents", "merge", "alice", "--yes").status == 0
    tip = commit(desk, "b.txt", "b\n", "Second")
    ran = desk.polis("agents", "discard", "alice", "--all", "--yes")
    assert work(desk, "git rev-parse HEAD").strip() == merged
    assert ran.err.splitlines()[2:] == ["with 1 commit:", f"  {tip[:10]} Second"]
    assert ran.out.splitlines()[0] == (
        f"1 file of alice went back to {merged[:12]}, and 1 commit with it; "
        "your branch has 1 commit before that: it stays"
    )
    assert ran.err.splitlines()[0] == f"1 file of alice goes back to {merged[:12]}:"
    assert "a.txt" in _tree(desk)
    ran = desk.polis("agents", "discard", "alice", "--all", "--yes")
    assert (ran.status, ran.err) == (64, "polis: alice has nothing that is not merged\n")
    desk.polis("agents", "discard", "alice", "--undo")
    assert work(desk, "git rev-parse HEAD").strip() == tip


def test_what_came_in_from_your_branch_stays_too(desk: Desk) -> None:
    commit(desk, "a.txt", "a\n")
    (desk.repository / "yours.txt").write_text("yours\n")
    desk.installation.git(desk.repository, "add", "yours.txt")
    desk.installation.git(desk.repository, "commit", "-qm", "Yours")
    yours = desk.installation.git(desk.repository, "rev-parse", "HEAD").strip()
    work(desk, f"git merge -q --no-edit {yours}")
    _discard(desk, "--all")
    assert work(desk, "git rev-parse HEAD").strip() == yours
    assert "yours.txt" in _tree(desk)
    assert "a.txt" not in _tree(desk)


def test_in_the_middle_of_a_merge(desk: Desk) -> None:
    base = work(desk, "git rev-parse HEAD").strip()
    work(desk, f"git switch -q -c side {base}; echo s >README.md; git commit -qam s")
    work(desk, "git switch -q agent/alice; echo m >README.md; git commit -qam m")
    assert desk.line("git merge side").status == 1
    mess = _tree(desk)
    assert "<<<<<<<" in mess["README.md"]
    found = _discard(desk)
    assert _outside_and_inside_agree(desk) == []
    _take_back(desk, found["way_back"])
    assert _tree(desk) == mess


def test_what_came_since_is_kept_when_it_is_taken_back(desk: Desk) -> None:
    work(desk, "echo first >>README.md")
    found = _discard(desk)
    work(desk, "echo second >README.md; echo other >other.txt")
    now = _tree(desk)
    _take_back(desk, found["way_back"])
    assert _tree(desk)["README.md"] == "100000 A small shop.\nfirst\n"
    assert _tree(desk)["other.txt"] == "100000 other\n"
    kept = f"{_kept(desk)}/2/work"
    text = desk.installation.git(desk.repository, "show", f"{kept}:README.md")
    assert f"100000 {text}" == now["README.md"]


def test_what_was_discarded_outlives_polis(desk: Desk) -> None:
    work(desk, "echo x >x.txt")
    _discard(desk)
    kept = _kept(desk).replace("refs/polis", "polis-saved")
    assert desk.polis("uninstall", "--purge", "--yes").status == 0
    text = desk.installation.git(desk.repository, "show", f"{kept}/1/work:x.txt")
    assert text == "x\n"


def test_a_later_agent_of_that_name_has_nothing_to_bring_back(desk: Desk) -> None:
    work(desk, "echo x >x.txt")
    _discard(desk)
    assert desk.polis("agents", "remove", "alice").status == 0
    assert desk.polis("agents", "add", "alice").status == 0
    ran = desk.polis("agents", "discard", "alice", "--undo")
    assert (ran.status, ran.err.splitlines()[0]) == (64, "polis: nothing of alice was discarded")


def test_nothing_to_discard(desk: Desk) -> None:
    ran = desk.polis("agents", "discard", "alice", "--yes")
    assert (ran.status, ran.err.splitlines()[0]) == (64, "polis: alice has nothing uncommitted")
    ran = desk.polis("agents", "discard", "alice", "--undo")
    assert (ran.status, ran.err.splitlines()[0]) == (64, "polis: nothing of alice was discarded")


def test_it_asks(desk: Desk) -> None:
    work(desk, "echo x >x.txt")
    question = "Discard this work of alice? [y/N]"
    words = ("agents", "discard", "alice")
    assert at_terminal(desk, *words, answers=[(question, "")])[0] == 1
    assert (desk.tree / "x.txt").exists()
    ran = desk.polis(*words)
    assert (ran.status, ran.err.splitlines()[-1]) == (64, "hint: polis agents discard alice --yes")
    status, screen = at_terminal(desk, *words, answers=[(question, "y")])
    assert status == 0
    assert "added     x.txt  +1 -0" in screen
    assert not (desk.tree / "x.txt").exists()


def test_what_has_changed_since_it_was_shown_stays(desk: Desk) -> None:
    work(desk, "echo x >x.txt")

    def go_on() -> str:
        work(desk, "echo y >y.txt")
        return "y"

    answers = [("Discard this work of alice? [y/N]", go_on)]
    status, screen = at_terminal(desk, "agents", "discard", "alice", answers=answers)
    assert (status, "the tree of alice has changed meanwhile" in screen) == (64, True), screen
    assert (desk.tree / "x.txt").exists()
    assert (desk.tree / "y.txt").exists()


def test_not_while_the_agent_works(desk: Desk) -> None:
    work(desk, "echo x >x.txt")
    running = subprocess.Popen(
        ["polis", "exec", "alice", "--", "sleep", "30"],
        cwd=desk.repository,
        env=desk.installation.environment,
    )
    try:
        work(desk, "sleep 0.5")
        ran = desk.polis("agents", "discard", "alice", "--yes")
        assert ran.status == 64
        assert ran.err == ("polis: alice is running\nhint: polis agents stop alice, or --force\n")
        assert (desk.tree / "x.txt").exists()
        _discard(desk, "--force")
        assert not (desk.tree / "x.txt").exists()
    finally:
        running.terminate()
        running.wait()


def test_what_cannot_be_kept_is_not_thrown_away(desk: Desk) -> None:
    work(desk, "echo secret >closed; chmod 0 closed; echo x >x.txt")
    ran = desk.polis("agents", "discard", "alice", "--yes")
    assert ran.status == 125, ran.out
    assert "closed in the tree of alice cannot be read, so it cannot be kept" in ran.err
    assert (desk.tree / "closed").exists()
    assert (desk.tree / "x.txt").exists()
