"""Every path a user may name: the repository it means, or one line and a hint."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from ground import ORDINARY, Ground, run_as
from privilege import needs_root

from cash.faults import Fault, MachineFault, UsageFault
from cash.hub.account import Account
from cash.hub.repository import Repository, find_repository, repository_id


def test_a_repository_is_found_from_anywhere_in_it(ground: Ground) -> None:
    found = find_repository(ground.root / "folder1")
    assert found == Repository(
        root=ground.root,
        common_dir=ground.root / ".git",
        id=repository_id(ground.root / ".git"),
        owner=Account(
            os.geteuid(), os.getegid(), found.owner.name, ground.home, found.owner.groups
        ),
        object_format="sha1",
    )
    assert found == find_repository(ground.root)


def test_a_linked_worktree_means_the_main_one(ground: Ground) -> None:
    ground.git("worktree", "add", "-q", ground.folder / "other")
    assert find_repository(ground.folder / "other") == ground.repository


def test_a_separate_git_directory_is_fine(ground: Ground) -> None:
    place = ground.folder / "apart"
    ground.git("init", "-q", "--separate-git-dir", ground.folder / "apart.git", place)
    ground.git("commit", "-q", "--allow-empty", "-m", "x", cwd=place)
    found = find_repository(place)
    assert (found.root, found.common_dir) == (place, ground.folder / "apart.git")


def test_a_symlink_to_it_means_the_same(ground: Ground) -> None:
    (ground.folder / "link").symlink_to(ground.root)
    assert find_repository(ground.folder / "link") == ground.repository


def test_sha256_is_told(ground: Ground) -> None:
    place = ground.folder / "long"
    ground.git("init", "-q", "--object-format=sha256", place)
    ground.git("commit", "-q", "--allow-empty", "-m", "x", cwd=place)
    assert find_repository(place).object_format == "sha256"


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/srv/My Projects/.git", "my-projects-"),
        ("/srv/bare.git", "bare-git-"),
        ("/srv/日本/.git", "repository-"),
        (f"/srv/{'x' * 100}/.git", f"{'x' * 24}-"),
    ],
)
def test_an_id_is_a_short_file_name(path: str, expected: str) -> None:
    found = repository_id(Path(path))
    assert found.startswith(expected)
    assert len(found) == len(expected) + 12
    assert found != repository_id(Path("/elsewhere") / path[1:])


def _nothing(ground: Ground) -> Path:
    place = ground.folder / "plain"
    place.mkdir()
    return place


def _bare(ground: Ground) -> Path:
    ground.git("clone", "-q", "--bare", ground.root, ground.folder / "bare.git")
    return ground.folder / "bare.git"


def _bare_worktree(ground: Ground) -> Path:
    _bare(ground)
    ground.git("worktree", "add", "-q", ground.folder / "of-bare", cwd=ground.folder / "bare.git")
    return ground.folder / "of-bare"


def _empty(ground: Ground) -> Path:
    place = ground.folder / "empty"
    ground.git("init", "-q", place)
    return place


def _submodule(ground: Ground) -> Path:
    other = ground.folder / "other"
    ground.git("clone", "-q", ground.root, other)
    ground.git(*("-c", "protocol.file.allow=always", "submodule", "add", "-q", str(other), "part"))
    return ground.root / "part"


def _missing(ground: Ground) -> Path:
    return ground.folder / "missing"


def _file(ground: Ground) -> Path:
    return ground.root / "README"


def _git_directory(ground: Ground) -> Path:
    return ground.root / ".git" / "refs"


def _line_break(ground: Ground) -> Path:
    place = ground.folder / "two\nlines"
    ground.git("clone", "-q", ground.root, place)
    return place


def _broken(ground: Ground) -> Path:
    (ground.root / ".git" / "config").write_text("[core\n")
    return ground.root


@pytest.mark.parametrize(
    ("prepare", "message", "hint"),
    [
        (
            _nothing,
            "F/plain is not in a git repository",
            "git init && git add -A && git commit --allow-empty -m start, or go to your repository",
        ),
        (
            _bare,
            "F/bare.git is in a bare repository, which has no files to work on",
            "git clone F/bare.git somewhere, then: polis init somewhere",
        ),
        (
            _bare_worktree,
            "F/of-bare is a linked worktree of the bare repository F/bare.git",
            "polis needs a main working tree: git clone F/bare.git somewhere",
        ),
        (
            _empty,
            "F/empty has no commits yet, so there is nothing to start from",
            "git -C F/empty commit --allow-empty -m start",
        ),
        (
            _submodule,
            "F/repo/part is a submodule of F/repo",
            "adopt the whole: polis init F/repo",
        ),
        (
            _missing,
            "F/missing: No such file or directory",
            "ls F (a new repository: git init F/missing)",
        ),
        (_file, "F/repo/README is not a directory", "cd F/repo"),
        (_git_directory, "F/repo/.git/refs is inside a git directory", "cd F/repo"),
        (
            _line_break,
            "F/two\nlines: its path holds a line break",
            "rename the folder",
        ),
        (
            _broken,
            "F/repo: bad config line 1 in file .git/config",
            "git status there says more",
        ),
    ],
)
def test_what_is_no_repository_to_work_on(
    ground: Ground, prepare: Callable[[Ground], Path], message: str, hint: str | None
) -> None:
    path = prepare(ground)
    with pytest.raises(UsageFault) as caught:
        find_repository(path)
    told = caught.value.hint and caught.value.hint.replace(str(ground.folder), "F")
    assert caught.value.message.replace(str(ground.folder), "F") == message
    assert told == hint or (hint and told and told.endswith(hint))
    assert caught.value.status == 64


def test_git_that_is_missing_or_too_old(ground: Ground, monkeypatch: pytest.MonkeyPatch) -> None:
    programs = ground.folder / "bin"
    programs.mkdir()
    monkeypatch.setenv("PATH", str(programs))
    with pytest.raises(MachineFault, match="git is not installed") as missing:
        find_repository(ground.root)
    assert (missing.value.hint, missing.value.status) == ("apt install git", 69)
    (programs / "git").write_text("#!/bin/sh\necho git version 2.20.1\n")
    (programs / "git").chmod(0o755)
    with pytest.raises(MachineFault, match=r"git version 2\.20\.1 is too old: polis needs 2\.34"):
        find_repository(ground.root)


@needs_root
def test_somebody_elses_repository_is_refused(ground: Ground) -> None:
    """Run as an ordinary user on root's repository: git calls its ownership dubious."""

    def find() -> tuple[str, str | None]:
        try:
            find_repository(ground.root)
        except Fault as fault:
            return fault.message, fault.hint
        return "found", None

    assert run_as(ORDINARY, find) == (
        f"the repository at {ground.root} belongs to somebody else than {ORDINARY}",
        "work as its owner, or clone it",
    )


@needs_root
def test_a_closed_folder_is_told(ground: Ground) -> None:
    (ground.root / "folder1").chmod(0o700)

    def find() -> str:
        try:
            find_repository(ground.root / "folder1" / "deeper")
        except Fault as fault:
            return fault.message
        return "found"

    assert run_as(ORDINARY, find) == f"{ground.root}/folder1/deeper cannot be read"


@needs_root
def test_root_finds_a_users_repository_as_that_user(ground: Ground) -> None:
    subprocess.run(["chown", "-R", f"{ORDINARY}:{ORDINARY}", ground.root], check=True)
    found = ground.repository
    assert (found.owner.uid, found.owner.gid, found.owner.foreign) == (ORDINARY, ORDINARY, True)
    assert found.git.read("rev-parse", "--is-bare-repository") == "false"


def test_nothing_of_the_callers_git_reaches_git(
    ground: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    """GIT_DIR of a hook that calls polis, a user's hook, a user's fsmonitor: none takes part."""
    marker = ground.folder / "ran"
    hook = ground.root / ".git/hooks/post-index-change"
    hook.write_text(f"#!/bin/sh\necho hook >> {marker}\n")
    hook.chmod(0o755)
    ground.git("config", "core.fsmonitor", f"echo fsmonitor >> {marker}; false")
    monkeypatch.setenv("GIT_DIR", "/nowhere")
    monkeypatch.setenv("GIT_INDEX_FILE", "/nowhere/index")
    monkeypatch.setenv("GIT_CONFIG_COUNT", "x")
    repository = find_repository(ground.root)
    repository.git.run("status", "--porcelain")
    assert not marker.exists()
