"""polis runs as root, the repository is a user's: what is fetched and pushed is theirs, by them."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from desk import Desk
from far import Far, make_far
from ground import ORDINARY
from homecoming import commit, work
from installation import Installation

pytestmark = [
    pytest.mark.kernel,
    pytest.mark.skipif(os.geteuid() != 0, reason="only root works in other users' repositories"),
]


@pytest.fixture
def far(installation: Installation) -> Far:
    """The remote of a repository that belongs, as its remote does, to an ordinary user."""
    desk = Desk(installation, installation.make_repository())
    made = make_far(desk)
    # The user has to find the way to what is theirs.
    (installation.folder / "state").mkdir()
    for place in (installation.folder / "state", installation.folder, installation.folder.parent):
        place.chmod(0o711)
    made.log.touch()
    for place in (desk.repository, made.bare, made.log):
        subprocess.run(["chown", "-hR", f"{ORDINARY}:{ORDINARY}", place], check=True)
    for words in (("init",), ("agents", "add", "alice")):
        ran = desk.polis(*words)
        assert ran.status == 0, ran.err
    return made


def test_all_is_the_users_and_done_by_them(far: Far) -> None:
    desk = far.desk
    commit(desk, "a.txt", "a\n")
    ran = desk.line("git push origin agent/alice && git fetch origin && git pull -q origin main")
    assert ran.status == 0, ran.err
    assert "dubious" not in ran.err
    tip = work(desk, "git rev-parse HEAD").strip()
    assert (far.bare / "refs/heads/agent/alice").read_text().strip() == tip
    assert {line.split()[0] for line in far.asked} == {str(ORDINARY)}
    assert _owners(desk.repository / ".git") == _owners(far.bare) == {ORDINARY}


def test_the_hub_is_fetched(far: Far) -> None:
    desk = far.desk
    user = ("setpriv", f"--reuid={ORDINARY}", f"--regid={ORDINARY}", "--clear-groups", "git")
    who = ("-c", "user.name=Ada", "-c", "user.email=ada@example.org")
    ran = desk.installation.run(
        *(*user, *who, "commit", "-q", "--allow-empty", "-m", "mine"),
        cwd=desk.repository,
        environment={"HOME": "/"},
    )
    assert ran.status == 0, ran.err
    assert work(desk, "git fetch -q hub; git log -1 --format=%s hub/main") == "mine\n"
    assert _owners(desk.repository / ".git") == {ORDINARY}


def _owners(folder: Path) -> set[int]:
    return {path.lstat().st_uid for path in (folder, *folder.rglob("*"))}
