"""Git LFS inside: objects come and go through polisd, with the user's own git-lfs and keys."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from desk import Desk
from far import Far, make_far
from homecoming import work

pytestmark = pytest.mark.kernel

PUSH = "git push -q origin HEAD:refs/heads/topic"


@pytest.fixture
def far(desk: Desk) -> Far:
    """The user's repository, with a file of Git LFS that the remote has as well, and agent bob."""
    far = make_far(desk)
    git = desk.installation.git
    git(desk.repository, "lfs", "install")
    git(desk.repository, "config", "remote.origin.lfsurl", f"file://{far.bare}")
    (desk.repository / ".gitattributes").write_text("*.bin filter=lfs diff=lfs merge=lfs -text\n")
    (desk.repository / "a.bin").write_text("large\n")
    git(desk.repository, "add", ".")
    git(desk.repository, "commit", "-q", "-m", "Large")
    git(desk.repository, "push", "-q", "origin", "main")
    assert desk.polis("agents", "add", "bob").status == 0
    return far


def place(text: str) -> str:
    """Below a store."""
    oid = hashlib.sha256(text.encode()).hexdigest()
    return f"lfs/objects/{oid[:2]}/{oid[2:4]}/{oid}"


def test_an_object_is_pushed(desk: Desk, far: Far) -> None:
    assert work(desk, "cat a.bin; git status --short", "bob") == "large\n"
    ran = desk.polis(
        "shell", "bob", "-c", f"echo new >b.bin; git add . && git commit -q -m New && {PUSH}"
    )
    assert ran.status == 0, ran.err
    assert (far.bare / place("new\n")).read_text() == "new\n"
    assert far.git("show", "topic:b.bin").startswith("version https://git-lfs")
    assert (desk.repository / ".git" / place("new\n")).read_text() == "new\n"
    assert desk.polis("agents", "merge", "bob", "--yes").status == 0
    assert (desk.repository / "b.bin").read_text() == "new\n"
