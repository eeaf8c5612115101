"""Settings put into a home in which an agent may have written anything."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from cash.faults import Fault
from cash.providers.settling import merge, read_settled, remove_settled, settle_files

_ME = (os.geteuid(), os.getegid())


def test_files_are_made_with_their_folders_for_the_owner_alone(tmp_path: Path) -> None:
    settle_files(tmp_path, [(".x/y/z.toml", b"a = 1\n")], _ME)
    made = tmp_path / ".x/y/z.toml"
    assert made.read_bytes() == b"a = 1\n"
    assert made.stat().st_mode & 0o777 == 0o600
    assert made.parent.stat().st_mode & 0o777 == 0o700


def test_json_is_put_into_what_is_there(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text('{"keep": 1, "deep": {"x": 1, "y": 2}, "list": [1, 2]}')
    wanted = {"deep": {"y": 3, "z": 4}, "list": [9]}
    settle_files(tmp_path, [("a.json", json.dumps(wanted).encode())], _ME)
    assert json.loads((tmp_path / "a.json").read_text()) == {
        "keep": 1,
        "deep": {"x": 1, "y": 3, "z": 4},
        "list": [9],
    }
    settle_files(tmp_path, [("a.json", b"{}")], _ME, whole=True)
    assert (tmp_path / "a.json").read_text() == "{}"


@pytest.mark.parametrize("there", ["{", "[]", "", "[" * 100_000, "\xff"])
def test_what_is_no_mapping_is_replaced(tmp_path: Path, there: str) -> None:
    (tmp_path / "a.json").write_text(there, encoding="latin-1")
    settle_files(tmp_path, [("a.json", b'{"a": 1}')], _ME)
    assert json.loads((tmp_path / "a.json").read_text()) == {"a": 1}


def test_a_link_in_place_of_the_file_is_replaced_not_followed(tmp_path: Path) -> None:
    (tmp_path / "far.json").write_text('{"mine": true}')
    home = tmp_path / "home"
    home.mkdir()
    (home / "a.json").symlink_to(tmp_path / "far.json")
    settle_files(home, [("a.json", b'{"a": 1}')], _ME)
    assert (tmp_path / "far.json").read_text() == '{"mine": true}'
    assert json.loads((home / "a.json").read_text()) == {"a": 1}
    assert not (home / "a.json").is_symlink()


def test_a_link_in_place_of_a_folder_is_a_fault(tmp_path: Path) -> None:
    far, home = tmp_path / "far", tmp_path / "home"
    far.mkdir()
    home.mkdir()
    (home / ".x").symlink_to(far)
    with pytest.raises(Fault, match=r"\.x/a\.json cannot be written"):
        settle_files(home, [(".x/a.json", b"{}")], _ME)
    assert list(far.iterdir()) == []
    assert read_settled(home, ".x/a.json") is None


def test_nobody_waits_for_a_pipe_or_reads_what_is_no_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.json")
    assert read_settled(tmp_path, "pipe.json") is None
    settle_files(tmp_path, [("pipe.json", b"{}")], _ME)
    assert (tmp_path / "pipe.json").is_file()
    with open(tmp_path / "big.json", "wb") as file:
        file.truncate(9 << 20)
    assert read_settled(tmp_path, "big.json") is None


def test_what_is_there_already_is_not_written_again(tmp_path: Path) -> None:
    settle_files(tmp_path, [("a", b"x")], _ME)
    before = (tmp_path / "a").stat().st_ino
    settle_files(tmp_path, [("a", b"x")], _ME)
    assert (tmp_path / "a").stat().st_ino == before
    assert [one.name for one in tmp_path.iterdir()] == ["a"]


def test_a_folder_in_the_way_is_a_fault_and_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "a.json").mkdir()
    (tmp_path / "a.json/in").touch()
    with pytest.raises(Fault):
        settle_files(tmp_path, [("a.json", b"{}")], _ME)
    assert [one.name for one in tmp_path.iterdir()] == ["a.json"]


def test_removing(tmp_path: Path) -> None:
    (tmp_path / "a").touch()
    assert remove_settled(tmp_path, "a")
    assert not remove_settled(tmp_path, "a")
    assert not remove_settled(tmp_path, "b/c")


def test_merging_replaces_what_is_of_another_kind() -> None:
    assert merge({"a": [1]}, {"a": {"b": 1}}) == {"a": {"b": 1}}
    assert merge([1], {"a": 1}) == {"a": 1}
