"""polis runs as root, the repository is a user's: git runs as that user, and what it makes is
theirs."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from desk import Desk
from far import Far, make_far
from ground import ORDINARY
from homecoming import commit, work
from installation import Installation
from privilege import needs_root

pytestmark = [pytest.mark.kernel, needs_root]


def _give(folder: Path, uid: int) -> None:
    for place, folders, files in os.walk(folder):
        for name in (".", *folders, *files):
            os.lchown(os.path.join(place, name), uid, uid)


@pytest.fixture
def far(installation: Installation) -> Far:
    """Everything of the user's belongs to them, the remote too."""
    folder = installation.folder
    for place in (folder, folder.parent, folder / "home", folder / "run"):
        place.chmod(0o711)
    desk = Desk(installation, installation.make_repository())
    far = make_far(desk)
    far.log.touch()
    for place in (desk.repository, far.bare, far.log, folder / "ssh"):
        _give(place, ORDINARY)
        os.lchown(place, ORDINARY, ORDINARY)
    (folder / "state").mkdir(mode=0o711)
    for words in (("init",), ("config", "set", "ask-seconds", "2"), ("agents", "add", "alice")):
        ran = desk.polis(*words)
        assert ran.status == 0, ran.err
    return far


def _strangers(folder: Path) -> list[str]:
    """What in there is somebody else's."""
    return [
        os.path.join(place, name)
        for place, folders, files in os.walk(folder)
        for name in (*folders, *files)
        if os.lstat(os.path.join(place, name)).st_uid != ORDINARY
    ]


def test_a_users_repository_under_roots_polis(far: Far) -> None:
    desk = far.desk
    tip = commit(desk, "a.txt", "a\n")
    work(desk, "git push -q origin agent/alice")
    assert _tips(far)["refs/heads/agent/alice"] == tip
    assert far.asked
    assert all(one.split()[0] == str(ORDINARY) for one in far.asked)
    work(desk, "git fetch -q origin; git fetch -q hub; git status --porcelain")
    assert work(desk, "git rev-parse origin/agent/alice").strip() == tip
    assert _strangers(desk.repository) == []
    assert _strangers(far.bare) == []
    assert work(desk, "id -u").strip() == str(ORDINARY)


def _tips(far: Far) -> dict[str, str]:
    ran = far.desk.installation.run(
        *("git", "-c", f"safe.directory={far.bare}", "--git-dir", str(far.bare)),
        *("for-each-ref", "--format=%(refname) %(objectname)"),
    )
    return dict(line.split() for line in ran.out.splitlines())
