"""Adopting: idempotent, two at once, nothing in the working tree, full disk told."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from ground import ORDINARY, Ground, run_as
from privilege import needs_root

from cash.faults import Fault
from cash.hub.adoption import Adoption, adopt, adopted_roots
from cash.hub.levels import EXCLUSIVE
from cash.hub.mutex import hold_hub
from cash.hub.repository import find_repository


def _look(folder: Path) -> dict[str, str]:
    """Every file below with its mode."""
    return {
        str(path.relative_to(folder)): oct(path.lstat().st_mode & 0o777)
        for path in sorted(folder.rglob("*"))
    }


def test_adopting_makes_one_private_folder_and_leaves_a_marker(ground: Ground) -> None:
    before = _look(ground.root)
    status = ground.git("status", "--porcelain")
    first = adopt(ground.repository, ground.places)
    assert first == Adoption(folder=ground.hub, fresh=True)
    assert adopt(ground.repository, ground.places) == Adoption(folder=ground.hub, fresh=False)
    marker = {".git/polis": "0o755", ".git/polis/id": "0o600", ".git/polis/locks": "0o755"}
    for name in ("repo", "worktrees"):
        marker |= {f".git/polis/locks/{name}{end}": "0o644" for end in ("", ".gate")}
    assert _look(ground.root) == dict(sorted((before | marker).items()))
    assert ground.git("status", "--porcelain") == status == ""
    assert oct(ground.hub.stat().st_mode & 0o777) == "0o700"
    assert oct(ground.places.state.stat().st_mode & 0o777) == "0o700"
    assert sorted(_look(ground.hub)) == ["agents", "place", "root", "trash"]
    assert adopted_roots(ground.places) == {ground.hub.name: ground.root}


def test_changes_of_the_user_stay_and_are_told(ground: Ground) -> None:
    (ground.root / "README").write_text("mine\n")
    (ground.root / "new").write_text("mine\n")
    before = ground.git("status", "--porcelain")
    assert adopt(ground.repository, ground.places).notes == (
        f"2 uncommitted changes in {ground.root} left as they are; agents start from a commit",
    )
    assert ground.git("status", "--porcelain") == before


def test_lfs_and_partial_clones_are_told(ground: Ground, monkeypatch: pytest.MonkeyPatch) -> None:
    (ground.root / ".gitattributes").write_text("*.bin filter=lfs diff=lfs merge=lfs -text\n")
    ground.git("add", ".")
    ground.git("commit", "-q", "-m", "lfs")
    ground.git("config", "remote.origin.promisor", "true")
    partial = "this is a partial clone: what it has not fetched yet is not there for agents"
    assert adopt(ground.repository, ground.places).notes == (partial,)
    programs = ground.folder / "programs"
    programs.mkdir()
    (programs / "git").symlink_to(str(shutil.which("git")))
    monkeypatch.setenv("PATH", str(programs))
    assert adopt(ground.repository, ground.places).notes == (
        "git-lfs is not installed: agents have the pointers of Git LFS files and cannot push any",
        partial,
    )


def test_many_at_once_agree(ground: Ground) -> None:
    start = threading.Barrier(6)

    def one(_number: int) -> Adoption:
        start.wait()
        return adopt(ground.repository, ground.places)

    with ThreadPoolExecutor(6) as pool:
        found = list(pool.map(one, range(6)))
    assert [adoption.folder for adoption in found] == [ground.hub] * 6
    assert sum(adoption.fresh for adoption in found) == 1


def test_two_processes_at_once_agree(ground: Ground) -> None:
    script = (
        "import os, pathlib; from cash.hub.adoption import adopt;"
        "from cash.hub.repository import find_repository; from cash.places import find_places;"
        f"print(adopt(find_repository(pathlib.Path({str(ground.root)!r})),"
        " find_places(os.environ)).fresh)"
    )
    started = [
        subprocess.Popen(
            [sys.executable, "-c", script],
            env=ground.environment,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    told = sorted(process.communicate(timeout=60)[0].strip() for process in started)
    assert told == ["False", "True"]


def test_a_dead_holder_does_not_hold(ground: Ground) -> None:
    adopt(ground.repository, ground.places)
    child = os.fork()
    if child == 0:
        with hold_hub(ground.repository, EXCLUSIVE, "test"):
            os._exit(9)  # dies holding it
    os.waitpid(child, 0)
    with hold_hub(ground.repository, EXCLUSIVE, "test", seconds=1):
        pass


def test_a_repository_in_polis_own_state_is_refused(ground: Ground) -> None:
    place = ground.places.state / "inner"
    ground.git("clone", "-q", ground.root, place)
    with pytest.raises(Fault, match="lies inside polis' own state"):
        adopt(find_repository(place), ground.places)


@needs_root
def test_a_full_disk_is_one_line_and_leaves_nothing(ground: Ground) -> None:
    state = ground.folder / "state"
    state.mkdir()
    subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=4k,nr_inodes=2", "tmpfs", state], check=True
    )
    try:
        with pytest.raises(Fault) as caught:
            adopt(ground.repository, ground.places)
        assert caught.value.message.endswith("No space left on device")
        assert caught.value.hint == "free some space there; nothing was changed"
    finally:
        subprocess.run(["umount", state], check=True)
    assert adopt(ground.repository, ground.places).fresh


@needs_root
def test_an_ordinary_user_adopts_his_own(ground: Ground) -> None:
    subprocess.run(["chown", "-R", f"{ORDINARY}:{ORDINARY}", ground.folder], check=True)
    found = run_as(ORDINARY, lambda: adopt(ground.repository, ground.places))
    assert found == Adoption(folder=ground.hub, fresh=True)
    assert ground.hub.stat().st_uid == ORDINARY


@needs_root
def test_root_adopts_a_users_repository_for_that_user(ground: Ground) -> None:
    subprocess.run(["chown", "-R", f"{ORDINARY}:{ORDINARY}", ground.root], check=True)
    adopt(ground.repository, ground.places)
    assert {path.name: path.stat().st_uid for path in ground.hub.iterdir()} == {
        "agents": ORDINARY,
        "trash": ORDINARY,
        "root": 0,
        "place": 0,
    }
    owners = {path.stat().st_uid for path in (ground.root / ".git/polis").rglob("*")}
    assert owners == {ORDINARY}


@needs_root
def test_root_says_where_a_user_cannot_go(ground: Ground) -> None:
    subprocess.run(["chown", "-R", f"{ORDINARY}:{ORDINARY}", ground.root], check=True)
    (ground.folder / "state").mkdir(mode=0o700)
    with pytest.raises(Fault) as caught:
        adopt(ground.repository, ground.places)
    assert (caught.value.message, caught.value.hint) == (
        f"{ground.folder}/state is closed to {ORDINARY}, who owns the repository",
        f"run polis as {ORDINARY}, or set XDG_STATE_HOME to a folder all may enter",
    )


@needs_root
def test_root_follows_no_link_that_a_user_put_there(ground: Ground) -> None:
    elsewhere = ground.folder / "elsewhere"
    elsewhere.mkdir()
    (ground.root / ".git/polis").symlink_to(elsewhere)
    subprocess.run(["chown", "-hR", f"{ORDINARY}:{ORDINARY}", ground.root], check=True)
    with pytest.raises(Fault, match="cannot be used"):
        adopt(ground.repository, ground.places)
    assert list(elsewhere.iterdir()) == []
