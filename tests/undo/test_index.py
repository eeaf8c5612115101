"""Git's index, by what it says."""

from __future__ import annotations

import hashlib
import os
import subprocess
from pathlib import Path

import pytest

from cash.undo.index import meaning_of


def _git(folder: Path, *words: str) -> None:
    environment = {"PATH": os.environ["PATH"], "HOME": "/nonexistent", "GIT_CONFIG_NOSYSTEM": "1"}
    subprocess.run(["git", *words], cwd=folder, env=environment, check=True, capture_output=True)


@pytest.fixture(params=[("sha1", 2), ("sha1", 4), ("sha256", 2)], ids=str)
def repository(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    format_, version = request.param
    _git(tmp_path, "init", "-q", f"--object-format={format_}")
    for name in ("a", "ab", "deep/er/file", "deep/er/file2", "x" * 70):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    _git(tmp_path, "add", ".")
    _git(tmp_path, "update-index", "--index-version", str(version))
    return tmp_path


def _index(repository: Path) -> bytes:
    return (repository / ".git/index").read_bytes()


def test_other_times_mean_nothing(repository: Path) -> None:
    before = _index(repository)
    for place in (repository / "a", repository / "deep/er/file"):
        os.utime(place, (1, 2))
    _git(repository, "status")
    assert _index(repository) != before
    assert meaning_of(_index(repository)) == meaning_of(before) != ""


@pytest.mark.parametrize(
    "change",
    [
        ("rm", "--cached", "-q", "a"),
        ("update-index", "--chmod=+x", "ab"),
        ("update-index", "--assume-unchanged", "a"),
        ("update-index", "--skip-worktree", "a"),
        ("mv", "a", "b"),
    ],
)
def test_all_else_does(repository: Path, change: tuple[str, ...]) -> None:
    before = meaning_of(_index(repository))
    _git(repository, *change)
    assert "" != meaning_of(_index(repository)) != before


def test_content_does(repository: Path) -> None:
    before = meaning_of(_index(repository))
    (repository / "ab").write_text("AB")
    _git(repository, "add", "ab")
    assert "" != meaning_of(_index(repository)) != before


def test_what_is_not_understood_means_nothing(repository: Path) -> None:
    content = _index(repository)
    for damaged in (b"", b"DIRC", content[:-1], content[:40] + b"x" + content[41:]):
        assert meaning_of(damaged) == ""
    for body in (b"", b"DIRC", b"DIRC\0\0\0\2\0\0\0\1", b"DIRC\0\0\0\4\0\0\0\1" + bytes(62)):
        assert meaning_of(body + hashlib.sha1(body).digest()) == ""
    _git(repository, "update-index", "--split-index")
    assert meaning_of(_index(repository)) == ""
