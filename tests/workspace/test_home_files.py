"""Files in a home that somebody else writes to."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from cash.faults import Fault
from cash.workspace.home_files import read_home_file, remove_home_file, write_home_file

_OWNER = (os.geteuid(), os.getegid())


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "home").mkdir()
    (tmp_path / "secret").write_text("secret")
    return tmp_path / "home"


def test_written_read_and_removed(home: Path) -> None:
    assert read_home_file(home, ".a/b/c.json") == b""
    write_home_file(home, ".a/b/c.json", b"one", _OWNER)
    write_home_file(home, ".a/b/c.json", b"two", _OWNER)
    assert read_home_file(home, ".a/b/c.json") == b"two"
    assert os.listdir(home / ".a/b") == ["c.json"]
    remove_home_file(home, ".a/b/c.json")
    remove_home_file(home, ".a/b/c.json")
    remove_home_file(home, ".x/y")
    assert os.listdir(home / ".a/b") == []


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files to another user")
def test_they_belong_to_the_homes_owner(home: Path) -> None:
    write_home_file(home, ".a/c", b"x", (1234, 5678))
    for place in (home / ".a", home / ".a/c"):
        assert (place.stat().st_uid, place.stat().st_gid) == (1234, 5678)


@pytest.mark.parametrize("inner", [".a/b", ".a"])
def test_no_link_is_followed(home: Path, inner: str) -> None:
    outside = home.parent / "outside"
    outside.mkdir()
    (outside / "b").write_text("theirs")
    (home / ".a").symlink_to(outside if inner == ".a/b" else outside / "b")
    with pytest.raises(Fault, match="cannot be used"):
        read_home_file(home, inner)
    if inner == ".a/b":
        with pytest.raises(Fault, match="cannot be used"):
            write_home_file(home, inner, b"ours", _OWNER)
        with pytest.raises(Fault, match="cannot be used"):
            remove_home_file(home, inner)
    else:  # the link itself is replaced
        write_home_file(home, inner, b"ours", _OWNER)
        assert not (home / inner).is_symlink()
    assert (outside / "b").read_text() == "theirs"
    assert os.listdir(outside) == ["b"]


def test_what_is_no_plain_file_is_not_waited_for(home: Path) -> None:
    os.mkfifo(home / "pipe")
    with pytest.raises(Fault, match="no plain file"):
        read_home_file(home, "pipe")
    (home / "folder").mkdir()
    with pytest.raises(Fault):
        read_home_file(home, "folder")
    (home / "large").write_bytes(b"x" * (1 << 20) + b"y")
    with pytest.raises(Fault, match="over"):
        read_home_file(home, "large")
