"""What git starts for its own work is judged with the git that was asked for it."""

from __future__ import annotations

import pytest
from desk import Desk

from cash.daemon.git_work import is_other_end, is_own_work, operation_of
from cash.keeper.faces import Face


def face(words: str, resolved: str = "/usr/lib/git-core/git") -> Face:
    argv = tuple(words.encode().split())
    return Face(argv, argv[0].decode().rpartition("/")[2], resolved, (1, 2))


@pytest.mark.parametrize(
    ("starter", "words", "expected"),
    [
        ("git gc", "/usr/lib/git-core/git reflog expire --all", True),
        ("git -c gc.auto=1 -C x maintenance run", "git prune --expire x", True),
        ("git-receive-pack x", "/usr/lib/git-core/git unpack-objects -q", True),
        ("git stash -u", "git clean -d -f", True),
        ("git pull --rebase", "git rebase main", True),
        ("", "git prune", False),
        ("git", "git prune", False),
        ("git own-alias", "git prune", False),
        ("git bisect run git prune", "git prune", False),
        ("git for-each-repo --config=x gc", "git gc", False),
        ("git submodule--helper foreach git gc", "git gc", False),
        ("git submodule--helper update --quiet --init -- part", "git checkout -q -f x", True),
        ("git -C x submodule--helper update", "git rebase x", True),
        ("git submodule--helper update --force --init -- part", "git checkout -q -f x", False),
        ("git submodule--helper update -qf", "git checkout -q -f x", False),
        ("git submodule--helper update --for", "git checkout -q -f x", False),
        ("git submodule--helper update --init", "git push -f", False),
        ("git stash", "git push -f", False),
        ("git gc", "rm -rf x", False),
    ],
)
def test_own_work(starter: str, words: str, expected: bool) -> None:
    assert is_own_work(face(words), starter.split()) == expected


def test_another_program_of_that_name_is_not_git() -> None:
    assert not is_own_work(face("git prune", "/home/u/tree/git"), ["git", "gc"])
    assert not is_own_work(face("git prune", "/usr/bin/shred"), ["git", "gc"])
    assert not is_other_end(face("git upload-pack x", "/usr/bin/shred"), by_git=True, surprise=True)
    shell = Face((b"sh", b"-c", b"git-upload-pack 'x'"), "sh", "/home/u/tree/sh", None)
    assert not is_other_end(shell, by_git=True, surprise=True)


def test_the_other_end_of_a_transport() -> None:
    shell = Face((b"sh", b"-c", b"git-receive-pack '/x/y'"), "sh", "/bin/sh", None)
    more = Face((b"sh", b"-c", b"git-receive-pack '/x'; rm x"), "sh", "/bin/sh", None)
    assert is_other_end(shell, by_git=True, surprise=False)
    assert not is_other_end(shell, by_git=False, surprise=True)
    assert not is_other_end(more, by_git=True, surprise=True)
    assert is_other_end(face("git upload-pack x"), by_git=True, surprise=False)


def test_operations() -> None:
    assert operation_of(["/usr/lib/git-core/git-gc", "--auto"]) == "gc"
    assert operation_of(["git", "--no-pager", "-c", "a=b", "log"]) == "log"
    assert operation_of(["git", "--version"]) == operation_of([]) == ""


def test_gits_own_work_is_not_asked_about_a_second_time(desk: Desk) -> None:
    desk.line("echo a > a; git add a; git commit -qm a; echo b > a")
    for line in (
        "git init -q --bare ~/far.git && git push -q ~/far.git HEAD:main",
        "git stash -q -u && git stash pop -q && git commit -qam b",
        "git gc -q && git maintenance run --quiet",
        "git worktree add -q ~/other HEAD",
        "git pull -q --rebase ~/far.git main",
    ):
        ran = desk.line(line)
        assert (ran.status, ran.err) == (0, ""), line
    assert desk.log("asked") == []


def test_what_a_hook_becomes_is_not_gits_own_work(desk: Desk) -> None:
    """Its parent is git all the same."""
    hook = "#!/bin/sh\nexec git reflog expire --expire=now --all\n"
    folder = desk.tree / "hooks"
    folder.mkdir()
    (folder / "post-commit").write_text(hook)
    (folder / "post-commit").chmod(0o755)
    made = desk.line("git -c core.hooksPath=hooks commit -q --allow-empty -m x")
    assert made.status == 124
    assert desk.polis("approvals", "allow", "q1").status == 0
    made = desk.line("git -c core.hooksPath=hooks commit -q --allow-empty -m x")
    assert "asked by rewrite-history" in made.err
