"""polis agents diff: everything an agent has changed, and none of its programs run."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from desk import Desk
from homecoming import at_terminal, commit, picture, work

pytestmark = pytest.mark.kernel


@pytest.fixture
def desk(next_desk: Desk) -> Desk:
    return next_desk


def _files(desk: Desk, *words: str) -> dict[str, str]:
    ran = desk.polis("agents", "diff", "alice", "--json", *words)
    assert ran.status == 0, ran.err
    return {one["path"]: one["kind"] for one in json.loads(ran.out)["files"]}


def test_nothing_changed(desk: Desk) -> None:
    ran = desk.polis("agents", "diff", "alice")
    assert (ran.status, ran.out, ran.err) == (0, "alice has changed nothing\n", "")


def test_committed_uncommitted_and_new_files_are_shown(desk: Desk) -> None:
    commit(desk, "committed.txt", "one\n")
    line = "echo two >>README.md; echo new >new.txt; echo x >x.log; git mv old.txt moved.txt; "
    work(desk, line + "printf 'a\\0b' >'odd name'; ln -s /etc/passwd link")
    before = picture(desk.repository)
    assert _files(desk) == {
        "README.md": "modified",
        "committed.txt": "added",
        "link": "added",
        "moved.txt": "renamed",
        "new.txt": "added",
        "odd name": "added",
    }
    ran = desk.polis("agents", "diff", "alice", "--json")
    found = json.loads(ran.out)
    assert found["uncommitted"]
    assert found["branch"] == "agent/alice"
    assert {one["path"]: (one["added"], one["removed"]) for one in found["files"]}["odd name"] == (
        None,
        None,
    )
    text = desk.polis("agents", "diff", "alice").out
    assert "+two\n" in text
    assert "+/etc/passwd\n" in text  # the link, not what it leads to
    assert "root:" not in text
    assert "new.txt" in desk.polis("agents", "diff", "alice", "--stat").out
    assert picture(desk.repository) == before
    # The agent's own index is as it was.
    assert work(desk, "git status --porcelain").splitlines() == [
        " M README.md",
        "R  old.txt -> moved.txt",
        "?? link",
        "?? new.txt",
        '?? "odd name"',
    ]


def test_one_tree_is_one_snapshot(desk: Desk) -> None:
    work(desk, "echo two >>README.md")
    found = [json.loads(desk.polis("agents", "diff", "alice", "--json").out) for _ in range(2)]
    assert found[0]["work"] == found[1]["work"] != found[0]["head"]


def test_paths_are_meant_from_where_one_stands(desk: Desk) -> None:
    work(desk, "echo x >>README.md; echo y >>src/tags.txt")
    assert list(_files(desk, "src")) == ["src/tags.txt"]
    assert list(_files(desk, "*.md")) == ["README.md"]
    for place, words in ((desk.repository / "src", "tags.txt"), (desk.tree, "src/tags.txt")):
        ran = desk.installation.polis("agents", "diff", "alice", "--json", words, cwd=place)
        assert [one["path"] for one in json.loads(ran.out)["files"]] == ["src/tags.txt"]
    ran = desk.polis("agents", "diff", "alice", "../elsewhere")
    assert (ran.status, ran.err.splitlines()[0]) == (
        64,
        "polis: ../elsewhere lies outside the repository",
    )


def test_what_the_user_has_already_is_no_change(desk: Desk) -> None:
    tip = commit(desk, "a.txt", "a\n")
    assert desk.polis("agents", "diff", "alice").status == 0  # carries it over
    desk.installation.git(desk.repository, "merge", "-q", "--no-ff", "--no-edit", "agent/alice")
    work(desk, "echo b >b.txt")
    assert _files(desk) == {"b.txt": "added"}
    assert json.loads(desk.polis("agents", "diff", "alice", "--json").out)["base"] == tip


def test_nothing_that_the_agent_configured_runs_outside(desk: Desk) -> None:
    witness = desk.repository.parent / "witness"
    script = f"sh -c 'echo ran >>{witness}; cat' #"
    config = desk.folder_of("alice") / "git/config"
    settings = (
        f'[diff "evil"]\n\ttextconv = "{script}"\n[diff]\n\texternal = "{script}"\n'
        f'[filter "evil"]\n\tclean = "{script}"\n\trequired = true\n'
        f'[core]\n\tfsmonitor = "{script}"\n\thooksPath = {witness.parent}\n'
    )
    config.write_text(config.read_text() + settings)
    (desk.tree / "old.txt").write_text("changed\n")
    (desk.tree / ".gitattributes").write_text("*.txt diff=evil filter=evil\n")
    # And the user has a converter of that name, which a diff of their own would run.
    (desk.repository / ".git/info/attributes").write_text("*.txt diff=evil\n")
    for key in ("diff.evil.textconv", "diff.external"):
        desk.installation.git(desk.repository, "config", key, f"sh -c 'touch {witness}' #")
    assert "old.txt" in _files(desk)
    assert "+changed" in desk.polis("agents", "diff", "alice").out
    assert desk.polis("agents", "diff", "alice", "--stat").status == 0
    assert not witness.exists()


def test_another_repository_inside_is_told_not_taken(desk: Desk) -> None:
    work(desk, "mkdir inner; echo x >inner/file; echo y >y.txt")
    desk.installation.git(desk.tree / "inner", "init", "-q")
    ran = desk.polis("agents", "diff", "alice", "--stat")
    assert "y.txt" in ran.out
    assert ran.err == "polis: not shown, git cannot take it: inner/\n"


def test_a_tree_that_gives_no_answer_is_told(desk: Desk) -> None:
    (desk.folder_of("alice") / "git/HEAD").write_text("nonsense\n")
    ran = desk.polis("agents", "diff", "alice")
    assert ran.status == 125
    assert ran.err.startswith("polis: the tree of alice cannot be read: ")


def test_it_is_paged_at_a_terminal(desk: Desk, tmp_path: Path) -> None:
    work(desk, "echo two >>README.md")
    pager = tmp_path / "pager"
    pager.write_text("#!/bin/sh\necho paged; cat\n")
    pager.chmod(0o755)
    desk.installation.git(desk.repository, "config", "core.pager", os.fspath(pager))
    status, screen = at_terminal(desk, "agents", "diff", "alice", answers=[])
    assert status == 0
    assert "paged" in screen
    assert "+two" in screen.replace("\x1b[32m", "").replace("\x1b[m", "")


def test_a_running_agent_is_shown_too(desk: Desk) -> None:
    work(desk, "echo two >>README.md; (sleep 30 >/dev/null 2>&1 &); true")
    assert _files(desk) == {"README.md": "modified"}
