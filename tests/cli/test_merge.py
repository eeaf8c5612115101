"""polis agents merge: shown, asked, done by the user's own git, and taken back."""

from __future__ import annotations

import json
import os
import shlex
from pathlib import Path

import pytest
from desk import Desk
from ground import ORDINARY
from homecoming import at_terminal, commit, picture, work
from installation import Installation
from privilege import needs_root

pytestmark = pytest.mark.kernel


@pytest.fixture
def desk(next_desk: Desk) -> Desk:
    return next_desk


def _git(desk: Desk, *words: str) -> str:
    return desk.installation.git(desk.repository, *words).rstrip("\n")


def _merge(desk: Desk, *words: str) -> dict[str, object]:
    ran = desk.polis("agents", "merge", "alice", "--yes", "--json", *words)
    assert ran.status == 0, ran.err
    found: dict[str, object] = json.loads(ran.out)
    return found


def _mine(desk: Desk, path: str, text: str) -> str:
    (desk.repository / path).write_text(text)
    _git(desk, "add", path)
    _git(desk, "commit", "-q", "-m", f"Mine in {path}")
    return _git(desk, "rev-parse", "HEAD")


def _take_back(desk: Desk, way: object) -> None:
    assert isinstance(way, str)
    ran = desk.installation.run(*shlex.split(way), cwd=desk.repository)
    assert ran.status == 0, ran.err


def test_a_fast_forward_and_its_way_back(desk: Desk) -> None:
    before = _git(desk, "rev-parse", "HEAD")
    (desk.repository / "mine.txt").write_text("not yet in git\n")
    tip = commit(desk, "a.txt", "a\n")
    found = _merge(desk)
    assert (found["way"], found["before"], found["after"]) == ("fast-forward", before, tip)
    assert _git(desk, "status", "--porcelain") == "?? mine.txt"
    assert (desk.repository / "a.txt").read_text() == "a\n"
    assert _git(desk, "rev-parse", "refs/polis/merged/alice/1/before") == before
    (desk.repository / "README.md").write_text("mine, since then\n")
    _take_back(desk, found["way_back"])
    assert _git(desk, "rev-parse", "HEAD") == before
    assert not (desk.repository / "a.txt").exists()
    assert (desk.repository / "README.md").read_text() == "mine, since then\n"
    kinds = [entry["kind"] for entry in desk.log() if entry["kind"] in ("merging", "merged")]
    assert kinds == ["merging", "merged"]
    (body,) = [entry["body"] for entry in desk.log("merged")]
    assert (body["into"], body["before"], body["after"]) == ("main", before, tip)


def test_a_merge_commit_is_the_users_own(desk: Desk) -> None:
    tip = commit(desk, "a.txt", "a\n")
    mine = _mine(desk, "b.txt", "b\n")
    found = _merge(desk)
    assert found["way"] == "merge"
    assert _git(desk, "log", "-1", "--format=%an %P %s") == (
        f"Ada {mine} {tip} Merge branch 'agent/alice'"
    )
    assert _git(desk, "status", "--porcelain") == ""
    _take_back(desk, found["way_back"])
    assert _git(desk, "rev-parse", "HEAD") == mine
    assert _git(desk, "fsck", "--strict") == ""


def test_squashed_with_a_message(desk: Desk) -> None:
    commit(desk, "a.txt", "a\n", "Begin a")
    commit(desk, "a.txt", "aa\n", "Go on with a")
    found = _merge(desk, "--squash")
    assert _git(desk, "log", "-1", "--format=%B%P") == (
        f"Begin a\n\n* Begin a\n* Go on with a\n{found['before']}"
    )
    _take_back(desk, found["way_back"])
    _merge(desk, "--squash", "--message", "All of a")
    assert _git(desk, "log", "--format=%s") == "All of a\nBegin"


@pytest.mark.parametrize("into", [(), ("--into", "next")])
def test_what_is_squashed_is_merged(desk: Desk, into: tuple[str, ...]) -> None:
    """Not shown again, nor foreseen to conflict, until the one commit is taken back."""
    first = commit(desk, "a.txt", "a\n")
    if into:
        _git(desk, "branch", "next")
    _mine(desk, "b.txt", "b\n")
    done = _merge(desk, "--squash", *into)
    if into:
        _git(desk, "switch", "-q", "next")
    assert desk.polis("agents", "diff", "alice").out == "alice has changed nothing\n"
    assert _merge(desk, *into)["way"] == "nothing"
    shown = json.loads(desk.polis("conflicts", "--json").out)
    assert (shown["order"], shown["conflicts"]) == ([], [])
    ran = desk.polis("agents", "discard", "alice", "--all", "--yes")
    assert (ran.status, ran.err) == (64, "polis: alice has nothing that is not merged\n")
    commit(desk, "c.txt", "c\n", "More")
    told = json.loads(desk.polis("agents", "diff", "alice", "--json").out)
    assert (told["base"], [one["path"] for one in told["files"]]) == (first, ["c.txt"])
    again = _merge(desk, "--squash", *into)
    assert [one["subject"] for one in again["commits"]] == ["More"]  # type: ignore[attr-defined]
    for one in (again, done):
        if into:
            _git(desk, "reset", "-q", "--keep", str(one["before"]))
        else:
            _take_back(desk, one["way_back"])
    told = json.loads(desk.polis("agents", "diff", "alice", "--json").out)
    assert [one["path"] for one in told["files"]] == ["a.txt", "c.txt"]


def test_a_message_makes_a_merge_commit(desk: Desk) -> None:
    commit(desk, "a.txt", "a\n")
    _merge(desk, "--message", "Take a in")
    assert _git(desk, "log", "-1", "--format=%s %p").count(" ") == 4
    assert _git(desk, "log", "-1", "--format=%s") == "Take a in"


@pytest.mark.parametrize("squash", [(), ("--squash",)])
def test_into_a_branch_that_no_tree_shows(desk: Desk, squash: tuple[str, ...]) -> None:
    _git(desk, "branch", "next")
    for words in (("switch", "-q", "next"), ("switch", "-q", "main")):
        _git(desk, *words)
        if words[-1] == "next":
            _mine(desk, "b.txt", "b\n")
    before, tree = _git(desk, "rev-parse", "next"), picture(desk.repository)
    tip = commit(desk, "a.txt", "a\n")
    found = _merge(desk, "--into", "next", *squash)
    assert found["after"] == _git(desk, "rev-parse", "next") != before
    assert _git(desk, "log", "-1", "--format=%an %P", "next") == (
        f"Ada {before}" if squash else f"Ada {before} {tip}"
    )
    assert _git(desk, "ls-tree", "--name-only", "next", "a.txt", "b.txt") == "a.txt\nb.txt"
    after = picture(desk.repository)
    changed = {path for path in {*tree, *after} if tree.get(path) != after.get(path)}
    assert changed == {".git/refs/heads/next", ".git/logs/refs/heads/next"}
    _take_back(desk, found["way_back"])
    assert _git(desk, "rev-parse", "next") == before


def test_nothing_to_merge(desk: Desk) -> None:
    ran = desk.polis("agents", "merge", "alice")
    assert (ran.status, ran.out) == (0, "main has everything that alice has committed\n")


def test_what_conflicts_is_explained_and_nothing_is_touched(desk: Desk) -> None:
    work(desk, "sed -i 's/tag 3/her 3/' src/tags.txt; git commit -qam 'Her tag'; git rm -q old.txt")
    theirs = commit(desk, "both.txt", "hers\n", "Her file")
    text = (desk.repository / "src/tags.txt").read_text()
    _mine(desk, "src/tags.txt", text.replace("tag 3\n", "my 3\n"))
    _mine(desk, "old.txt", "old and mine\n")
    mine = _mine(desk, "both.txt", "mine\n")
    (desk.repository / "README.md").write_text("not committed\n")
    before = picture(desk.repository)
    ran = desk.polis("agents", "merge", "alice", "--yes")
    assert ran.status == 125
    assert ran.out == ""
    told = ran.err
    assert "both.txt: both changed the same lines\n" in told
    assert f"  main   {mine[:10]} Mine in both.txt (Ada)\n" in told
    assert f"  alice  {theirs[:10]} Her file (Ada)\n" in told
    assert "old.txt: one changed it, the other deleted it\n" in told
    assert "  line 4:\n    main  | my 3\n    alice | her 3\n" in told
    assert told.splitlines()[-2] == (
        "polis: alice and main conflict in 3 files; nothing was changed"
    )
    assert picture(desk.repository) == before
    ran = desk.polis("agents", "merge", "alice", "--yes", "--json")
    found = json.loads(ran.out)
    assert (ran.status, found["merged"]) == (125, False)
    assert [(one["path"], one["kind"]) for one in found["conflicts"]] == [
        ("both.txt", "contents"),
        ("old.txt", "modify/delete"),
        ("src/tags.txt", "contents"),
    ]
    # What the hint says leads on: resolved inside, it merges.
    assert told.splitlines()[-1].startswith("hint: have it resolved there: polis exec alice -- git")
    assert f"git merge {mine[:12]}" in told
    ran = desk.polis("exec", "alice", "--", "git", "merge", mine[:12])
    assert ran.status == 1
    for path in ("both.txt", "src/tags.txt"):
        (desk.tree / path).write_text("resolved\n")
    work(desk, "git add -A; git commit -qm Resolved")
    (desk.repository / "README.md").write_text("A small shop.\n")
    assert _merge(desk)["way"] == "fast-forward"


@pytest.mark.parametrize(
    ("files", "index", "told"),
    [
        ({"README.md": "mine\n"}, (), "uncommitted changes of yours are in the way: README.md"),
        ({"README.md": "mine\n"}, ("README.md",), "uncommitted changes of yours are in the way"),
        ({"a.log": "mine\n"}, (), "files git does not know of yours are in the way: a.log"),
        ({"new": "mine\n"}, (), "files git does not know of yours are in the way: new"),
        ({"x.txt": "mine\n"}, ("x.txt",), "staged changes of yours are in the way: x.txt"),
    ],
)
def test_files_of_the_users_are_not_run_over(
    desk: Desk, files: dict[str, str], index: tuple[str, ...], told: str
) -> None:
    """An ignored one neither, which git merge itself takes for rubbish."""
    commit(desk, "README.md", "hers\n")
    commit(desk, "new/file.txt", "hers\n")
    (desk.tree / "a.log").write_text("hers\n")
    work(desk, "git add -f a.log && git commit -qm log")
    _mine(desk, "b.txt", "b\n")
    for path, text in files.items():
        (desk.repository / path).write_text(text)
    if index:
        _git(desk, "add", *index)
    before = picture(desk.repository)
    ran = desk.polis("agents", "merge", "alice", "--yes")
    assert ran.status == 64
    assert told in ran.err
    assert picture(desk.repository) == before


def test_changes_elsewhere_stay(desk: Desk) -> None:
    commit(desk, "a.txt", "a\n")
    _mine(desk, "b.txt", "b\n")
    (desk.repository / "README.md").write_text("mine\n")
    _merge(desk)
    assert _git(desk, "status", "--porcelain") == " M README.md"
    assert (desk.repository / "README.md").read_text() == "mine\n"


def _hook(desk: Desk, name: str, text: str) -> None:
    place = desk.repository / ".git/hooks" / name
    place.parent.mkdir(exist_ok=True)
    place.write_text(f"#!/bin/sh\n{text}\n")
    place.chmod(0o755)


def test_the_users_hooks_run(desk: Desk) -> None:
    _hook(desk, "post-merge", 'echo "hook $PWD $1" >>.git/said')
    commit(desk, "a.txt", "a\n")
    _merge(desk)
    assert (desk.repository / ".git/said").read_text() == f"hook {desk.repository} 0\n"


@pytest.mark.parametrize("way", [(), ("--squash",)])
def test_a_hook_that_refuses_leaves_all_as_it_was(desk: Desk, way: tuple[str, ...]) -> None:
    for name in ("pre-merge-commit", "pre-commit"):
        _hook(desk, name, "echo not today >&2; exit 1")
    commit(desk, "a.txt", "a\n")
    (desk.repository / "b.txt").write_text("b\n")
    _git(desk, "add", "b.txt")
    _git(desk, "commit", "-q", "--no-verify", "-m", "Mine")
    (desk.repository / "README.md").write_text("mine\n")
    before = picture(desk.repository)
    ran = desk.polis("agents", "merge", "alice", "--yes", *way)
    assert ran.status == 125
    assert "not today" in ran.err
    assert "nothing was changed" in ran.err
    after = picture(desk.repository)
    # git itself leaves its notes of the attempt, and writes the same index anew.
    notes = (".git/ORIG_HEAD", ".git/index", ".git/SQUASH_MSG", ".git/logs/HEAD", ".git/MERGE_MSG")
    notes = (*notes, ".git/COMMIT_EDITMSG", ".git/AUTO_MERGE", ".git/MERGE_RR")
    changed = {path for path in {*before, *after} if before.get(path) != after.get(path)}
    assert changed <= set(notes)
    assert _git(desk, "status", "--porcelain").strip() == "M README.md"


def test_hooks_that_the_merge_brings_do_not_run(desk: Desk) -> None:
    """As with husky: hooks in the tree, which an agent can write."""
    _git(desk, "config", "core.hooksPath", ".husky")
    (desk.tree / ".husky").mkdir()
    hook = desk.tree / ".husky/post-merge"
    hook.write_text("#!/bin/sh\ntouch witness\n")
    hook.chmod(0o755)
    commit(desk, "a.txt", "a\n")
    work(desk, "git add -f .husky && git commit -qm Hooks")
    ran = desk.polis("agents", "merge", "alice", "--yes")
    assert ran.status == 0, ran.err
    assert (desk.repository / ".husky/post-merge").exists()
    assert not (desk.repository / "witness").exists()
    assert ".husky/post-merge is changed, and hooks lie there: they do not run" in ran.err


def test_uncommitted_work_is_told_and_taken_along(desk: Desk) -> None:
    work(desk, "echo x >x.txt; echo y >>README.md")
    ran = desk.polis("agents", "merge", "alice", "--yes")
    assert ran.status == 0
    assert "polis: alice has not committed 2 files: left behind" in ran.err
    assert ran.out == "main has everything that alice has committed\n"
    found = _merge(desk, "--commit", 'It\'s "all" of it')
    assert found["way"] == "fast-forward"
    assert _git(desk, "log", "-1", "--format=%an %s") == 'Ada It\'s "all" of it'
    assert (desk.repository / "x.txt").read_text() == "x\n"
    assert work(desk, "git status --porcelain") == ""
    assert [entry["body"]["commit"] for entry in desk.log("committed")] == [found["after"]]


def test_at_a_terminal_it_asks(desk: Desk) -> None:
    work(desk, "echo x >x.txt")
    commits = [("Commit them now? [y/N]", "y"), ("Message [Work of alice]:", "")]
    before = picture(desk.repository)
    merging = "Merge 1 commit of alice into main? [y/N]"
    status, screen = at_terminal(
        desk, "agents", "merge", "alice", answers=[*commits, (merging, "n")]
    )
    assert (status, picture(desk.repository) == before) == (1, True), screen
    assert "nothing was changed" in screen
    status, screen = at_terminal(desk, "agents", "merge", "alice", answers=[(merging, "y")])
    assert status == 0, screen
    assert "Work of alice" in screen
    assert "the way back: git -C" in screen
    assert (desk.repository / "x.txt").exists()


def test_what_has_changed_since_it_was_shown_is_not_merged(desk: Desk) -> None:
    commit(desk, "a.txt", "a\n")

    def go_on() -> str:
        _mine(desk, "b.txt", "b\n")
        return "y"

    answers = [("Merge 1 commit of alice into main? [y/N]", go_on)]
    status, screen = at_terminal(desk, "agents", "merge", "alice", answers=answers)
    assert (status, "main or your files have changed meanwhile" in screen) == (125, True), screen
    assert not (desk.repository / "a.txt").exists()
    assert _git(desk, "log", "-1", "--format=%s") == "Mine in b.txt"


def test_without_a_terminal_it_wants_a_yes(desk: Desk) -> None:
    commit(desk, "a.txt", "a\n")
    ran = desk.polis("agents", "merge", "alice")
    assert (ran.status, ran.err.splitlines()[-2:]) == (
        64,
        ["polis: nobody is there to say yes", "hint: polis agents merge alice --yes"],
    )


@pytest.mark.parametrize(
    ("prepare", "words", "told"),
    [
        ((), ("--into", "mian"), "there is no branch 'mian'\nhint: did you mean main?"),
        ((), ("--into", "agent/alice"), "branch agent/alice is in use by agent alice"),
        (("switch", "-q", "--detach"), (), "is on no branch"),
    ],
)
def test_a_branch_that_cannot_be_had(
    desk: Desk, prepare: tuple[str, ...], words: tuple[str, ...], told: str
) -> None:
    commit(desk, "a.txt", "a\n")
    if prepare:
        _git(desk, *prepare)
    before = picture(desk.repository)
    ran = desk.polis("agents", "merge", "alice", "--yes", *words)
    assert ran.status == 64
    assert told in ran.err
    assert picture(desk.repository) == before


def test_in_the_middle_of_something(desk: Desk) -> None:
    commit(desk, "a.txt", "a\n")
    base = _git(desk, "rev-parse", "HEAD")
    mine = _mine(desk, "b.txt", "b\n")
    _git(desk, "reset", "-q", "--hard", base)
    _mine(desk, "b.txt", "another\n")
    ran = desk.installation.run("git", "cherry-pick", mine, cwd=desk.repository)
    assert ran.status == 1
    ran = desk.polis("agents", "merge", "alice", "--yes")
    assert ran.status == 64
    assert "is in the middle of a cherry-pick\nhint: git cherry-pick --continue" in ran.err


def test_in_another_tree_of_the_users(desk: Desk, tmp_path: Path) -> None:
    other = desk.repository / "other"
    _git(desk, "worktree", "add", "-q", "-b", "next", str(other))
    tip = commit(desk, "a.txt", "a\n")
    ran = desk.installation.polis("agents", "merge", "alice", "--yes", "--json", cwd=other)
    assert ran.status == 0, ran.err
    found = json.loads(ran.out)
    assert (found["into"], found["after"]) == ("next", tip)
    assert (other / "a.txt").exists()
    assert not (desk.repository / "a.txt").exists()
    assert desk.installation.git(other, "status", "--porcelain") == ""


@needs_root
def test_in_a_repository_of_somebody_elses(installation: Installation) -> None:
    """Root works for its owner: git is theirs, and so is every file it makes."""
    root = installation.make_repository(files={"README.md": "A small shop.\n"})
    for folder, names, files in os.walk(root):
        for name in (".", *names, *files):
            os.lchown(os.path.join(folder, name), ORDINARY, ORDINARY)
    for folder in (root, *root.parents[:2]):
        folder.chmod(0o711)
    desk = Desk(installation, root)
    assert desk.polis("up").status == 0
    for name in ("state", "state/polis"):  # which polisd closes when it starts
        (installation.folder / name).chmod(0o711)
    for words in (("init",), ("agents", "add", "alice")):
        ran = desk.polis(*words)
        assert ran.status == 0, ran.err
    desk.line("git config user.name Alice; git config user.email alice@example.org")
    (desk.tree / "a.txt").write_text("a\n")
    os.chown(desk.tree / "a.txt", ORDINARY, ORDINARY)
    found = _merge(desk, "--commit", "Hers")
    assert found["way"] == "fast-forward"
    assert (root / "a.txt").stat().st_uid == ORDINARY
    strays = [path for path in root.rglob("*") if path.lstat().st_uid != ORDINARY]
    assert strays == []
    os.remove(desk.tree / "a.txt")
    way = json.loads(desk.polis("agents", "discard", "alice", "--yes", "--json").out)["way_back"]
    assert (desk.tree / "a.txt").stat().st_uid == ORDINARY
    _take_back(desk, way)
    assert not (desk.tree / "a.txt").exists()
