"""Refs are read as bytes: whatever an agent puts in their place, nothing is followed or waits."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from ground import Ground

from cash.hub.reading import RefsRead, read_refs, read_small
from cash.workspace.agent import Agent
from cash.workspace.tree import add_tree


@pytest.fixture
def agent(ground: Ground) -> Agent:
    return add_tree(ground.repository, ground.places, "alice")


def test_any_ref_that_moves_changes_the_fingerprint(ground: Ground, agent: Agent) -> None:
    seen = [read_refs(agent.git_directory)]
    for words in (
        ("commit", "-q", "--allow-empty", "-m", "x"),
        ("branch", "other"),
        ("switch", "-q", "other"),
        ("tag", "v1"),
        ("checkout", "-q", "--detach"),
        ("commit", "-q", "--amend", "--allow-empty", "-m", "y"),
        ("branch", "-D", "-q", "agent/alice"),
    ):
        ground.inside(agent, *words)
        seen.append(read_refs(agent.git_directory))
    assert len({reading.fingerprint for reading in seen}) == len(seen)
    tip = ground.inside(agent, "rev-parse", "HEAD")
    assert [reading.head for reading in seen[:4]] == [
        *(["refs/heads/agent/alice"] * 3),
        "refs/heads/other",
    ]
    assert seen[-1].head == tip


def test_nothing_else_changes_it(ground: Ground, agent: Agent) -> None:
    before = read_refs(agent.git_directory)
    (agent.tree / "README").write_text("changed\n")
    ground.inside(agent, "add", ".")
    ground.inside(agent, "status")
    assert read_refs(agent.git_directory) == before


def _head_symlink(git: Path) -> None:
    (git / "HEAD").unlink()
    (git / "HEAD").symlink_to("/etc/hostname")


def _head_fifo(git: Path) -> None:
    (git / "HEAD").unlink()
    os.mkfifo(git / "HEAD")


def _head_huge(git: Path) -> None:
    os.truncate(git / "HEAD", 1 << 40)


def _head_folder(git: Path) -> None:
    (git / "HEAD").unlink()
    (git / "HEAD").mkdir()


def _refs_symlink(git: Path) -> None:
    os.rename(git / "refs", git / "old")
    (git / "refs").symlink_to("/")


def _ref_fifo(git: Path) -> None:
    os.mkfifo(git / "refs/heads/fifo")


def _ref_symlink(git: Path) -> None:
    (git / "refs/heads/link").symlink_to("/etc")


def _packed_huge(git: Path) -> None:
    os.truncate(git / "packed-refs", 1 << 40)


def _packed_fifo(git: Path) -> None:
    (git / "packed-refs").unlink()
    os.mkfifo(git / "packed-refs")


def _deep(git: Path) -> None:
    place = git / "refs/heads" / "/".join("x" * 100)
    place.mkdir(parents=True)
    (place / "ref").write_text("0" * 40)


def _many(git: Path) -> None:
    place = git / "refs/heads/many"
    place.mkdir()
    for number in range(5_100):
        os.close(os.open(place / str(number), os.O_CREAT, 0o600))


def _unreadable_name(git: Path) -> None:
    os.mkfifo(os.fsencode(git / "refs/heads") + b"/\xff\xfe\n")


def _gone(git: Path) -> None:
    os.rename(git, git.with_name("gone"))


@pytest.mark.parametrize(
    "plant",
    [
        *(_head_symlink, _head_fifo, _head_huge, _head_folder, _refs_symlink, _ref_fifo),
        *(_ref_symlink, _packed_huge, _packed_fifo, _deep, _many, _unreadable_name, _gone),
    ],
)
def test_what_stands_in_place_of_a_ref(agent: Agent, plant: Callable[[Path], None]) -> None:
    before = read_refs(agent.git_directory)
    plant(agent.git_directory)
    started = time.monotonic()
    found = read_refs(agent.git_directory)
    assert time.monotonic() - started < 5
    assert found.fingerprint != before.fingerprint
    assert found.head in ("", "refs/heads/agent/alice")


@pytest.mark.parametrize(
    "content",
    [
        *(b"", b"ref: refs/heads/../../x", b"ref: refs/remotes/origin/x", b"ref: /etc/passwd"),
        *(b"ref: refs/heads/a b", b"ref: refs/heads/\x1b[2J", b"\xff\xff", b"0" * 39, b"-n"),
        b"ref: refs/heads/a\nref: refs/heads/b",
    ],
)
def test_a_head_that_names_no_branch(agent: Agent, content: bytes) -> None:
    (agent.git_directory / "HEAD").write_bytes(content)
    assert read_refs(agent.git_directory).head == ""


def test_a_missing_git_directory_has_a_fingerprint_too(tmp_path: Path) -> None:
    assert read_refs(tmp_path / "none") == RefsRead("missing 2", "")


def test_a_small_file_is_read_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"12345")
    (tmp_path / "link").symlink_to("file")
    os.mkfifo(tmp_path / "fifo")
    found = {name: read_small(tmp_path / name, 5) for name in ("file", "link", "fifo", "none")}
    assert found == {"file": b"12345", "link": None, "fifo": None, "none": None}
    assert read_small(tmp_path / "file", 4) is None
