"""The key is made once, whole, for the user alone."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from cash.faults import Fault
from cash.store.key import Key, make_key, read_key


def test_the_first_one_stays(tmp_path: Path) -> None:
    key = make_key(tmp_path / "key")
    assert len(key.secret) == 32
    assert make_key(tmp_path / "key") == key == read_key(tmp_path / "key")
    assert stat.S_IMODE((tmp_path / "key").stat().st_mode) == 0o600
    assert [file.name for file in tmp_path.iterdir()] == ["key"]
    assert repr(key) == "Key()"


def test_makers_at_once_get_the_same_one(tmp_path: Path) -> None:
    program = "import sys, pathlib; from cash.store.key import make_key; sys.stdin.read(); "
    program += "print(make_key(pathlib.Path(sys.argv[1])).fingerprint)"
    makers = [
        subprocess.Popen(
            [sys.executable, "-c", program, str(tmp_path / "key")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=Path(__file__).parents[2],
        )
        for _ in range(6)
    ]
    # They wait for the end of their inputs, so as to begin together.
    for maker in makers:
        assert maker.stdin
        maker.stdin.close()
    outputs = set()
    for maker in makers:
        assert maker.stdout
        with maker.stdout:
            outputs.add(maker.stdout.read().strip())
        assert maker.wait(60) == 0
    assert outputs == {read_key(tmp_path / "key").fingerprint.encode()}
    assert [file.name for file in tmp_path.iterdir()] == ["key"]


@pytest.mark.parametrize(
    ("content", "mode", "message"),
    [
        (b"", 0o600, "damaged"),
        (b"x" * 31, 0o600, "damaged"),
        (b"x" * 33, 0o600, "damaged"),
        (b"x" * 32, 0o640, "others may read"),
    ],
)
def test_a_bad_one_is_refused(tmp_path: Path, content: bytes, mode: int, message: str) -> None:
    path = tmp_path / "key"
    path.write_bytes(content)
    path.chmod(mode)
    for get in (read_key, make_key):
        with pytest.raises(Fault, match=message) as caught:
            get(path)
        assert caught.value.hint
    assert path.read_bytes() == content


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    make_key(tmp_path / "other")
    os.symlink("other", tmp_path / "key")
    with pytest.raises(Fault):
        make_key(tmp_path / "key")


def test_signatures_differ_by_purpose_and_key() -> None:
    one, two = Key(b"1" * 32), Key(b"2" * 32)
    made = {one.sign(b"a", b"b"), one.sign(b"b", b"b"), one.sign(b"a", b"c"), two.sign(b"a", b"b")}
    assert len(made) == 4
    assert one.fingerprint != two.fingerprint
