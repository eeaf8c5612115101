"""A file is changed in one step, stays the file it was, and nothing outside the tree is touched."""

from __future__ import annotations

import errno
import os
import socket
import stat
import struct
from collections.abc import Iterator
from pathlib import Path

import pytest
from privilege import needs_root

from cash.faults import Fault, UsageFault
from cash.guard.change import Append, Change, Delete, Move, Order, Replace, Write
from cash.guard.digest import hash_content
from cash.guard.draft import Hashes
from cash.guard.hand import LocalHand


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    made = tmp_path / "tree"
    (made / "src").mkdir(parents=True)
    (made / "src/a").write_text("one\n")
    (tmp_path / "outside").write_text("theirs\n")
    return made


@pytest.fixture(autouse=True)
def nothing_stays_open() -> Iterator[None]:
    before = sorted(os.listdir("/proc/self/fd"))
    yield
    assert sorted(os.listdir("/proc/self/fd")) == before


def _do(tree: Path, path: str, change: Change) -> tuple[tuple[str, ...], Hashes]:
    hand = LocalHand(os.fspath(tree), Order(path, change))
    try:
        found = hand.find()
        hashes = hand.draft()
        hand.commit()
    finally:
        hand.close()
    return found, hashes


def _refusal(tree: Path, path: str, change: Change) -> str:
    with pytest.raises(Fault) as fault:
        _do(tree, path, change)
    assert "\n" not in fault.value.message
    return fault.value.message


def _files(tree: Path) -> list[str]:
    return sorted(os.fspath(one.relative_to(tree)) for one in tree.rglob("*") if not one.is_dir())


def test_each_change_is_made_and_hashed(tree: Path) -> None:
    one, two = hash_content(b"one\n"), hash_content(b"one\ntwo\n")
    assert _do(tree, "src/a", Append(b"two\n")) == (("src/a",), Hashes(one, two))
    three = hash_content(b"one\n2\n")
    assert _do(tree, "src/a", Replace(b"two", b"2")) == (("src/a",), Hashes(two, three))
    assert (tree / "src/a").read_text() == "one\n2\n"
    assert _do(tree, "b", Write(b"")) == (("b",), Hashes(None, hash_content(b"")))
    assert stat.S_IMODE((tree / "b").stat().st_mode) == 0o666 & ~_umask()
    assert _do(tree, "src/a", Move("c")) == (("src/a", "c"), Hashes(three, three))
    assert _files(tree) == ["b", "c"]
    assert _do(tree, "c", Delete()) == (("c",), Hashes(three, None))
    assert _files(tree) == ["b"]


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def test_the_file_stays_what_it_was(tree: Path) -> None:
    file = tree / "src/a"
    file.chmod(0o1751)
    os.setxattr(file, "user.note", b"kept\0")
    access = struct.pack("<I" + "HHI" * 5, 2, *(1, 7, -1 & 0xFFFFFFFF), *(2, 6, 4242),
                         *(4, 5, -1 & 0xFFFFFFFF), *(16, 7, -1 & 0xFFFFFFFF),
                         *(32, 1, -1 & 0xFFFFFFFF))  # fmt: skip
    os.setxattr(file, "system.posix_acl_access", access)
    before, listed = file.stat(), sorted(os.listxattr(file))
    _do(tree, "src/a", Write(b"new"))
    after = file.stat()
    assert file.read_bytes() == b"new"
    assert (after.st_mode, after.st_uid, after.st_gid) == (
        before.st_mode,
        before.st_uid,
        before.st_gid,
    )
    assert sorted(os.listxattr(file)) == listed
    assert os.getxattr(file, "user.note") == b"kept\0"
    assert os.getxattr(file, "system.posix_acl_access") == access


@needs_root
def test_its_owner_is_kept(tree: Path) -> None:
    os.chown(tree / "src/a", 4242, 4243)
    _do(tree, "src/a", Append(b"x"))
    after = (tree / "src/a").stat()
    assert (after.st_uid, after.st_gid) == (4242, 4243)


@needs_root
def test_a_file_whose_owner_cannot_be_kept_is_left_alone(tree: Path) -> None:
    os.chown(tree / "src/a", 4242, 4243)
    os.chmod(tree / "src/a", 0o666)
    os.chmod(tree / "src", 0o777)
    for folder in tree.parents[:3]:
        folder.chmod(0o711)
    parent = os.fork()
    if parent == 0:
        status = 1
        try:
            os.setgroups([])
            os.setgid(54321)
            os.setuid(54321)
            _do(tree, "src/a", Write(b"x"))
        except Fault as fault:
            status = 0 if "would not keep its owner" in fault.message else 2
        finally:
            os._exit(status)
    assert os.waitpid(parent, 0)[1] == 0
    assert (tree / "src/a").read_text() == "one\n"
    assert _files(tree) == ["src/a"]


@pytest.mark.parametrize("target", ["a", "../src/a", "{tree}/src/a", "./../src/./a", "once"])
def test_a_link_stays_one_and_its_file_is_written(tree: Path, target: str) -> None:
    (tree / "src/once").symlink_to("a")
    (tree / "src/link").symlink_to(target.format(tree=tree))
    found, _ = _do(tree, "src/link", Append(b"two\n"))
    assert found == ("src/a",)
    assert (tree / "src/link").is_symlink()
    assert (tree / "src/a").read_text() == "one\ntwo\n"


def test_a_link_to_nothing_yet_is_written_through(tree: Path) -> None:
    (tree / "link").symlink_to("src/new")
    assert _do(tree, "link", Write(b"x"))[0] == ("src/new",)
    assert (tree / "src/new").read_bytes() == b"x"


def test_a_link_itself_is_moved_and_deleted(tree: Path) -> None:
    (tree / "link").symlink_to("src/a")
    assert _do(tree, "link", Move("other"))[0] == ("link", "other")
    assert os.readlink(tree / "other") == "src/a"
    _do(tree, "other", Delete())
    assert (tree / "src/a").read_text() == "one\n"


def test_the_way_through_linked_folders(tree: Path) -> None:
    (tree / "lib").symlink_to("src")
    (tree / "deep").mkdir()
    (tree / "deep/up").symlink_to("../lib")
    assert _do(tree, "deep/up/a", Append(b"two\n"))[0] == ("src/a",)


@pytest.mark.parametrize(
    ("links", "path", "said"),
    [
        ({"l": "/etc"}, "l/passwd", "l/passwd leads out of the tree, to /etc"),
        ({"l": "../outside"}, "l", "l leads out of the tree"),
        ({"l": "{tree}/../outside"}, "l", "l leads out of the tree"),
        ({"l": ".."}, "l/outside", "l/outside leads out of the tree"),
        ({"src/l": "../../outside"}, "src/l", "src/l leads out of the tree"),
        ({"l": "m", "m": "l"}, "l", "l leads in a circle: its links never end"),
        ({"l": "l/x"}, "l/a", "l/a leads in a circle: its links never end"),
        ({"l": "src"}, "l", "src is a folder"),
        ({"l": "src/"}, "l", "src is a folder"),
        ({"l": "."}, "l", "l is a folder"),
        ({"l": ".git/config"}, "l", "l: there is no folder .git"),
        ({}, "src", "src is a folder"),
        ({}, "none/a", "none/a: there is no folder none"),
        ({}, "src/a/b", "src/a/b: src/a is no folder"),
    ],
)
def test_where_no_path_may_lead(tree: Path, links: dict[str, str], path: str, said: str) -> None:
    for name, target in links.items():
        (tree / name).symlink_to(target.format(tree=tree))
    assert _refusal(tree, path, Write(b"x")) == said
    assert (tree.parent / "outside").read_text() == "theirs\n"
    assert [name for name in _files(tree) if not (tree / name).is_symlink()] == ["src/a"]


@pytest.mark.parametrize(
    ("path", "change", "said"),
    [
        ("none", Delete(), "none is not there"),
        ("none", Replace(b"a", b"b"), "none is not there"),
        ("none", Move("b"), "none is not there"),
        ("src", Delete(), "src is a folder"),
        ("src", Move("lib"), "src is a folder"),
        ("src/a", Move("src/a"), "src/a is there already"),
        ("src/a", Move("src"), "src is there already"),
        ("src/a", Move("none/b"), "none/b: there is no folder none"),
        ("fifo", Write(b"x"), "fifo is no file"),
        ("fifo", Delete(), "fifo is no file"),
        ("socket", Append(b"x"), "socket is no file"),
    ],
)
def test_what_cannot_be_done_is_said(tree: Path, path: str, change: Change, said: str) -> None:
    os.mkfifo(tree / "fifo")
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(os.fspath(tree / "socket"))
        assert _refusal(tree, path, change) == said
    assert _files(tree) == ["fifo", "socket", "src/a"]


def test_odd_names_are_names(tree: Path) -> None:
    for name in ("a\nb", "\udcff\udcfe", "-n", " ", "x" * 255, "é" * 127):
        _do(tree, name, Write(b"1"))
        _do(tree, name, Append(b"2"))
        assert (tree / name).read_bytes() == b"12"
        _do(tree, name, Move("back"))
        _do(tree, "back", Delete())
    assert _files(tree) == ["src/a"]


def test_a_large_file_is_refused(tree: Path) -> None:
    with (tree / "large").open("wb") as file:
        file.truncate((64 << 20) + 1)
    assert _refusal(tree, "large", Append(b"x")) == "large has more than 64 MB"


def test_what_killed_drafts_left_is_taken_away(tree: Path) -> None:
    (tree / "src/a.tmp.123.90115deadbeef").write_text("left\n")
    # Not ours: another program's passing name, and another file's draft.
    (tree / "src/a.tmp.123.deadbeef").touch()
    (tree / "src/ab.tmp.123.90115deadbeef").touch()
    _do(tree, "src/a", Write(b"x"))
    assert _files(tree) == ["src/a", "src/a.tmp.123.deadbeef", "src/ab.tmp.123.90115deadbeef"]


@pytest.mark.parametrize("change", [Append(b"x"), Write(b"x"), Delete(), Move("b")])
def test_a_file_that_changes_between_is_not_lost(tree: Path, change: Change) -> None:
    hand = LocalHand(os.fspath(tree), Order("src/a", change))
    hand.find()
    hand.draft()
    (tree / "src/a").write_text("two\n")
    with pytest.raises(Fault, match="src/a was changed meanwhile"):
        hand.commit()
    hand.close()
    assert (tree / "src/a").read_text() == "two\n"
    assert _files(tree) == ["src/a"]


@pytest.mark.parametrize(
    ("place", "said"),
    [("../elsewhere", "src/a leads out of the tree"), ("elsewhere", "src/a was moved meanwhile")],
)
def test_a_folder_that_becomes_a_link_leads_nowhere(tree: Path, place: str, said: str) -> None:
    elsewhere = tree / place
    elsewhere.mkdir()
    (elsewhere / "a").write_text("theirs\n")
    hand = LocalHand(os.fspath(tree), Order("src/a", Write(b"x")))
    assert hand.find() == ("src/a",)
    (tree / "src").rename(tree / "old")
    (tree / "src").symlink_to(elsewhere)
    with pytest.raises(Fault, match=said):
        hand.draft()
    hand.close()
    assert (elsewhere / "a").read_text() == "theirs\n"


def test_a_name_that_is_taken_at_the_last_moment_is_not_overwritten(tree: Path) -> None:
    hand = LocalHand(os.fspath(tree), Order("src/a", Move("b")))
    hand.find()
    hand.draft()
    (tree / "b").write_text("theirs\n")
    with pytest.raises(UsageFault, match="b is there already"):
        hand.commit()
    hand.close()
    assert (tree / "b").read_text() == "theirs\n"


def test_a_full_disk_leaves_the_old_file(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_words: object) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        said = _refusal(tree, "src/a", Write(b"x"))
    assert said == "src/a cannot be changed: No space left on device"
    assert (tree / "src/a").read_text() == "one\n"
    assert _files(tree) == ["src/a"]
